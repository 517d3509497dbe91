package admission

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// Whatever is asked, an observer lets it through untouched and without a word,
// and tells the audit log and the record what would have been: a patch or a
// refusal, and the warnings.
func TestObserveOnly(t *testing.T) {
	would := map[Decision]Decision{Patched: WouldPatch, Refused: WouldRefuse, Unchanged: Unchanged}
	withheld := 0
	for _, w := range wishes() {
		t.Run(w.String(), func(t *testing.T) {
			body := w.body(t)
			wanted, acted := ask(t, newReviewer(t), body)
			observer := newReviewer(t)
			observer.ObserveOnly = true
			resp, rec := ask(t, observer, body)
			if !resp.Allowed || resp.Result != nil || len(resp.Patch) > 0 || len(resp.Warnings) > 0 {
				t.Errorf("noticed: %+v", resp)
			}
			decision, audited := would[w.decision], resp.AuditAnnotations
			if rec.Decision != decision || rec.Mode != "" && audited["decision"] != string(decision) {
				t.Errorf("decision %s, audit %v, want %s", rec.Decision, audited, decision)
			}
			if acted.Warnings != "" {
				withheld++
			}
			if rec.Warnings != acted.Warnings || audited["would-warn"] != acted.Warnings {
				t.Errorf("warnings %q, audit %v, want %q", rec.Warnings, audited, acted.Warnings)
			}
			switch decision {
			case WouldPatch:
				if diff := cmp.Diff(string(wanted.Patch), audited["would-patch"]); diff != "" || !bytes.Equal(rec.Patch, wanted.Patch) {
					t.Errorf("patch (-acting +observed):\n%s", diff)
				}
			case WouldRefuse:
				if audited["would-refuse"] != acted.Message || rec.Message != acted.Message {
					t.Errorf("audit %v, message %q, want %q", audited, rec.Message, acted.Message)
				}
			}
		})
	}
	if withheld == 0 {
		t.Error("nothing was warned of")
	}
}

// Everybody gets the beginning of a long text, and logs and audit logs that of
// many.
func TestLongTexts(t *testing.T) {
	const ends = " bytes in all)"
	long := strings.Repeat("é", 10_000)
	annotations := []string{"mode=" + long}
	for i := range 9 {
		annotations = append(annotations, fmt.Sprintf("%d%s=x", i, long))
	}
	body := annotated(t, replicaSetPod, annotations...)
	r := newReviewer(t)
	resp, rec := ask(t, r, body)
	if rec.Decision != Refused || len(resp.Warnings) != 9 || !strings.Contains(resp.Result.Message, `é... (20000 bytes in all)": supported`) || !strings.Contains(resp.Warnings[8], "é... (20012 bytes in all)") {
		t.Errorf("%s in %q, with %d warnings, the last %q", rec.Decision, resp.Result.Message, len(resp.Warnings), resp.Warnings[len(resp.Warnings)-1])
	}
	r.ObserveOnly = true
	resp, rec = ask(t, r, body)
	for _, tt := range []struct {
		what, begins, text string
		most               int
	}{
		{"warnings", "metadata.annotations[netmode.io/0é", rec.Warnings, maxText},
		{"would-warn", "metadata.annotations[netmode.io/0é", resp.AuditAnnotations["would-warn"], maxText},
	} {
		if !strings.HasPrefix(tt.text, tt.begins) || !strings.HasSuffix(tt.text, ends) || len(tt.text) < tt.most || len(tt.text) > tt.most+50 {
			t.Errorf("%s: %d bytes: %.80q...", tt.what, len(tt.text), tt.text)
		}
	}
}

// policed is a cluster with policies and nothing else.
type policed struct {
	engine.EmptySnapshot
	set policy.Set
}

func (p policed) Policies(string) policy.Set { return p.set }

// under is a policy with a spec, for every namespace.
func under(t *testing.T, spec string) policed {
	t.Helper()
	decoded, err := api.DecodePolicy([]byte(`{"metadata":{"name":"p"},"spec":` + spec + `}`))
	if err != nil {
		t.Fatal(err)
	}
	compiled, errs := policy.Compile(decoded)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return policed{set: policy.NewSet([]*policy.Policy{compiled})}
}

// What policies forbid is the API server's business, unless there is only an
// observer, who tells of it what the API server would have done.
func TestPolicyEnforcement(t *testing.T) {
	byHand := edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "spec")["hostNetwork"] = true
	})
	const rule = `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false},"enforcement":`
	const allows, code = "policy p allows the host network only in mode hostnetwork", " (PolicyHostNetworkUnmanaged)"
	cure := ": " + plan.PolicyHostNetworkUnmanaged.Doc().Cure
	for _, tt := range []struct {
		enforcement string
		decision    Decision
		audit       map[string]string // beside what all have
	}{
		{"Deny", WouldRefuse, map[string]string{"would-refuse": "spec.hostNetwork: Invalid value: true: " + allows + cure + code}},
		{"Warn", Unchanged, map[string]string{"would-warn": "spec.hostNetwork: " + allows + cure + code}},
		{"Audit", Unchanged, map[string]string{"violations": "spec.hostNetwork: " + allows + code}},
	} {
		t.Run(tt.enforcement, func(t *testing.T) {
			r := newReviewer(t)
			r.ObserveOnly, r.Snapshots = true, FixedSnapshot{under(t, rule+`"`+tt.enforcement+`"}`)}
			resp, rec := ask(t, r, byHand)
			if !resp.Allowed || len(resp.Warnings) > 0 || rec.Decision != tt.decision || !contains(rec.Reasons, plan.PolicyHostNetworkUnmanaged) {
				t.Errorf("allowed %t, warnings %q, %+v", resp.Allowed, resp.Warnings, rec)
			}
			want := map[string]string{"decision": string(tt.decision), "mode": "", "reasons": join(rec.Reasons)}
			maps.Copy(want, tt.audit)
			if diff := cmp.Diff(want, resp.AuditAnnotations); diff != "" {
				t.Errorf("audit annotations (-want +got):\n%s", diff)
			}
			r.ObserveOnly = false
			if resp, rec := ask(t, r, byHand); !resp.Allowed || len(resp.Warnings) > 0 || len(resp.Patch) > 0 || contains(rec.Reasons, plan.PolicyHostNetworkUnmanaged) {
				t.Errorf("the webhook judges: %+v", resp)
			}
		})
	}
}

// What cannot be judged is refused, but not where policies at most help.
func TestMalformedAtEachEntry(t *testing.T) {
	body := edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "spec")["containers"] = "none"
	})
	for _, entry := range api.Entries() {
		r := newReviewer(t)
		r.Entry = entry
		resp, rec := ask(t, r, body)
		const want = "spec.containers: is a string, and must be a list"
		decision := Malformed
		if entry == api.EntryPolicy {
			decision = LetThrough
		}
		if resp.Allowed != (entry == api.EntryPolicy) || rec.Decision != decision || rec.Entry != entry || rec.Message != want {
			t.Errorf("%s: allowed %t, %+v", entry, resp.Allowed, rec)
		}
	}
}
