package admission

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Keys of audit annotations. What was held back has its Decision for a key.
const (
	auditDecision   = "decision"
	auditMode       = "mode"
	auditReasons    = "reasons"
	auditViolations = "violations"
	auditWouldWarn  = "would-warn"
)

const (
	// maxText is the most bytes of a text for people in logs: container runtimes
	// split lines of 16 kB.
	maxText = 4 << 10
	// maxName is the most bytes of a name, which has 253 at most (RFC 1123).
	maxName = 512
	// maxWarnings and maxCauses are the most bytes of all of them, in JSON.
	maxWarnings = 7 << 10
	maxCauses   = 7 << 10
	// maxHeld is the most bytes of a patch or denial in an audit annotation, as
	// API servers have it for those of a ValidatingAdmissionPolicy.
	maxHeld = 10 << 10
)

// response is the part of an AdmissionResponse that is written.
type response struct {
	uid     string
	allowed bool
	status  *status
	patch   []byte
	// mode, decision and reasons are for the audit log; they are left out where
	// there is nothing to tell.
	mode     api.Mode
	decision Decision
	reasons  []plan.Reason
	// violations are broken rules of which nobody else is told.
	violations string
	// held is the denial or the patch that was held back, and heldWarnings are the
	// warnings.
	held, heldWarnings string
	warnings           []string
}

// status is the part of metav1.Status that a refusal fills.
type status struct {
	Status  string         `json:"status"`
	Message string         `json:"message"`
	Reason  string         `json:"reason"`
	Code    int            `json:"code"`
	Details *statusDetails `json:"details,omitempty"`
}

type statusDetails struct {
	Kind   string        `json:"kind,omitempty"`
	Name   string        `json:"name,omitempty"`
	Causes []statusCause `json:"causes"`
}

type statusCause struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

func (rec *Record) respond(p *plan.Plan, raw []byte) (response, error) {
	rec.Name = plan.Clip(rec.Name, maxName)
	rec.Decision, rec.Mode, rec.Reasons = Unchanged, p.Mode, p.Reasons()
	warned := p.Findings(plan.Warned)
	rec.Warnings, rec.Violations = text(p, warned), text(p, p.Findings(plan.Audited))
	resp := response{uid: rec.UID, allowed: true, mode: rec.Mode, reasons: rec.Reasons, violations: rec.Violations}
	room := maxWarnings
	for i := range warned {
		warning := "netmode: " + p.Message(&warned[i])
		if room -= plan.Quoted(warning) + len(`"",`); room < 0 {
			resp.warnings = append(resp.warnings, fmt.Sprintf("netmode: %d more warnings", len(warned)-i))
			break
		}
		resp.warnings = append(resp.warnings, warning)
	}
	switch {
	case p.Refused():
		rec.Decision = Refused
		resp.allowed = false
		resp.status = denial(p, rec)
	case p.Changes():
		operations, err := patch.Build(raw, p.Mutations)
		if err != nil {
			return response{}, fmt.Errorf("building the patch: %w", err)
		}
		if resp.patch, err = patch.Encode(operations); err != nil {
			return response{}, fmt.Errorf("encoding the patch: %w", err)
		}
		rec.Decision, rec.Patch = Patched, resp.patch
	}
	resp.decision = rec.Decision
	return resp, nil
}

// observeOnly takes out of the response all that its object or its author would
// notice, and keeps it for the audit log.
func (r *response) observeOnly(rec *Record) {
	switch {
	case r.status != nil:
		rec.Decision, r.held = WouldRefuse, plan.Clip(r.status.Message, maxHeld)
	case len(r.patch) > 0:
		rec.Decision, r.held = WouldPatch, plan.Clip(string(r.patch), maxHeld)
	}
	r.decision, r.heldWarnings = rec.Decision, rec.Warnings
	r.allowed, r.status, r.patch, r.warnings = true, nil, nil, nil
}

