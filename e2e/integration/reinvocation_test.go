package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestReinvocation: what another webhook does after netmode brings netmode back, and what it
// then answers fits the changed pod. Calls are counted, so it runs alone.
func TestReinvocation(t *testing.T) {
	t.Run("post-start stays in place", func(t *testing.T) {
		ns := shared.namespace(t, nil)
		shared.secondWebhook(t, ns, registrationv1.NeverReinvocationPolicy, addSidecar("[]"))
		var a *answer
		shared.wantCalls(t, 2, func() {
			a = shared.post(t.Context(), ns, "pods", toJSON(t, `
metadata:
  name: peer-0
  annotations: {netmode.io/mode: statefulset-headless, netmode.io/service: peers, netmode.io/search-rewrite: post-start}
spec:
  containers: [{name: app, image: "registry.example.com/app:1"}]`))
		})
		// The pod has one resolv.conf, so the application's hook serves the sidecar, too.
		hooked := map[string]bool{}
		for _, c := range stored[corev1.Pod](t, a).Spec.Containers {
			hooked[c.Name] = c.Lifecycle != nil && c.Lifecycle.PostStart != nil && c.Lifecycle.PostStart.Exec != nil
		}
		if diff := cmp.Diff(map[string]bool{"sidecar": false, "app": true}, hooked); diff != "" {
			t.Errorf("hooked containers (-want +got):\n%s", diff)
		}
		wantEachOnce(t, a)
	})

	t.Run("hostnetwork refuses the added port", func(t *testing.T) {
		ns := shared.namespace(t, nil)
		shared.secondWebhook(t, ns, registrationv1.NeverReinvocationPolicy, addSidecar(`[{"containerPort": 8080}]`))
		shared.wantCalls(t, 2, func() {
			a := shared.post(t.Context(), ns, "pods", toJSON(t, `
metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}
spec:
  containers: [{name: gate, image: "registry.example.com/gate:1", ports: [{containerPort: 8080}]}]`))
			wantDenied(t, a, "asked.mutate.netmode.io", "spec.containers[1].ports[0].containerPort: Invalid value: 8080: TCP port 8080 is taken by spec.containers[0].ports[0]: give one of them another port (HostPortConflict)")
		})
	})

	t.Run("no change, no second call", func(t *testing.T) {
		ns := shared.namespace(t, nil)
		shared.wantCalls(t, 1, func() {
			stored[corev1.Pod](t, shared.post(t.Context(), ns, "pods", toJSON(t, `
metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}
spec: {containers: [{name: gate, image: "registry.example.com/gate:1"}]}`)))
		})
	})
}
