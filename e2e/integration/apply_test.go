package integration

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// serverSideApply is kubectl apply --server-side.
func (w *world) serverSideApply(ctx context.Context, namespace, resource, name string, object []byte) *answer {
	a := &answer{}
	options := &metav1.PatchOptions{FieldManager: "kubectl", FieldValidation: metav1.FieldValidationStrict}
	result := w.admin.CoreV1().RESTClient().Patch(types.ApplyPatchType).Namespace(namespace).Resource(resource).Name(name).
		VersionedParams(options, scheme.ParameterCodec).Body(object).Do(context.WithValue(ctx, answerKey{}, a))
	if a.err = result.Error(); a.err == nil {
		a.object, a.err = result.Raw()
	}
	return a
}

// TestServerSideApply: what is applied is mutated, its author owns what they wrote and nothing
// else, and applying it again changes nothing.
func TestServerSideApply(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)

	t.Run("Pod", func(t *testing.T) {
		manifest := toJSON(t, `
apiVersion: v1
kind: Pod
metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}
spec: {containers: [{name: gate, image: "registry.example.com/gate:1", ports: [{containerPort: 8080}]}]}`)
		first := stored[corev1.Pod](t, shared.serverSideApply(t.Context(), ns, "pods", "gate", manifest))
		if !first.Spec.HostNetwork || first.Spec.DNSPolicy != corev1.DNSClusterFirstWithHostNet {
			t.Errorf("not mutated: hostNetwork %v, dnsPolicy %s", first.Spec.HostNetwork, first.Spec.DNSPolicy)
		}
		wantOwned(t, first.ManagedFields, `
f:metadata: {f:annotations: {f:netmode.io/mode: {}}}
f:spec:
  f:containers:
    k:{"name":"gate"}:
      .: {}
      f:image: {}
      f:name: {}
      f:ports: {'k:{"containerPort":8080,"protocol":"TCP"}': {.: {}, f:containerPort: {}}}`)
		again := stored[corev1.Pod](t, shared.serverSideApply(t.Context(), ns, "pods", "gate", manifest))
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("applied again, it changes (-first +again):\n%s", diff)
		}
	})

	t.Run("Service", func(t *testing.T) {
		manifest := toJSON(t, `
apiVersion: v1
kind: Service
metadata: {name: peers, annotations: {netmode.io/mode: statefulset-headless}}
spec: {selector: {app: peer}, ports: [{name: rpc, port: 6700}]}`)
		first := stored[corev1.Service](t, shared.serverSideApply(t.Context(), ns, "services", "peers", manifest))
		if first.Spec.ClusterIP != corev1.ClusterIPNone || !first.Spec.PublishNotReadyAddresses {
			t.Errorf("not mutated: clusterIP %s, publishNotReadyAddresses %v", first.Spec.ClusterIP, first.Spec.PublishNotReadyAddresses)
		}
		wantOwned(t, first.ManagedFields, `
f:metadata: {f:annotations: {f:netmode.io/mode: {}}}
f:spec:
  f:ports: {'k:{"port":6700,"protocol":"TCP"}': {.: {}, f:name: {}, f:port: {}}}
  f:selector: {}`)
		a := shared.serverSideApply(t.Context(), ns, "services", "peers", manifest)
		again := stored[corev1.Service](t, a)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("applied again, it changes (-first +again):\n%s", diff)
		}
		wantWarnings(t, a) // it is headless already
	})
}

// wantOwned holds managedFields to one manager and its fields.
func wantOwned(t *testing.T, managed []metav1.ManagedFieldsEntry, fields string) {
	t.Helper()
	if len(managed) != 1 || managed[0].Manager != "kubectl" || managed[0].Operation != metav1.ManagedFieldsOperationApply {
		t.Fatalf("managedFields %v, want those of kubectl's apply alone", managed)
	}
	var got, want any
	if err := json.Unmarshal(managed[0].FieldsV1.GetRawBytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(toJSON(t, fields), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("managedFields (-want +got):\n%s", diff)
	}
}
