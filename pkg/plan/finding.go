package plan

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Finding is one rule's decision about one field. It is written once: how it
// reads is made where it is shown.
type Finding struct {
	// Rule is the rule in a few words, such as "host ports".
	Rule    string
	Verdict Verdict
	// Reason is empty for a rule that passed.
	Reason Reason
	// Object has the field; nil: the one that the decision is about.
	Object *Object
	// Field is the path of the field in question, such as "spec.dnsPolicy"; it may be empty.
	Field string
	// Detail says what was found or done, in one sentence without a full stop and
	// without a cure.
	Detail string
}

// Object is one beside that of the decision, which a finding points at.
type Object struct {
	Kind ObjectKind
	Name string
}

// ObjectKind is the kind of such an object.
type ObjectKind string

// The kinds.
const (
	// OwnNamespace is the Namespace of the object.
	OwnNamespace ObjectKind = "Namespace"
	// OwnWorkload is what makes the pod of a template.
	OwnWorkload ObjectKind = "Workload"
	// OwnPolicy is a NetworkModePolicy that holds for the object, by its name.
	OwnPolicy ObjectKind = "NetworkModePolicy"
)

// Path is the field as a person reads it, with the object that has it.
func (f *Finding) Path() string {
	switch {
	case f.Object == nil:
		return f.Field
	case f.Object.Kind == OwnNamespace:
		return "namespace." + f.Field
	case f.Object.Kind == OwnPolicy:
		return "policy " + f.Object.Name + " " + f.Field
	default:
		return f.Field
	}
}

// Text is the finding's detail and, where its author is to do something, the
// reason's cure. No cure names a mode that a policy refuses to the object.
func (p *Plan) Text(f *Finding) string {
	if f.Verdict != Warned && f.Verdict != Refused {
		return f.Detail
	}
	if cure := f.Reason.cure(p.NotAllowed); cure != "" {
		return f.Detail + ": " + cure
	}
	return f.Detail
}

// Message is the finding as a person reads it: field, text and reason.
func (p *Plan) Message(f *Finding) string { return Line(f.Path(), p.Text(f), f.Reason) }

// Line joins what a person reads of a finding; path and reason may be empty.
func Line(path, text string, reason Reason) string {
	var b strings.Builder
	if path != "" {
		b.WriteString(path)
		b.WriteString(": ")
	}
	b.WriteString(text)
	if reason != "" {
		b.WriteString(" (")
		b.WriteString(string(reason))
		b.WriteByte(')')
	}
	return b.String()
}

// Judged returns the findings with other verdicts: each that verdicts name gets
// what they name for it.
func Judged(findings []Finding, verdicts map[Verdict]Verdict) []Finding {
	judged := make([]Finding, len(findings))
	for i, f := range findings {
		if other, ok := verdicts[f.Verdict]; ok {
			f.Verdict = other
		}
		judged[i] = f
	}
	return judged
}

// About records findings about the fields of another object than the plan's.
type About struct {
	plan   *Plan
	object *Object
}

// About returns what records findings about an object's fields; nil is the plan's.
func (p *Plan) About(object *Object) About { return About{p, object} }

// Keep records that a field stays as its author wrote it.
func (a About) Keep(reason Reason, fieldPath, detail string) { a.add(Kept, reason, fieldPath, detail) }

// Warn records a warning.
func (a About) Warn(reason Reason, fieldPath, detail string) {
	a.add(Warned, reason, fieldPath, detail)
}

// Audit records what only the audit log and the metrics are told.
func (a About) Audit(reason Reason, fieldPath, detail string) {
	a.add(Audited, reason, fieldPath, detail)
}

// RefuseError records a refusal.
func (a About) RefuseError(reason Reason, err *field.Error) {
	if value, ok := err.BadValue.(string); ok && len(value) > maxValue/maxQuoted {
		short := *err
		short.BadValue = Clip(value, maxValue)
		err = &short
	}
	a.add(Refused, reason, err.Field, err.ErrorBody())
}

func (a About) add(verdict Verdict, reason Reason, fieldPath, detail string) {
	p := a.plan
	if p.Counted(verdict, reason) {
		return
	}
	p.Trace = append(p.Trace, Finding{
		Rule: p.rule, Verdict: verdict, Reason: reason,
		Object: a.object, Field: Clip(fieldPath, maxField), Detail: Clip(detail, maxText),
	})
}
