package admission

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// answer is an AdmissionReview with a response, as the API server reads it.
type answer struct {
	Kind       string   `json:"kind"`
	APIVersion string   `json:"apiVersion"`
	Response   response `json:"response"`
}

type response struct {
	UID              string            `json:"uid"`
	Allowed          bool              `json:"allowed"`
	Status           *status           `json:"status,omitempty"`
	Patch            []byte            `json:"patch,omitempty"`
	PatchType        string            `json:"patchType,omitempty"`
	AuditAnnotations *auditAnnotations `json:"auditAnnotations,omitempty"`
	Warnings         []string          `json:"warnings,omitempty"`
}

// auditAnnotations are for the audit log; the API server puts the webhook's
// name before each key.
type auditAnnotations struct {
	Decision Decision `json:"decision"`
	Mode     api.Mode `json:"mode"`
	Reasons  string   `json:"reasons"`
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
	Causes []statusCause `json:"causes"`
}

type statusCause struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

func (rec *Record) respond(p *plan.Plan, raw []byte) (response, error) {
	resp := response{UID: rec.UID, Allowed: true}
	rec.Decision = Unchanged
	for _, f := range p.Findings(plan.Warned) {
		resp.Warnings = append(resp.Warnings, "netmode: "+f.Message())
	}
	switch {
	case p.Refused():
		rec.Decision = Refused
		resp.Allowed = false
		resp.Status = denial(p)
	case p.Changes():
		operations, err := patch.Build(raw, p.Mutations)
		if err != nil {
			return response{}, fmt.Errorf("building the patch: %w", err)
		}
		if resp.Patch, err = patch.Encode(operations); err != nil {
			return response{}, fmt.Errorf("encoding the patch: %w", err)
		}
		resp.PatchType = "JSONPatch"
		rec.Decision, rec.Patch = Patched, resp.Patch
	}
	rec.Mode, rec.Reasons = p.Mode, p.Reasons()
	if p.Mode != "" {
		resp.AuditAnnotations = &auditAnnotations{Decision: rec.Decision, Mode: p.Mode, Reasons: join(rec.Reasons)}
	}
	return resp, nil
}

func denial(p *plan.Plan) *status {
	s := &status{
		Status:  "Failure",
		Message: p.Denial(),
		Reason:  "Invalid",
		Code:    http.StatusUnprocessableEntity,
		Details: &statusDetails{},
	}
	for _, f := range p.Findings(plan.Refused) {
		s.Details.Causes = append(s.Details.Causes, statusCause{Reason: string(f.Reason), Message: f.Text, Field: f.Field})
	}
	return s
}

func badRequest(uid, message string) response {
	return response{UID: uid, Status: &status{Status: "Failure", Message: message, Reason: "BadRequest", Code: http.StatusBadRequest}}
}

func encode(resp response) ([]byte, error) {
	return json.Marshal(answer{Kind: reviewKind, APIVersion: reviewAPIVersion, Response: resp})
}

func join(reasons []plan.Reason) string {
	var b strings.Builder
	for i, r := range reasons {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(r))
	}
	return b.String()
}
