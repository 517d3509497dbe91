// Package plan holds what netmode decided for one object: what to change, what
// was looked at, and why. It is data only; nothing here decides.
//
// A [Mutation] is for programs, a [Finding] for people. A finding has a [Verdict]
// and a [Reason] from one closed list, and is written once: its cure belongs to the
// reason, and is added where it is shown ([Plan.Message], [Plan.Denial]).
package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// Source says where a mode came from.
type Source string

// The sources of a mode, strongest first.
const (
	SourceAnnotation Source = "annotation"
	SourceNamespace  Source = "namespace"
	SourcePolicy     Source = "policy"
	SourceNone       Source = ""
)

// Verdict is what a rule decided.
type Verdict string

// The verdicts of a rule.
const (
	// Passed: the rule looked and found nothing to do.
	Passed Verdict = "passed"
	// Changed: the plan changes a field.
	Changed Verdict = "changed"
	// Kept: a field that could have been changed stays as it is.
	Kept Verdict = "kept"
	// Warned: the object is accepted, and its author is told something.
	Warned Verdict = "warned"
	// Audited: the object breaks a rule of which only the audit log and the
	// metrics are told.
	Audited Verdict = "audited"
	// Refused: the object cannot be served.
	Refused Verdict = "refused"
)

// Plan is the decision about one object. The zero Plan leaves the object alone.
type Plan struct {
	Mode   api.Mode
	Source Source
	// Policy is the NetworkModePolicy that gave the mode, where it is the source.
	Policy string
	// Service is the governing Service of a headless pod.
	Service string
	// Strategy is the search rewrite that was used, never auto.
	Strategy api.SearchRewrite
	// LacksService says that the pod stays as it is for want of a governing Service
	// and of nothing else.
	LacksService bool
	// NotAllowed are the modes that a policy refuses to the object: no cure names one.
	NotAllowed []api.Mode
	// FirstPod is, of a workload, the first pod of its template as the plan leaves it.
	FirstPod *api.Pod
	// Mutations are the changes, in the order in which they apply. They count
	// only when Refused is false.
	Mutations []Mutation
	// Trace has an entry for every rule that looked at the object, in order, as far
	// as there is room; see MaxFindings.
	Trace []Finding

	rule   string
	untold untold
}

// Rule names the rule whose findings are recorded next.
func (p *Plan) Rule(name string) { p.rule = name }

// Pass records that the rule looked and found nothing to do.
func (p *Plan) Pass() { p.PassAs("") }

// PassAs is Pass of a rule that has something to explain.
func (p *Plan) PassAs(detail string) {
	if p.told() < room(Passed) {
		p.Trace = append(p.Trace, Finding{Rule: p.rule, Verdict: Passed, Detail: Clip(detail, maxText)})
	}
}

// Change records a mutation and its reason.
func (p *Plan) Change(m Mutation, reason Reason, fieldPath, detail string) {
	p.Mutations = append(p.Mutations, m)
	p.About(nil).add(Changed, reason, fieldPath, detail)
}

// ChangeAll records mutations that have one reason, in one finding.
func (p *Plan) ChangeAll(all []Mutation, reason Reason, fieldPath, detail string) {
	p.Mutations = append(p.Mutations, all...)
	p.About(nil).add(Changed, reason, fieldPath, detail)
}

// Keep records that a field stays as its author wrote it.
func (p *Plan) Keep(reason Reason, fieldPath, detail string) {
	p.About(nil).Keep(reason, fieldPath, detail)
}

// Warn records a warning.
func (p *Plan) Warn(reason Reason, fieldPath, detail string) {
	p.About(nil).Warn(reason, fieldPath, detail)
}

// Audit records what only the audit log and the metrics are told.
func (p *Plan) Audit(reason Reason, fieldPath, detail string) {
	p.About(nil).Audit(reason, fieldPath, detail)
}

// Refuse records a refusal of the value at path; the detail says what is wrong. A
// nil value stands for a field that is missing.
func (p *Plan) Refuse(reason Reason, path *field.Path, value any, detail string) {
	if value == nil {
		p.RefuseError(reason, field.Required(path, detail))
		return
	}
	p.RefuseError(reason, field.Invalid(path, value, detail))
}

// RefuseError records a refusal that is a field.Error already.
func (p *Plan) RefuseError(reason Reason, err *field.Error) {
	p.About(nil).RefuseError(reason, err)
}

// Refused reports whether any rule refused the object.
func (p *Plan) Refused() bool {
	for i := range p.Trace {
		if p.Trace[i].Verdict == Refused {
			return true
		}
	}
	return false
}

// Changes reports whether the plan changes the object.
func (p *Plan) Changes() bool { return len(p.Mutations) > 0 && !p.Refused() }

// Findings returns the findings with the verdict, in trace order.
func (p *Plan) Findings(verdict Verdict) []Finding {
	var found []Finding
	for _, f := range p.Trace {
		if f.Verdict == verdict {
			found = append(found, f)
		}
	}
	return found
}

// Reasons returns the reason codes of the trace, each once, in trace order.
// Those of changes count only when the object is not refused.
func (p *Plan) Reasons() []Reason {
	refused := p.Refused()
	reasons := make([]Reason, 0, len(p.Trace))
	for i := range p.Trace {
		f := &p.Trace[i]
		if f.Reason != "" && !(refused && f.Verdict == Changed) && !slices.Contains(reasons, f.Reason) {
			reasons = append(reasons, f.Reason)
		}
	}
	for _, u := range p.untold.reasons {
		if !(refused && u.verdict == Changed) && !slices.Contains(reasons, u.reason) {
			reasons = append(reasons, u.reason)
		}
	}
	return reasons
}

// Has reports whether a finding has the reason, told or not.
func (p *Plan) Has(reason Reason) bool {
	return slices.ContainsFunc(p.Trace, func(f Finding) bool { return f.Reason == reason }) ||
		slices.ContainsFunc(p.untold.reasons, func(u untoldReason) bool { return u.reason == reason })
}

// Denial is the refusal as the API server's client reads it: every refused
// field, its value and the cure, in at most maxDenial bytes.
func (p *Plan) Denial() string {
	refused := p.Findings(Refused)
	messages := make([]string, len(refused))
	for i := range refused {
		messages[i] = p.Message(&refused[i])
	}
	switch n := len(messages); {
	case n > 1 && slices.ContainsFunc(refused, func(f Finding) bool { return f.Reason == FindingsCut }):
		return Clip(fmt.Sprintf("more than %d problems: %s", n-1, strings.Join(messages, "; ")), maxDenial)
	case n > 1:
		return Clip(fmt.Sprintf("%d problems: %s", n, strings.Join(messages, "; ")), maxDenial)
	default:
		return strings.Join(messages, "")
	}
}
