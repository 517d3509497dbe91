package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Condition types of a NetworkModePolicy.
const (
	// ConditionEffective is True where the policy's defaultMode holds in all
	// namespaces that it selects: no other policy overrides it, and none refuses it.
	ConditionEffective = "Effective"
	// ConditionConflict is True where the policy and others allow no mode in common, and
	// Unknown where they do so only for pods with the labels for all of them.
	ConditionConflict = "Conflict"
)

// Reasons of conditions.
const (
	ReasonEffective        = "Effective"
	ReasonOverridden       = "Overridden"
	ReasonPartlyOverridden = "PartlyOverridden"
	ReasonRefused          = "Refused"
	ReasonNotUnderstood    = "NotUnderstood"
	ReasonNothingInCommon  = "NothingInCommon"
	ReasonForSomePods      = "NothingInCommonForSomePods"
	ReasonNoConflict       = "NoConflict"
)

// Status is what a policy's status says.
type Status struct {
	// Selected counts the namespaces that the policy selects, but for exempt ones.
	Selected int
	// Unlabelled counts those of them that lack the label for what the policy
	// gives to pods that ask for nothing; UnlabelledExamples are the first, by name.
	Unlabelled         int
	UnlabelledExamples []string
	// Conditions are Effective and Conflict, in this order; Enforced says the rest.
	Conditions []Condition
}

// Condition is what a metav1.Condition says, without its times.
type Condition struct {
	Type            string
	Status          metav1.ConditionStatus
	Reason, Message string
}

// maxExamples bounds the namespaces and the policies that a status names.
const maxExamples = 10

// Statuses returns the status of each policy, by name, in a cluster whose
// Namespaces have these labels, by name. In exempt ones no policy holds.
func (s Set) Statuses(namespaces map[string]map[string]string, exempt []string) map[string]Status {
	work := make(map[string]*findings, len(s.policies))
	for _, p := range s.policies {
		work[p.Name] = &findings{overriding: sets.New[string](), refusing: sets.New[string](), conflicting: sets.New[string](), clashing: sets.New[string]()}
	}
	conflicts := map[string]map[string]*conflict{} // by the names of the policies: many namespaces have the same
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		if slices.Contains(exempt, name) {
			continue
		}
		here := s.ForNamespace(namespaces[name])
		key := here.key()
		if _, known := conflicts[key]; !known {
			conflicts[key] = here.conflicts()
		}
		here.find(work, name, namespaces[name], conflicts[key])
	}
	statuses := make(map[string]Status, len(work))
	for _, p := range s.policies {
		statuses[p.Name] = work[p.Name].status(p)
	}
	return statuses
}

// key tells the sets of a set's policies apart.
func (s Set) key() string {
	var key strings.Builder
	for _, p := range s.policies {
		key.WriteString(p.Name)
		key.WriteByte('/') // never in a name
	}
	return key.String()
}

// NotUnderstood is the status of a policy that does not compile: it was made for
// another version of netmode. What it forbade before is left as it is.
func NotUnderstood(problem error) Status {
	why := "this version of netmode does not understand it: " + clip(problem.Error()) + ": correct it, or install the version that it was made for"
	gives := "the policy gives nothing: " + why
	forbids := "what the API server held of the policy before, if anything, it still holds, and no more: " + why
	return Status{Conditions: []Condition{
		{ConditionEffective, metav1.ConditionFalse, ReasonNotUnderstood, gives},
		{ConditionConflict, metav1.ConditionUnknown, ReasonNotUnderstood, gives},
		{ConditionEnforced, metav1.ConditionFalse, ReasonNotUnderstood, forbids},
	}}
}

// findings are what is known of one policy so far.
type findings struct {
	selected, unlabelled int
	examples             []string
	// overridden counts the namespaces where another policy gives the default, refused those
	// where another refuses it, conflicts those where others allow nothing in common with it,
	// clashes those where they may.
	overridden, refused, conflicts, clashes     int
	overriding, refusing, conflicting, clashing sets.Set[string]
	// required says that they do not even allow mode default.
	required bool
}

