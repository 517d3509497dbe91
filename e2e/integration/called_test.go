package integration

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestCalls: who asks for nothing pays nothing, and who asks pays one call. Calls are counted, so
// it runs alone.
func TestCalls(t *testing.T) {
	const asked = 1
	const spec = `spec: {containers: [{name: c, image: i}]}`
	tests := []struct {
		name, namespace, resource, manifest string
		want                                float64
	}{
		{"a pod without annotations", "", "pods", `{metadata: {name: plain}, ` + spec + `}`, 0},
		{"a pod with annotations null", "", "pods", `{metadata: {name: "null", annotations: null}, ` + spec + `}`, 0},
		{"a pod with annotations of others", "", "pods", `{metadata: {name: others, annotations: {example.com/netmode.io: x, netmode.iox/mode: hostnetwork}}, ` + spec + `}`, 0},
		{"a pod with what netmode writes", "", "pods", `{metadata: {name: written, annotations: {netmode.io/status: "{}", netmode.io/copied: netmode.io/mode}}, ` + spec + `}`, 0},
		{"a pod that asks", "", "pods", `{metadata: {name: asks, annotations: {netmode.io/mode: hostnetwork}}, ` + spec + `}`, asked},
		{"a pod that asks for the default", "", "pods", `{metadata: {name: default, annotations: {netmode.io/mode: default}}, ` + spec + `}`, asked},
		{"a pod with an unknown key", "", "pods", `{metadata: {name: typo, annotations: {netmode.io/mod: hostnetwork}}, ` + spec + `}`, asked},
		{"a Service without annotations", "", "services", `{metadata: {name: plain}, spec: {ports: [{port: 80}]}}`, 0},
		{"a Service that asks", "", "services", `{metadata: {name: asks, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: a}}}`, asked},
		{"a pod in kube-system", "kube-system", "pods", `{metadata: {generateName: asks-, annotations: {netmode.io/mode: hostnetwork}}, ` + spec + `}`, 0},
		{"a Service in kube-system", "kube-system", "services", `{metadata: {generateName: asks-, annotations: {netmode.io/mode: headless}}, spec: {ports: [{port: 80}]}}`, 0},
		{"a Service in netmode's namespace", system, "services", `{metadata: {generateName: asks-, annotations: {netmode.io/mode: headless}}, spec: {ports: [{port: 80}]}}`, 0},
	}
	ns := shared.namespace(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.namespace == "" {
				tt.namespace = ns
			}
			shared.wantCalls(t, tt.want, func() {
				if a := shared.post(t.Context(), tt.namespace, tt.resource, toJSON(t, tt.manifest)); a.err != nil {
					t.Error(a.err)
				}
			})
		})
	}
}

// TestServiceUpdate: the API server itself warns where an update asks a Service to be headless,
// and changes and refuses nothing. Calls are counted, so it runs alone.
func TestServiceUpdate(t *testing.T) {
	ns := shared.namespace(t, nil)
	services := shared.admin.CoreV1().Services(ns)
	merge := func(patch string) func(context.Context) (*corev1.Service, error) {
		return func(ctx context.Context) (*corev1.Service, error) {
			return services.Patch(ctx, "db", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		}
	}
	if a := shared.post(t.Context(), ns, "services", toJSON(t, `{metadata: {name: db}, spec: {selector: {app: db}, clusterIP: 10.96.54.32, ports: [{port: 5432}]}}`)); a.err != nil {
		t.Fatal(a.err)
	}
	warning := "Validation failed for ValidatingAdmissionPolicy 'updates.services.netmode.io' with binding 'updates.services.netmode.io': spec.clusterIP: 10.96.54.32 stays, because Kubernetes lets nobody change it. To make the Service headless, replace it: " +
		"kubectl get service db -n " + ns + " -o json | jq 'del(.spec.clusterIP,.spec.clusterIPs)' | kubectl replace --force -f - (ClusterIPStays)"
	tests := []struct {
		name, patch string
		warnings    []string
	}{
		{"without an annotation", `{"spec": {"selector": {"app": "database"}}}`, nil},
		{"the annotation is added", `{"metadata": {"annotations": {"netmode.io/mode": "headless"}, "finalizers": ["example.com/hold"]}}`, []string{warning}},
		{"with the annotation", `{"spec": {"selector": {"app": "db"}}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shared.wantCalls(t, 0, func() {
				service, a := do(t.Context(), merge(tt.patch))
				if a.err != nil {
					t.Fatal(a.err)
				}
				wantWarnings(t, a, tt.warnings...)
				if service.Spec.ClusterIP != "10.96.54.32" {
					t.Errorf("clusterIP %q", service.Spec.ClusterIP)
				}
			})
		})
	}
	t.Run("the finalizer of a deleted one is removed", func(t *testing.T) {
		if err := services.Delete(t.Context(), "db", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		shared.wantCalls(t, 0, func() {
			if _, a := do(t.Context(), merge(`{"metadata": {"finalizers": null}}`)); a.err != nil {
				t.Error(a.err)
			}
		})
		wantGone(t, func(ctx context.Context) error {
			_, err := services.Get(ctx, "db", metav1.GetOptions{})
			return err
		})
	})
}
