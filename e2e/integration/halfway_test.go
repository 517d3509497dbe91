package integration

import (
	"strings"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// addMesh is the operation of a second webhook that adds a service mesh's sidecar.
const addMesh = `{"op": "add", "path": "/spec/containers/-", "value": {"name": "istio-proxy", "image": "registry.example.com/proxy:1"}}`

// meshOnce adds the sidecar in the first round.
func meshOnce(pod *corev1.Pod) []string {
	if len(pod.Spec.Containers) > 1 {
		return nil
	}
	return []string{addMesh}
}

// TestInheritedModeIsNotHalfApplied: a mode that a pod inherits is applied, and a webhook after
// netmode makes the pod one that the mode cannot serve. The pod must not start on its node's
// network with the rules of a mesh. What comes behind netmode's last call is not seen:
// docs/security.md says so.
func TestInheritedModeIsNotHalfApplied(t *testing.T) {
	t.Parallel()
	const (
		plain = `{metadata: {name: gate, labels: {app: gate}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}}`
		mesh  = `2 problems: spec.containers[1].name: Invalid value: "istio-proxy": a service mesh was injected already, and its rules would be the node's; ` +
			`sidecar.istio.io/inject: "false" among the pod's labels keeps Istio away: ` +
			"turn the mesh's injection off for this pod, or choose another mode (MeshSidecar); " +
			"metadata.annotations[netmode.io/status]: Forbidden: mode hostnetwork was given to the pod, and another webhook made it one that the mode cannot serve; " +
			"the mode comes from "
		cure = ": keep that webhook from the pod, or set netmode.io/mode on the pod template to a mode that can serve it (NoLongerApplicable)"
	)
	for _, tt := range []struct {
		name           string
		reinvocation   registrationv1.ReinvocationPolicyType
		change         func(*corev1.Pod) []string
		ofLabel, ofPol string // the entries that refuse
	}{
		{"seen when netmode is called again", registrationv1.NeverReinvocationPolicy, meshOnce, "namespace.mutate.netmode.io", "policy.mutate.netmode.io"},
	} {
		t.Run(tt.name+", of the namespace", func(t *testing.T) {
			t.Parallel()
			ns := shared.namespace(t, map[string]string{api.LabelMode: "hostnetwork"})
			if pod := stored[corev1.Pod](t, shared.post(t.Context(), ns, "pods", toJSON(t, plain), dryRun)); !pod.Spec.HostNetwork {
				t.Fatalf("without the other webhook: %+v", pod.Spec)
			}
			shared.secondWebhook(t, ns, tt.reinvocation, tt.change)
			wantDenied(t, shared.post(t.Context(), ns, "pods", toJSON(t, plain)), tt.ofLabel, mesh+"the label of the namespace"+cure)

			// The cure: the pod opts out, and is left alone. So is one that had the sidecar at first.
			out := strings.Replace(plain, "name: gate", "name: out, annotations: {netmode.io/mode: default}", 1)
			first := strings.Replace(strings.Replace(plain, "name: gate", "name: first", 1), "[{name: c,", "[{name: istio-proxy, image: i}, {name: c,", 1)
			for _, manifest := range []string{out, first} {
				if pod := stored[corev1.Pod](t, shared.post(t.Context(), ns, "pods", toJSON(t, manifest))); pod.Spec.HostNetwork {
					t.Errorf("%s: %+v", pod.Name, pod.Spec)
				}
			}
		})
		t.Run(tt.name+", of a policy", func(t *testing.T) {
			t.Parallel()
			p := shared.policed(t)
			name := p.policy(t, "host", `{podSelector: {matchLabels: {app: gate}}, defaultMode: hostnetwork, hostNetwork: {allowUnmanaged: false}}`)
			if pod := stored[corev1.Pod](t, p.post(t, plain)); !pod.Spec.HostNetwork {
				t.Fatalf("without the other webhook: %+v", pod.Spec)
			}
			shared.secondWebhook(t, p.name, tt.reinvocation, tt.change)
			wantDenied(t, p.post(t, plain), tt.ofPol, mesh+"the default of policy "+name+cure)
		})
	}
}
