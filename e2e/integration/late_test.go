package integration

import (
	"context"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/plan"
)

// TestNotAsPromised: a pod that is not what its annotation asks for, once every webhook has had
// its turn, is refused and not started wrong.
func TestNotAsPromised(t *testing.T) {
	cure := plan.NotAsPromised.Doc().Cure
	hostNetwork := "spec.hostNetwork: is not as mode hostnetwork needs it (true): " + cure + " (NotAsPromised)"
	dnsPolicy := "spec.dnsPolicy: is not as mode hostnetwork needs it (ClusterFirstWithHostNet): " + cure + " (NotAsPromised)"
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
			"2 problems: " + hostNetwork + "; " + dnsPolicy,
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
			wantDenied(t, a, "asked.validate.netmode.io", tt.want)
			wantGone(t, func(ctx context.Context) error {
				_, err := shared.admin.CoreV1().Pods(ns).Get(ctx, "gate", metav1.GetOptions{})
				return err
			})
		})
	}
}
