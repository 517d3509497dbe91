package admission

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/policy"
)

// Whatever is asked, an observer lets it through untouched and without a word,
// and tells the audit log and the record what would have been.
func TestObserveOnly(t *testing.T) {
	would := map[Decision]Decision{Patched: WouldPatch, Refused: WouldRefuse, Unchanged: Unchanged}
	for _, w := range wishes() {
		for _, phase := range Phases() {
			t.Run(w.String()+" "+string(phase), func(t *testing.T) {
				body := w.body(t)
				acting := newReviewer(t)
				wanted, acted := ask(t, acting, body)
				observer := newReviewer(t)
				observer.Observe, observer.Phase = true, phase
				resp, rec := ask(t, observer, body)
				if !resp.Allowed || resp.Result != nil || len(resp.Patch) > 0 || len(resp.Warnings) > 0 {
					t.Errorf("noticed: %+v", resp)
				}
				decision := would[w.decision]
				if phase == Validate && decision == WouldPatch {
					decision = Unchanged // what would have been patched would be good
				}
				audited := resp.AuditAnnotations
				if rec.Decision != decision || rec.Mode != "" && audited["decision"] != string(decision) {
					t.Errorf("decision %s, audit %v, want %s", rec.Decision, audited, decision)
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
	}
}

// policed is a cluster with policies and nothing else.
type policed struct {
	engine.NoCluster
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

// Deny refuses, Warn warns, Audit tells the audit log alone, and an observer
// tells it of them all.
func TestPolicyEnforcement(t *testing.T) {
	byHand := edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "spec")["hostNetwork"] = true
	})
	const rule = `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false},"enforcement":`
	const broken = "spec.hostNetwork: policy p allows the host network only in mode hostnetwork (PolicyHostNetworkUnmanaged)"
	for _, tt := range []struct {
		enforcement string
		observe     bool
		allowed     bool
		warnings    int
		decision    Decision
		audit       string
	}{
		{"Deny", false, false, 0, Refused, ""},
		{"Warn", false, true, 1, Unchanged, ""},
		{"Audit", false, true, 0, Unchanged, "violations"},
		{"Deny", true, true, 0, WouldRefuse, "would-refuse"},
		{"Warn", true, true, 0, Unchanged, ""},
		{"Audit", true, true, 0, Unchanged, "violations"},
	} {
		t.Run(tt.enforcement, func(t *testing.T) {
			r := newReviewer(t)
			r.Phase, r.Observe, r.Cluster = Validate, tt.observe, Unchanging{under(t, rule+`"`+tt.enforcement+`"}`)}
			resp, rec := ask(t, r, byHand)
			if resp.Allowed != tt.allowed || len(resp.Warnings) != tt.warnings || rec.Decision != tt.decision || !contains(rec.Reasons, "PolicyHostNetworkUnmanaged") {
				t.Errorf("allowed %t, warnings %q, %+v", resp.Allowed, resp.Warnings, rec)
			}
			if tt.audit == "violations" && resp.AuditAnnotations["violations"] != broken || tt.audit != "" && resp.AuditAnnotations[tt.audit] == "" {
				t.Errorf("audit annotations %v", resp.AuditAnnotations)
			}
			r.Phase = Mutate
			if resp, _ := ask(t, r, byHand); !resp.Allowed || len(resp.Warnings) > 0 || len(resp.Patch) > 0 {
				t.Errorf("policies were asked before other webhooks had their say: %+v", resp)
			}
		})
	}
}
