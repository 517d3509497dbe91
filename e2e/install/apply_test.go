package install

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// fakeClient knows the kinds of the base and holds these objects.
func fakeClient(t *testing.T, objects ...runtime.Object) (*client, *fake.FakeDynamicClient) {
	t.Helper()
	kinds := meta.NewDefaultRESTMapper(nil)
	for _, o := range render(t, filepath.Join(manifests, "base"), Options{}) {
		scope := meta.RESTScope(meta.RESTScopeRoot)
		if o.GetNamespace() != "" {
			scope = meta.RESTScopeNamespace
		}
		kinds.Add(o.GroupVersionKind(), scope)
	}
	server := fake.NewSimpleDynamicClient(runtime.NewScheme(), objects...)
	return &client{objects: server, kinds: kinds}, server
}

// answers lets each call of this verb fail with the next error, and the calls after it succeed.
func answers(server *fake.FakeDynamicClient, verb string, errs ...error) {
	server.PrependReactor(verb, "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		if len(errs) == 0 {
			return verb == "patch", &unstructured.Unstructured{}, nil
		}
		err := errs[0]
		errs = errs[1:]
		return true, nil, err
	})
}

func TestApplyKeepsTheOrderAndTheCABundle(t *testing.T) {
	c, server := fakeClient(t)
	answers(server, "patch")
	objects := render(t, filepath.Join(manifests, "base"), Options{})
	if err := c.apply(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	actions := server.Actions()
	if len(actions) != len(objects) {
		t.Fatalf("%d calls for %d objects", len(actions), len(objects))
	}
	for i, action := range actions {
		patch, ok := action.(clienttesting.PatchActionImpl)
		if !ok || patch.PatchType != types.ApplyPatchType || patch.Name != objects[i].GetName() || patch.Namespace != objects[i].GetNamespace() {
			t.Fatalf("%s: %+v", describe(objects[i]), action)
		}
		if patch.PatchOptions.FieldManager != "netmode-install" || !*patch.PatchOptions.Force {
			t.Errorf("%s: %+v", describe(objects[i]), patch.PatchOptions)
		}
		if strings.Contains(string(patch.Patch), "caBundle") {
			t.Errorf("%s: takes the caBundle from its owner", describe(objects[i]))
		}
	}
}

func terminating() error {
	err := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "x", errors.New("being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

func TestApplyTriesAgainWhatPasses(t *testing.T) {
	passing := []error{
		syscall.ECONNREFUSED,
		terminating(),
		apierrors.NewTooManyRequests("later", 1),
		apierrors.NewServiceUnavailable("etcd"),
	}
	synctest.Test(t, func(t *testing.T) {
		c, server := fakeClient(t)
		answers(server, "patch", passing...)
		if err := c.apply(t.Context(), render(t, filepath.Join(manifests, "base"), Options{})[:1]); err != nil {
			t.Fatal(err)
		}
		if calls := len(server.Actions()); calls != len(passing)+1 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestApplyFails(t *testing.T) {
	service := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"namespace": "n", "name": "s"}}}
	issuer := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": map[string]any{"namespace": "n", "name": "i"}}}
	refused := apierrors.NewBadRequest("bad port")
	for name, test := range map[string]struct {
		object *unstructured.Unstructured
		errs   []error
		want   string
	}{
		"at once":      {service, []error{refused}, "apply Service n/s: bad port"},
		"unknown kind": {issuer, nil, `apply Issuer n/i: no matches for kind "Issuer" in version "cert-manager.io/v1": install what brings this kind first, such as cert-manager`},
		"too late":     {service, slices.Repeat([]error{syscall.ECONNREFUSED}, 99), "apply Service n/s: not within 3s: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, server := fakeClient(t)
				answers(server, "patch", test.errs...)
				ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("not within 3s"))
				defer cancel()
				if err := c.apply(ctx, []*unstructured.Unstructured{test.object}); err == nil || err.Error() != test.want {
					t.Errorf("have %v\nwant %s", err, test.want)
				}
			})
		})
	}
}
