package integration

import (
	"context"
	"strings"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestNotAsPromised: a pod that is not what its annotation asks for, once every webhook has had
// its turn, is refused and not started wrong.
func TestNotAsPromised(t *testing.T) {
	const hostNetwork = "spec.hostNetwork: Invalid value: false: is not as mode hostnetwork needs it: "
	tests := []struct {
		name   string
		change func(*corev1.Pod) []string
		pod    string
		want   string
	}{
		{
			// netmode was skipped in the first round, and so is not called in the second.
			"annotated too late",
			func(*corev1.Pod) []string {
				return []string{`{"op": "add", "path": "/metadata/annotations", "value": {"netmode.io/mode": "hostnetwork"}}`}
			},
			`{metadata: {name: gate}, spec: {containers: [{name: c, image: i}]}}`,
			hostNetwork,
		},
		{
			"undone again and again",
			func(*corev1.Pod) []string {
				return []string{`{"op": "replace", "path": "/spec/hostNetwork", "value": false}`}
			},
			`{metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i}]}}`,
			hostNetwork,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ns := shared.namespace(t, nil)
			shared.secondWebhook(t, ns, registrationv1.IfNeededReinvocationPolicy, tt.change)
			a := shared.post(t.Context(), ns, "pods", toJSON(t, tt.pod))
			if want := "ValidatingAdmissionPolicy 'promises.pods.netmode.io' with binding 'promises.pods.netmode.io' denied request: " + tt.want; a.err == nil || !strings.Contains(a.err.Error(), want) || !strings.Contains(a.err.Error(), "(NotAsPromised)") {
				t.Errorf("have %v\nwant %s", a.err, want)
			}
			wantGone(t, func(ctx context.Context) error {
				_, err := shared.admin.CoreV1().Pods(ns).Get(ctx, "gate", metav1.GetOptions{})
				return err
			})
		})
	}
}
