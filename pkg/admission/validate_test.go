package admission

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

func newValidator(tb testing.TB) *Reviewer {
	tb.Helper()
	r := newReviewer(tb)
	r.Phase = Validate
	return r
}

// What was patched passes; the same object unpatched is refused, for each field
// that is not as promised; what is refused at first is refused in the end, in
// the same words; and nothing is patched or warned of.
func TestFinalObjects(t *testing.T) {
	mutator, validator := newReviewer(t), newValidator(t)
	for _, w := range wishes() {
		if w.fixture == serviceUpdate {
			continue
		}
		t.Run(w.String(), func(t *testing.T) {
			body := w.body(t)
			first, _ := ask(t, mutator, body)
			resp, rec := ask(t, validator, body)
			if rec.Phase != Validate || len(resp.Patch) > 0 || len(resp.Warnings) > 0 {
				t.Errorf("phase %q, patch %s, warnings %q", rec.Phase, resp.Patch, resp.Warnings)
			}
			switch w.decision {
			case Patched:
				if resp.Allowed || rec.Decision != Refused || !contains(rec.Reasons, plan.NotAsPromised) {
					t.Fatalf("unpatched: %+v", rec)
				}
				patched := withRawObject(t, body, apply(t, body, first.Patch))
				if resp, rec := ask(t, validator, patched); !resp.Allowed || rec.Decision != Unchanged {
					t.Errorf("patched: %s", rec.Message)
				}
			case Refused:
				if diff := cmp.Diff(first.Result, resp.Result); diff != "" {
					t.Errorf("refusal (-mutate +validate):\n%s", diff)
				}
			default:
				if !resp.Allowed || rec.Decision != Unchanged {
					t.Errorf("refused: %s", rec.Message)
				}
			}
		})
	}
}

func TestNotAsPromised(t *testing.T) {
	resp, _ := ask(t, newValidator(t), annotated(t, replicaSetPod, "mode=hostnetwork"))
	const want = `2 problems: spec.hostNetwork: is not as mode hostnetwork needs it (true): another webhook asked for the mode after netmode had been called, ` +
		`or undid a change of netmode's: write the annotation in the pod template or the Service, or keep that webhook from this object (NotAsPromised); ` +
		`spec.dnsPolicy: is not as mode hostnetwork needs it (ClusterFirstWithHostNet): `
	if resp.Allowed || resp.Result.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(resp.Result.Message, want) {
		t.Errorf("message %s\nwant    %s", resp.Result.Message, want)
	}
}

// An object that opted out, and one that nobody annotated, are let through.
func TestFinalObjectsLeftAlone(t *testing.T) {
	ignored := edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "metadata", "annotations")[api.AnnotationMode] = "hostnetwork"
		member(object, "metadata", "labels")[api.LabelIgnore] = "true"
	})
	for _, body := range [][]byte{ignored, fixture(t, replicaSetPod), fixture(t, serviceCreate)} {
		if resp, rec := ask(t, newValidator(t), body); !resp.Allowed {
			t.Errorf("refused: %s", rec.Message)
		}
	}
}

// Warnings about a Service that is updated come from the validating webhook.
func TestServiceUpdateIsWarnedOf(t *testing.T) {
	resp, rec := ask(t, newValidator(t), annotated(t, serviceUpdate, "mode=headless"))
	if !resp.Allowed || rec.Decision != Unchanged || len(resp.Warnings) != 1 || !strings.Contains(resp.Warnings[0], "kubectl replace --force") {
		t.Errorf("%+v, warnings %q", rec, resp.Warnings)
	}
}

// lagging is a Cluster whose memory is behind.
type lagging struct {
	engine.NoCluster
	latest []api.Service
	away   bool
	asked  *int
}

func (l lagging) Services(string) ([]api.Service, bool) { return nil, true }

func (l lagging) Around(context.Context, string) engine.Cluster { return l }

func (l lagging) Latest(context.Context, string) (engine.Cluster, bool) {
	*l.asked++
	return seen{services: l.latest}, !l.away
}

// seen is a cluster with nothing but Services.
type seen struct {
	engine.NoCluster
	services []api.Service
}

func (s seen) Services(string) ([]api.Service, bool) { return s.services, true }

func TestServiceThatMemoryHasNotHeardOf(t *testing.T) {
	selecting := func(name string) api.Service {
		return api.Service{Metadata: api.ObjectMeta{Name: name}, Spec: api.ServiceSpec{ClusterIP: api.ClusterIPNone, Selector: map[string]string{"app": "d1"}}}
	}
	pod := edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "metadata", "annotations")[api.AnnotationMode] = "headless"
		member(object, "metadata", "labels")["app"] = "d1"
	})
	for _, tt := range []struct {
		name     string
		body     []byte
		latest   []api.Service
		away     bool
		decision Decision
		reason   plan.Reason
		asked    int
	}{
		{"one by now", pod, []api.Service{selecting("young")}, false, Patched, plan.GoverningServiceDerived, 1},
		{"still none", pod, nil, false, Refused, plan.GoverningServiceUnknown, 1},
		{"two by now", pod, []api.Service{selecting("a"), selecting("b")}, false, Refused, plan.GoverningServiceAmbiguous, 1},
		{"API server away", pod, []api.Service{selecting("young")}, true, Refused, plan.GoverningServiceUnknown, 1},
		{"named", annotated(t, replicaSetPod, "mode=headless", "service=young"), nil, false, Patched, plan.GoverningServiceMissing, 0},
		{"another mode", annotated(t, replicaSetPod, "mode=hostnetwork"), nil, false, Patched, plan.HostNetworkSet, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			r := newReviewer(t)
			r.Cluster = lagging{latest: tt.latest, away: tt.away, asked: &asked}
			_, rec := ask(t, r, tt.body)
			if rec.Decision != tt.decision || !contains(rec.Reasons, tt.reason) || asked != tt.asked {
				t.Errorf("%s %v after %d live lists, want %s, %s, %d", rec.Decision, rec.Reasons, asked, tt.decision, tt.reason, tt.asked)
			}
		})
	}
}
