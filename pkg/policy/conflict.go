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
}

// conflicts says which policies of the set allow no mode in common, by name.
func (s Set) conflicts() map[string]*conflict {
	var restricting []*Policy
	for _, p := range s.policies {
		if p.Spec.AllowedModes != nil && p.Enforcement == api.EnforcementDeny {
			restricting = append(restricting, p)
		}
	}
	found := map[string]*conflict{}
	findConflicts(found, nil, restricting)
	return found
}

// findConflicts adds to found the smallest groups that allow nothing in common and begin
// with this one. Each member takes a mode away that the others allow, so that a group has no
// more members than there are modes.
func findConflicts(found map[string]*conflict, group, rest []*Policy) {
	for i, p := range rest {
		larger := append(slices.Clip(group), p)
		switch common := inCommon(larger); {
		case len(group) > 0 && common.Equal(inCommon(group)) || !mayShareAPod(larger):
			continue
		case common.Len() > 0:
			findConflicts(found, larger, rest[i+1:])
		case isSmallest(larger):
			record(found, larger)
		}
	}
}

// inCommon are the modes that all of the group allow. A policy that allows none but default
// agrees with its like.
func inCommon(group []*Policy) sets.Set[api.Mode] {
	common := sets.New(api.Modes()...)
	for _, p := range group {
		allowed := sets.New(p.Spec.AllowedModes...)
		if allowed.Len() > 1 {
			allowed.Delete(api.ModeDefault)
		}
		common = common.Intersection(allowed)
	}
	return common
}

// isSmallest says whether each member has a part in the conflict of a group.
func isSmallest(group []*Policy) bool {
	for i := range group {
		if inCommon(slices.Delete(slices.Clone(group), i, i+1)).Len() == 0 {
			return false
		}
	}
	return true
}

func record(found map[string]*conflict, group []*Policy) {
	certain := selectAlike(group)
	for _, p := range group {
		c := found[p.Name]
		if c == nil {
			c = &conflict{certain: sets.New[string](), possible: sets.New[string]()}
			found[p.Name] = c
		}
		names := c.possible
		if certain {
			names = c.certain
		}
		for _, other := range group {
			if other != p {
				names.Insert(other.Name)
			}
		}
	}
}

// selectAlike says whether the policies surely have pods in common: they choose alike, or all.
func selectAlike(group []*Policy) bool {
	choices := sets.New[string]()
	for _, p := range group {
		if !p.selectsAllPods() {
			choices.Insert(p.pods.String())
		}
	}
	return choices.Len() <= 1
}

// mayShareAPod says whether one set of labels can match the podSelectors of all policies.
func mayShareAPod(group []*Policy) bool {
	var all labels.Requirements
	for _, p := range group {
		if p.pods != nil {
			requirements, _ := p.pods.Requirements()
			all = append(all, requirements...)
		}
	}
	for _, r := range all {
		if !satisfiable(r.Key(), all) {
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
	for _, r := range all {
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
			if one == nil {
				one = sets.New(r.ValuesUnsorted()...)
			}
			one = one.Intersection(sets.New(r.ValuesUnsorted()...))
		default: // Exists
			present = true
		}
	}
	return !(present && absent) && (one == nil || one.Difference(not).Len() > 0)
}
