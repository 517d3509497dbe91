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
	// audited are broken rules of which nobody else is told.
	audited []string
	// observed is the denial or the patch that was held back.
	observed string
	warnings []string
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
	rec.Decision, rec.Mode, rec.Reasons = Unchanged, p.Mode, p.Reasons()
	resp := response{uid: rec.UID, allowed: true, mode: rec.Mode, reasons: rec.Reasons}
	for _, f := range p.Findings(plan.Warned) {
		resp.warnings = append(resp.warnings, "netmode: "+f.Message())
	}
	for _, f := range p.Findings(plan.Audited) {
		resp.audited = append(resp.audited, f.Message())
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

// observe takes out of the response all that its object or its author would
// notice, and keeps it for the audit log.
func (r *response) observe(rec *Record) {
	switch {
	case r.status != nil:
		rec.Decision, r.observed = WouldRefuse, rec.Message
	case len(r.patch) > 0:
		rec.Decision, r.observed = WouldPatch, string(r.patch)
	}
	r.decision = rec.Decision
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
	for _, f := range p.Findings(plan.Refused) {
		s.Details.Causes = append(s.Details.Causes, statusCause{Reason: string(f.Reason), Message: f.Text + " (netmode: " + string(f.Reason) + ")", Field: f.Field})
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
	if r.mode != "" || len(r.audited) > 0 || r.observed != "" {
		// The API server puts the webhook's name before each key.
		e.raw(`,"auditAnnotations":{"decision":`)
		e.quote(string(r.decision))
		e.raw(`,"mode":`)
		e.quote(string(r.mode))
		e.raw(`,"reasons":`)
		e.quote(join(r.reasons))
		if len(r.audited) > 0 {
			e.raw(`,"violations":`)
			e.quote(strings.Join(r.audited, "; "))
		}
		if r.observed != "" {
			e.raw(`,"` + string(r.decision) + `":`)
			e.quote(r.observed)
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

func join(reasons []plan.Reason) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, ",")
}
