package policy

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/netmode-io/netmode/pkg/api"
)

// conflict names the policies with which one allows no mode in common.
type conflict struct {
	// The certain ones select the same pods, or all; the possible ones do where a pod has the
	// labels for both.
	certain, possible sets.Set[string]
	// required says that not even mode default is left.
	required bool
}

// modeSet has a bit for each of api.Modes.
type modeSet uint

// modes are those that a policy allows, without default. A policy that allows no other agrees
// with its like.
func (p *Policy) modes() modeSet {
	var allowed, standard modeSet
	for i, m := range api.Modes() {
		switch {
		case m == api.ModeDefault:
			standard = 1 << i
		case p.permits(m):
			allowed |= 1 << i
		}
	}
	if allowed == 0 {
		return standard
	}
	return allowed
}

// list are the modes, in the order of api.Modes.
func (s modeSet) list() []api.Mode {
	var all []api.Mode
	for i, m := range api.Modes() {
		if s&(1<<i) != 0 {
			all = append(all, m)
		}
	}
	return all
}

// permits says whether a pod in the mode keeps the policy.
func (p *Policy) permits(mode api.Mode) bool {
	if mode == api.ModeDefault {
		return !refusesDefault(&p.Spec)
	}
	return p.Spec.AllowedModes == nil || slices.Contains(p.Spec.AllowedModes, mode)
}

// refusesDefault says whether a pod in mode default breaks a policy of this spec.
func refusesDefault(spec *api.NetworkModePolicySpec) bool {
	return spec.RequireMode && !slices.Contains(spec.AllowedModes, api.ModeDefault)
}

// restricts says whether the policy refuses any mode.
func (p *Policy) restricts() bool {
	return p.Enforcement == api.EnforcementDeny && (p.Spec.AllowedModes != nil || p.Spec.RequireMode)
}

// alike are policies that allow the same modes to the same pods.
type alike struct {
	modes    modeSet
	required bool
	pods     labels.Selector // nil: all
	names    []string
}

// restrictions are the policies of the set that refuse some mode.
func (s Set) restrictions() []*alike {
	type key struct {
		modes    modeSet
		required bool
		pods     string
	}
	found := map[key]*alike{}
	var all []*alike
	for _, p := range s.policies {
		if !p.restricts() {
			continue
		}
		k, pods := key{p.modes(), refusesDefault(&p.Spec), ""}, p.pods
		if p.selectsAllPods() {
			pods = nil
		} else {
			k.pods = pods.String()
		}
		if found[k] == nil {
			found[k] = &alike{modes: k.modes, required: k.required, pods: pods}
			all = append(all, found[k])
		}
		found[k].names = append(found[k].names, p.Name)
	}
	return all
}

// conflicts says which policies of the set allow no mode in common, by name.
func (s Set) conflicts() map[string]*conflict {
	found := map[string]*conflict{}
	findConflicts(found, nil, s.restrictions())
	return found
}

// findConflicts adds to found the smallest groups that allow nothing in common and begin
// with this one. Each member takes a mode away that the others allow, so that a group has no
// more members than there are modes.
func findConflicts(found map[string]*conflict, group, rest []*alike) {
	for i, a := range rest {
		larger := append(slices.Clip(group), a)
		common := inCommon(larger)
		if len(group) > 0 && common == inCommon(group) || !mayShareAPod(larger) {
			continue
		}
		if common != 0 {
			findConflicts(found, larger, rest[i+1:])
		} else if isSmallest(larger) {
			record(found, larger)
		}
	}
}

// inCommon are the modes that all of the group allow.
func inCommon(group []*alike) modeSet {
	common := ^modeSet(0)
	for _, a := range group {
		common &= a.modes
	}
	return common
}

// isSmallest says whether each member has a part in the conflict of a group.
func isSmallest(group []*alike) bool {
	for i := range group {
		if inCommon(slices.Delete(slices.Clone(group), i, i+1)) == 0 {
			return false
		}
	}
	return true
}

func record(found map[string]*conflict, group []*alike) {
	certain := selectAlike(group)
	required := slices.ContainsFunc(group, func(a *alike) bool { return a.required })
	for _, a := range group {
		for _, name := range a.names {
			c := found[name]
			if c == nil {
				c = &conflict{certain: sets.New[string](), possible: sets.New[string]()}
				found[name] = c
			}
			c.required = c.required || required
			others := c.possible
			if certain {
				others = c.certain
			}
			for _, other := range group {
				if other != a {
					others.Insert(other.names...)
				}
			}
		}
	}
}

// selectAlike says whether the policies surely have pods in common: they choose alike, or all.
func selectAlike(group []*alike) bool {
	choices := sets.New[string]()
	for _, a := range group {
		if a.pods != nil {
			choices.Insert(a.pods.String())
		}
	}
	return choices.Len() <= 1
}

// mayShareAPod says whether one set of labels can match the podSelectors of all policies.
func mayShareAPod(group []*alike) bool {
	var all labels.Requirements
	for _, a := range group {
		if a.pods != nil {
			requirements, _ := a.pods.Requirements()
			all = append(all, requirements...)
		}
	}
	for i := range all {
		if !satisfiable(all[i].Key(), all) {
			return false
		}
	}
	return true
}

// satisfiable says whether a label of this key, or its absence, meets all the requirements.
func satisfiable(key string, all labels.Requirements) bool {
	present, absent := false, false
	var one sets.Set[string] // nil: any value
	not := sets.New[string]()
	for i := range all {
		r := &all[i]
		if r.Key() != key {
			continue
		}
		switch r.Operator() {
		case selection.DoesNotExist:
			absent = true
		case selection.NotIn:
			not.Insert(r.ValuesUnsorted()...)
		case selection.In, selection.Equals, selection.DoubleEquals:
			present = true
			values := sets.New(r.ValuesUnsorted()...)
			if one == nil {
				one = values
			}
			one = one.Intersection(values)
		default: // Exists
			present = true
		}
	}
	return !(present && absent) && (one == nil || one.Difference(not).Len() > 0)
}
