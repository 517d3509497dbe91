package integration

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestWebhookAway: while netmode is gone, who asks for something is refused and not started
// wrong, and nobody else notices. It stops what all share, so it runs alone.
func TestWebhookAway(t *testing.T) {
	ns := shared.namespace(t, nil)
	asking := toJSON(t, `{metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i}]}}`)
	if a := shared.post(t.Context(), ns, "services", toJSON(t, `{metadata: {name: db, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: db}}}`)); a.err != nil {
		t.Fatal(a.err)
	}
	listen := shared.webhook.started.Listen
	if err := shared.webhook.kill(); err != nil {
		t.Fatal(err)
	}

	t.Run("a pod that asks is refused", func(t *testing.T) {
		a := shared.post(t.Context(), ns, "pods", asking)
		if a.err == nil {
			t.Fatalf("stored: %s", a.object)
		}
		const want = `failed calling webhook "asked.mutate.netmode.io": failed to call webhook: Post "https://netmode-webhook.netmode-system.svc:`
		if !apierrors.IsInternalError(a.err) || !strings.Contains(a.err.Error(), want) {
			t.Errorf("got %v, want an internal error with %q", a.err, want)
		}
		wantGone(t, func(ctx context.Context) error {
			_, err := shared.admin.CoreV1().Pods(ns).Get(ctx, "gate", metav1.GetOptions{})
			return err
		})
	})
	for name, manifest := range map[string]string{
		"a pod that asks for nothing is accepted":                `{metadata: {name: plain}, spec: {containers: [{name: c, image: i}]}}`,
		"a pod with what netmode wrote is accepted":              `{metadata: {name: written, annotations: {netmode.io/status: "{}"}}, spec: {containers: [{name: c, image: i}]}}`,
		"a pod whose label is not netmode's to read is accepted": `{metadata: {name: others, labels: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			stored[corev1.Pod](t, shared.post(t.Context(), ns, "pods", toJSON(t, manifest)))
		})
	}
	t.Run("an update of a Service that asks is accepted", func(t *testing.T) {
		patch := []byte(`{"spec": {"selector": {"app": "database"}}}`)
		if _, err := shared.admin.CoreV1().Services(ns).Patch(t.Context(), "db", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	})

	if err := shared.startWebhook(t.Context(), listen, shared.usual...); err != nil {
		t.Fatal(err)
	}
	t.Run("back again, it serves", func(t *testing.T) {
		if pod := stored[corev1.Pod](t, shared.post(t.Context(), ns, "pods", asking)); !pod.Spec.HostNetwork {
			t.Error("not mutated")
		}
	})
}