// denial is a refusal in two forms: the message, for events and logs, and the
// object with a cause for each field, which is all that kubectl shows.
func denial(p *plan.Plan, rec *Record) *status {
	s := &status{
		Status:  "Failure",
		Message: p.Denial(),
		Reason:  "Invalid",
		Code:    http.StatusUnprocessableEntity,
		Details: &statusDetails{Kind: rec.Kind, Name: rec.Name},
	}
	refused, room := p.Findings(plan.Refused), maxCauses
	for i := range refused {
		f := &refused[i]
		cause := statusCause{Reason: string(f.Reason), Message: p.Text(f) + " (netmode: " + string(f.Reason) + ")", Field: f.Path()}
		if room -= plan.Quoted(cause.Message) + plan.Quoted(cause.Field) + len(cause.Reason) + len(`{"reason":"","message":"","field":""},`); room < 0 {
			s.Details.Causes = append(s.Details.Causes, statusCause{Reason: string(plan.FindingsCut), Message: fmt.Sprintf("%d more problems", len(refused)-i)})
			break
		}
		s.Details.Causes = append(s.Details.Causes, cause)
	}
	return s
}

func badRequest(uid, message string) response {
	return response{uid: uid, status: &status{Status: "Failure", Message: message, Reason: "BadRequest", Code: http.StatusBadRequest}}
}

// encode writes the AdmissionReview that holds the response. Patch and
// patchType come both or neither (admission.k8s.io/v1).
func (r *response) encode() ([]byte, error) {
	e := encoder{out: make([]byte, 0, 512+2*len(r.patch))}
	e.raw(`{"kind":"` + reviewKind + `","apiVersion":"` + reviewAPIVersion + `","response":{"uid":`)
	e.quote(r.uid)
	e.raw(`,"allowed":` + strconv.FormatBool(r.allowed))
	if r.status != nil {
		e.raw(`,"status":`)
		e.value(r.status)
	}
	if len(r.patch) > 0 {
		e.raw(`,"patch":"`)
		e.out = base64.StdEncoding.AppendEncode(e.out, r.patch)
		e.raw(`","patchType":"JSONPatch"`)
	}
	if r.mode != "" || r.violations != "" || r.held != "" || r.heldWarnings != "" {
		// The API server puts the webhook's name before each key.
		e.raw(`,"auditAnnotations":{"` + auditDecision + `":`)
		e.quote(string(r.decision))
		e.raw(`,"` + auditMode + `":`)
		e.quote(string(r.mode))
		e.raw(`,"` + auditReasons + `":`)
		e.quote(join(r.reasons))
		for _, annotation := range []struct{ key, value string }{
			{auditViolations, r.violations}, {string(r.decision), r.held}, {auditWouldWarn, r.heldWarnings},
		} {
			if annotation.value != "" {
				e.raw(`,"` + annotation.key + `":`)
				e.quote(annotation.value)
			}
		}
		e.raw(`}`)
	}
	for i, warning := range r.warnings {
		e.raw([]string{`,"warnings":[`, `,`}[min(i, 1)])
		e.quote(warning)
	}
	if len(r.warnings) > 0 {
		e.raw(`]`)
	}
	e.raw(`}}`)
	return e.out, e.err
}

// encoder appends JSON and keeps the first error.
type encoder struct {
	out []byte
	err error
}

func (e *encoder) raw(text string) { e.out = append(e.out, text...) }

func (e *encoder) quote(s string) {
	var err error
	if e.out, err = jsontext.AppendQuote(e.out, s); e.err == nil {
		e.err = err
	}
}

func (e *encoder) value(v any) {
	encoded, err := json.Marshal(v)
	e.out = append(e.out, encoded...)
	if e.err == nil {
		e.err = err
	}
}

// text is the findings as a log has them.
func text(p *plan.Plan, findings []plan.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	messages := make([]string, len(findings))
	for i := range findings {
		messages[i] = p.Message(&findings[i])
	}
	return plan.Clip(strings.Join(messages, "; "), maxText)
}

func join(reasons []plan.Reason) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}
