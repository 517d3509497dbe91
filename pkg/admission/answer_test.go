package admission

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	evanphx "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	kjson "sigs.k8s.io/json"

	"github.com/netmode-io/netmode/pkg/plan"
)

// readAnswer reads an answer as strictly as can be, holds it to what an API
// server demands of one (admission.k8s.io/v1), and returns its response.
func readAnswer(tb testing.TB, body, answer []byte, rec Record) *admissionv1.AdmissionResponse {
	tb.Helper()
	var review admissionv1.AdmissionReview
	strict, err := kjson.UnmarshalStrict(answer, &review)
	if err != nil || len(strict) > 0 {
		tb.Fatalf("the answer does not decode: %v %v\n%s", err, strict, answer)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" {
		tb.Errorf("the answer is %s of %q", review.Kind, review.APIVersion)
	}
	resp := review.Response
	if resp == nil {
		tb.Fatalf("no response in %s", answer)
	}
	if review.Request != nil {
		tb.Error("the answer has a request, too")
	}
	if request := readRequest(tb, body); resp.UID != request.UID {
		tb.Errorf("uid %q, want the request's %q", resp.UID, request.UID)
	}
	if (resp.PatchType != nil) != (len(resp.Patch) > 0) {
		tb.Errorf("patchType %v with patch %q", resp.PatchType, resp.Patch)
	}
	if resp.PatchType != nil && *resp.PatchType != admissionv1.PatchTypeJSONPatch {
		tb.Errorf("patchType %q", *resp.PatchType)
	}
	if rec.Decision != WouldPatch && !bytes.Equal(resp.Patch, rec.Patch) {
		tb.Errorf("the record's patch is %s, the answer's %s", rec.Patch, resp.Patch)
	}
	for key := range resp.AuditAnnotations {
		if problems := validation.IsQualifiedName("mutate.netmode.io/" + key); len(problems) > 0 {
			tb.Errorf("audit annotation %q: %v", key, problems)
		}
	}
	if slices.Contains(resp.Warnings, "") {
		tb.Errorf("an empty warning in %q", resp.Warnings)
	}
	checkDecision(tb, resp, rec)
	checkSaid(tb, resp, rec)
	return resp
}

// checkSaid holds the record to the warnings, be they said or held back, and to
// the violations.
func checkSaid(tb testing.TB, resp *admissionv1.AdmissionResponse, rec Record) {
	tb.Helper()
	said := make([]string, len(resp.Warnings))
	for i, warning := range resp.Warnings {
		said[i] = strings.TrimPrefix(warning, "netmode: ")
	}
	if n := len(said); n > 0 && strings.HasSuffix(said[n-1], " more warnings") {
		return // the record has its own beginning of them
	}
	warnings := plan.Clip(strings.Join(said, "; "), maxText)
	if held := resp.AuditAnnotations["would-warn"]; held != "" && warnings != "" || rec.Warnings != warnings+held {
		tb.Errorf("the record's warnings are %q, the answer's %q, and %q is held back", rec.Warnings, warnings, held)
	}
	if told := resp.AuditAnnotations["violations"]; rec.Violations != told {
		tb.Errorf("the record's violations are %q, the audit log's %q", rec.Violations, told)
	}
}

func checkDecision(tb testing.TB, resp *admissionv1.AdmissionResponse, rec Record) {
	tb.Helper()
	want := map[Decision]struct {
		allowed, patch bool
		code           int32
	}{
		Unchanged: {allowed: true},
		Patched:   {allowed: true, patch: true},
		Refused:   {code: http.StatusUnprocessableEntity},
		Malformed: {code: http.StatusBadRequest},
		// At an entry that is no rule.
		LetThrough: {allowed: true},
		// An observer holds the patch or the refusal back.
		WouldPatch:  {allowed: true},
		WouldRefuse: {allowed: true},
	}
	w, known := want[rec.Decision]
	if !known || !slices.Contains(Decisions(), rec.Decision) {
		tb.Fatalf("decision %q is not one of %v", rec.Decision, Decisions())
	}
	if resp.Allowed != w.allowed || (len(resp.Patch) > 0) != w.patch {
		tb.Errorf("%s: allowed %t with patch %q", rec.Decision, resp.Allowed, resp.Patch)
	}
	if resp.Allowed {
		if resp.Result != nil || (rec.Message != "") != (rec.Decision == WouldRefuse || rec.Decision == LetThrough) {
			tb.Errorf("%s: status %v, message %q", rec.Decision, resp.Result, rec.Message)
		}
		return
	}
	switch status := resp.Result; {
	case status == nil:
		tb.Errorf("%s: no status", rec.Decision)
	case status.Code != w.code || status.Status != "Failure" || status.Message == "" || plan.Clip(status.Message, maxText) != rec.Message:
		tb.Errorf("%s: status %+v, want code %d and the record's message %q", rec.Decision, status, w.code, rec.Message)
	}
}

// rawRequest is what the tests themselves read of a request.
type rawRequest struct {
	UID    types.UID       `json:"uid"`
	Object json.RawMessage `json:"object"`
}

func readRequest(tb testing.TB, body []byte) rawRequest {
	tb.Helper()
	var review struct {
		Request rawRequest `json:"request"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &review); err != nil {
		tb.Fatalf("the review was answered, and does not decode: %v", err)
	}
	return review.Request
}

// ask reviews the body and checks the answer.
func ask(tb testing.TB, r *Reviewer, body []byte) (*admissionv1.AdmissionResponse, Record) {
	tb.Helper()
	answer, rec, err := r.Review(tb.Context(), body)
	if err != nil {
		tb.Fatalf("review: %v", err)
	}
	return readAnswer(tb, body, answer, rec), rec
}

// apply patches the review's object as the API server does.
func apply(tb testing.TB, body, patch []byte) []byte {
	tb.Helper()
	object := readRequest(tb, body).Object
	if len(patch) == 0 {
		return object
	}
	operations, err := evanphx.DecodePatch(patch)
	if err != nil {
		tb.Fatalf("the patch does not decode: %v\n%s", err, patch)
	}
	patched, err := operations.Apply(object)
	if err != nil {
		tb.Fatalf("the patch does not apply: %v\n%s\nto %s", err, patch, object)
	}
	return patched
}
