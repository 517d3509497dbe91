package admission

import (
	"context"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// lagging is a Cluster whose memory is behind.
type lagging struct {
	engine.EmptySnapshot
	latest []api.Service
	away   bool
	asked  *int
}

func (l lagging) Services(string) ([]api.Service, bool) { return nil, true }

func (l lagging) Snapshot(context.Context, string) engine.Snapshot { return l }

func (l lagging) FreshSnapshot(context.Context, string) (engine.Snapshot, bool) {
	*l.asked++
	return seen{services: l.latest}, !l.away
}

// seen is a cluster with nothing but Services.
type seen struct {
	engine.EmptySnapshot
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
			r.Snapshots = lagging{latest: tt.latest, away: tt.away, asked: &asked}
			_, rec := ask(t, r, tt.body)
			if rec.Decision != tt.decision || !contains(rec.Reasons, tt.reason) || asked != tt.asked {
				t.Errorf("%s %v after %d live lists, want %s, %s, %d", rec.Decision, rec.Reasons, asked, tt.decision, tt.reason, tt.asked)
			}
		})
	}
}
