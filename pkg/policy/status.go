package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
)

// Condition types of a NetworkModePolicy.
const (
	// ConditionEffective is True where the policy's defaultMode holds in all
	// namespaces that it selects.
	ConditionEffective = "Effective"
	// ConditionConflict is True where the policy and others allow no mode in common.
	ConditionConflict = "Conflict"
)

// Reasons of conditions.
const (
	ReasonEffective        = "Effective"
	ReasonOverridden       = "Overridden"
	ReasonPartlyOverridden = "PartlyOverridden"
	ReasonNothingInCommon  = "NothingInCommon"
	ReasonNoConflict       = "NoConflict"
)

// Status is what a policy's status says.
type Status struct {
	// Selected counts the namespaces that the policy selects, but for exempt ones.
	Selected int
	// Unlabelled counts those of them whose pods are not sent to netmode unless
	// they ask for something; UnlabelledExamples are the first, by name.
	Unlabelled         int
	UnlabelledExamples []string
	// Conditions are Effective and Conflict, in this order.
	Conditions []Condition
}

// Condition is what a metav1.Condition says, without its times.
type Condition struct {
	Type            string
	True            bool
	Reason, Message string
}

// maxExamples bounds the namespaces and the policies that a status names.
const maxExamples = 10

// Statuses returns the status of each policy, by name, in a cluster whose
// Namespaces have these labels, by name. Exempt ones are never touched, so that
// policies do not hold there.
func (s Set) Statuses(namespaces map[string]map[string]string, exempt []string) map[string]Status {
	work := make(map[string]*findings, len(s.policies))
	for _, p := range s.policies {
		work[p.Name] = &findings{overriding: map[string]bool{}, conflicting: map[string]bool{}}
	}
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		if !slices.Contains(exempt, name) {
			s.ForNamespace(namespaces[name]).find(work, name, namespaces[name])
		}
	}
	statuses := make(map[string]Status, len(work))
	for _, p := range s.policies {
		statuses[p.Name] = work[p.Name].status(p)
	}
	return statuses
}

// findings are what is known of one policy so far.
type findings struct {
	selected, unlabelled int
	examples             []string
	// overridden counts the namespaces where another policy gives the default.
	overridden  int
	overriding  map[string]bool
	conflicts   int
	conflicting map[string]bool
}

// find looks at one namespace, whose policies the set has.
func (s Set) find(work map[string]*findings, namespace string, labels map[string]string) {
	_, hasMode := labels[api.LabelMode]
	sent := hasMode || labels[api.LabelPolicy] == api.PolicyEnabled
	conflicts := s.conflicts()
	for i, p := range s.policies {
		f := work[p.Name]
		f.selected++
		if !sent {
			f.unlabelled++
			if len(f.examples) < maxExamples {
				f.examples = append(f.examples, namespace)
			}
		}
		if by := s.overrides(i); by != "" {
			f.overridden++
			f.overriding[by] = true
		}
		if with := conflicts[p.Name]; len(with) > 0 {
			f.conflicts++
			for _, name := range with {
				f.conflicting[name] = true
			}
		}
	}
}

// overrides names the policy that gives the default in the place of the one at
// index i, to all pods of it: one with a higher say that chooses pods as it does
// or all pods. "": none does.
func (s Set) overrides(i int) string {
	p := s.policies[i]
	if p.Spec.DefaultMode == "" {
		return ""
	}
	for _, other := range s.policies[:i] {
		if other.Spec.DefaultMode != "" && (other.pods == nil || p.pods != nil && other.pods.String() == p.pods.String()) {
			return other.Name
		}
	}
	return ""
}

// conflicts says for each policy, by name, with which others it allows nothing in
// common. Whether two policies choose one pod is known where one of them chooses
// all, or both choose alike.
func (s Set) conflicts() map[string][]string {
	if names, _ := s.Conflicts(); len(names) < 2 {
		return nil
	}
	choices := map[string]bool{"": true} // the empty one stands for pods that only policies for all choose
	for _, p := range s.policies {
		if p.pods != nil {
			choices[p.pods.String()] = true
		}
	}
	found := map[string][]string{}
	for choice := range choices {
		names, conflict := s.filter(func(p *Policy) bool { return p.pods == nil || p.pods.String() == choice }).Conflicts()
		if !conflict {
			continue
		}
		for _, name := range names {
			others := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == name })
			found[name] = append(found[name], others...)
		}
	}
	return found
}

func (f *findings) status(p *Policy) Status {
	return Status{
		Selected:           f.selected,
		Unlabelled:         f.unlabelled,
		UnlabelledExamples: f.examples,
		Conditions:         []Condition{f.effective(p), f.conflict()},
	}
}

func (f *findings) effective(p *Policy) Condition {
	by := some(f.overriding)
	switch {
	case p.Spec.DefaultMode == "":
		return Condition{ConditionEffective, true, ReasonEffective, "the policy has no defaultMode that another could override"}
	case f.overridden == 0:
		return Condition{ConditionEffective, true, ReasonEffective, "no other policy overrides defaultMode " + string(p.Spec.DefaultMode)}
	case f.overridden == f.selected:
		return Condition{ConditionEffective, false, ReasonOverridden, fmt.Sprintf(
			"defaultMode %s holds nowhere, since policy %s has a higher say: raise priority, or remove one of the defaults", p.Spec.DefaultMode, by)}
	default:
		return Condition{ConditionEffective, false, ReasonPartlyOverridden, fmt.Sprintf(
			"defaultMode %s does not hold in %d of %d namespaces, since policy %s has a higher say: raise priority, or select other namespaces",
			p.Spec.DefaultMode, f.overridden, f.selected, by)}
	}
}

func (f *findings) conflict() Condition {
	if f.conflicts == 0 {
		return Condition{ConditionConflict, false, ReasonNoConflict, "each namespace has a mode that all of its policies allow"}
	}
	return Condition{ConditionConflict, true, ReasonNothingInCommon, fmt.Sprintf(
		"in %d of %d namespaces this policy and %s allow no mode in common, so every mode but default is refused: allow a common one, or select other namespaces",
		f.conflicts, f.selected, some(f.conflicting))}
}

// some names the first of the policies, in order.
func some(names map[string]bool) string {
	all := slices.Sorted(maps.Keys(names))
	if more := len(all) - maxExamples; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:maxExamples], ", "), more)
	}
	return strings.Join(all, ", ")
}