// find looks at one namespace, whose policies the set has.
func (s Set) find(work map[string]*findings, namespace string, labels map[string]string, conflicts map[string]*conflict) {
	for i, p := range s.policies {
		f := work[p.Name]
		f.selected++
		if !p.givesIn(labels) {
			f.unlabelled++
			if len(f.examples) < maxExamples {
				f.examples = append(f.examples, namespace)
			}
		}
		if by := s.overrides(i); by != "" {
			f.overridden++
			f.overriding.Insert(by)
		} else if by := s.refuses(p); len(by) > 0 {
			f.refused++
			f.refusing.Insert(by...)
		}
		if c := conflicts[p.Name]; c != nil {
			f.conflicts += min(1, len(c.certain))
			f.clashes += min(1, len(c.possible))
			f.conflicting = f.conflicting.Union(c.certain)
			f.clashing = f.clashing.Union(c.possible)
			f.required = f.required || c.required
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
		if other.Spec.DefaultMode != "" && other.selectsPodsOf(p) {
			return other.Name
		}
	}
	return ""
}

// refuses names the policies that refuse the default of p to all pods that get it.
func (s Set) refuses(p *Policy) []string {
	var names []string
	for _, other := range s.policies {
		if p.Spec.DefaultMode != "" && other.restricts() && other.selectsPodsOf(p) && !other.permits(p.Spec.DefaultMode) {
			names = append(names, other.Name)
		}
	}
	return names
}

// selectsPodsOf says whether p selects all pods that the other does, as far as that is plain.
func (p *Policy) selectsPodsOf(other *Policy) bool {
	return p.selectsAllPods() || !other.selectsAllPods() && p.pods.String() == other.pods.String()
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
		return Condition{ConditionEffective, metav1.ConditionTrue, ReasonEffective, "the policy has no defaultMode that another could override"}
	case f.overridden == 0 && f.refused == 0:
		return Condition{ConditionEffective, metav1.ConditionTrue, ReasonEffective, "no other policy overrides or refuses defaultMode " + string(p.Spec.DefaultMode)}
	case f.refused > 0:
		return Condition{ConditionEffective, metav1.ConditionFalse, ReasonRefused, fmt.Sprintf(
			"in %d of %d namespaces pods that ask for nothing get defaultMode %s and are refused, since policy %s does not allow it: allow it there, or select other namespaces",
			f.refused, f.selected, p.Spec.DefaultMode, some(f.refusing))}
	case f.overridden == f.selected:
		return Condition{ConditionEffective, metav1.ConditionFalse, ReasonOverridden, fmt.Sprintf(
			"defaultMode %s holds nowhere, since policy %s has a higher say: raise priority, or remove one of the defaults", p.Spec.DefaultMode, by)}
	default:
		return Condition{ConditionEffective, metav1.ConditionFalse, ReasonPartlyOverridden, fmt.Sprintf(
			"defaultMode %s does not hold in %d of %d namespaces, since policy %s has a higher say: raise priority, or select other namespaces",
			p.Spec.DefaultMode, f.overridden, f.selected, by)}
	}
}

func (f *findings) conflict() Condition {
	refused := "every mode but default is refused"
	if f.required {
		refused = "every mode is refused"
	}
	switch {
	case f.conflicts > 0:
		return Condition{ConditionConflict, metav1.ConditionTrue, ReasonNothingInCommon, fmt.Sprintf(
			"in %d of %d namespaces this policy and %s allow no mode in common, so %s: allow a common one, or select other namespaces",
			f.conflicts, f.selected, some(f.conflicting), refused)}
	case f.clashes > 0:
		return Condition{ConditionConflict, metav1.ConditionUnknown, ReasonForSomePods, fmt.Sprintf(
			"in %d of %d namespaces this policy and %s allow no mode in common, so %s to pods that they all select: allow a common one, or select pods that the others do not",
			f.clashes, f.selected, some(f.clashing), refused)}
	default:
		return Condition{ConditionConflict, metav1.ConditionFalse, ReasonNoConflict, "no other policy forbids every mode that this one allows"}
	}
}

// some names the first of the policies, in order.
func some(names sets.Set[string]) string {
	all := sets.List(names)
	if more := len(all) - maxExamples; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:maxExamples], ", "), more)
	}
	return strings.Join(all, ", ")
}
