package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/netmode-io/netmode/pkg/api"
)

// controllers are those that the world runs: the garbage collector, and what type-checks
// ValidatingAdmissionPolicies.
const controllers = "garbage-collector-controller,validatingadmissionpolicy-status-controller"

// startControllerManager runs kube-controller-manager with the rights of an administrator, until
// the garbage collector watches all kinds that are there. It learns of later kinds within 30 s.
func (w *world) startControllerManager(ctx context.Context, assets string) (err error) {
	kubeconfig := w.life.path("kube-controller-manager.kubeconfig")
	if err := os.WriteFile(kubeconfig, w.env.KubeConfig, 0o600); err != nil {
		return err
	}
	program, err := w.life.launcher(filepath.Join(assets, "kube-controller-manager"))
	if err != nil {
		return err
	}
	w.controllerManager, err = startProcess(ctx, "Proceeding to collect garbage", program,
		"--kubeconfig="+kubeconfig, "--controllers="+controllers, "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=500", "--kube-api-burst=500", "--logging-format=json")
	return err
}

// TestGarbageCollector: what an object owns goes when the object does, also where the owner is a
// NetworkModePolicy.
func TestGarbageCollector(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	name := "owner-" + ns
	policies := shared.policies(t)
	policy, err := policies.Create(t.Context(), newPolicy(t, name, `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+ns+`}}}`), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	admissionPolicies := shared.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	owned := newAdmissionPolicy(name, ns, registrationv1.Validation{Expression: "true"})
	owned.OwnerReferences = []metav1.OwnerReference{policyOwner(policy)}
	if _, err := admissionPolicies.Create(t.Context(), owned, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	configMaps := shared.admin.CoreV1().ConfigMaps(ns)
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owned", OwnerReferences: owned.OwnerReferences}}
	if _, err := configMaps.Create(t.Context(), configMap, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := policies.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for what, get := range map[string]func(context.Context) error{
		"the ValidatingAdmissionPolicy": func(ctx context.Context) error {
			_, err := admissionPolicies.Get(ctx, name, metav1.GetOptions{})
			return err
		},
		"the ConfigMap": func(ctx context.Context) error {
			_, err := configMaps.Get(ctx, "owned", metav1.GetOptions{})
			return err
		},
	} {
		if err := shared.poll(t.Context(), what+" stays without its owner", func(ctx context.Context) error {
			if err := get(ctx); !apierrors.IsNotFound(err) {
				return fmt.Errorf("got %w", err)
			}
			return nil
		}); err != nil {
			t.Errorf("%v\n%s", err, shared.controllerManager.log)
		}
	}
}

// TestPolicyTypeChecking: a ValidatingAdmissionPolicy is type-checked, and its status says what is
// wrong, for its current generation.
func TestPolicyTypeChecking(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	policies := shared.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	policy, err := policies.Create(t.Context(), newAdmissionPolicy("checked-"+ns, ns, registrationv1.Validation{Expression: "size(object.spec.containers) > 0"}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := policies.Delete(context.WithoutCancel(t.Context()), policy.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	var said []string
	for _, tt := range []struct{ expression, warning string }{
		{"", ""},
		{"object.spec.conteiners == []", "undefined field 'conteiners'"},
	} {
		if tt.expression != "" {
			policy.Spec.Validations[0].Expression = tt.expression
			if policy, err = policies.Update(t.Context(), policy, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := shared.poll(t.Context(), policy.Name+" is not checked", func(ctx context.Context) error {
			if policy, err = policies.Get(ctx, policy.Name, metav1.GetOptions{}); err != nil {
				return err
			}
			if policy.Status.ObservedGeneration != policy.Generation || policy.Status.TypeChecking == nil {
				return fmt.Errorf("its status is %+v", policy.Status)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, shared.controllerManager.log)
		}
		said = nil
		for _, w := range policy.Status.TypeChecking.ExpressionWarnings {
			said = append(said, w.FieldRef+": "+w.Warning)
		}
		if tt.warning == "" && len(said) > 0 || tt.warning != "" && !strings.Contains(strings.Join(said, "\n"), tt.warning) {
			t.Errorf("%q: warnings %q, want %q", policy.Spec.Validations[0].Expression, said, tt.warning)
		}
	}
	if diff := cmp.Diff(1, len(said)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// newAdmissionPolicy judges the pods that are created in one namespace.
func newAdmissionPolicy(name, namespace string, validations ...registrationv1.Validation) *registrationv1.ValidatingAdmissionPolicy {
	return &registrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: registrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &registrationv1.MatchResources{
				NamespaceSelector: onlyNamespace(namespace),
				ResourceRules:     []registrationv1.NamedRuleWithOperations{{RuleWithOperations: createsPods()}},
			},
			Validations: validations,
		},
	}
}

func onlyNamespace(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: name}}
}

func createsPods() registrationv1.RuleWithOperations {
	return registrationv1.RuleWithOperations{
		Operations: []registrationv1.OperationType{registrationv1.Create},
		Rule:       registrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}
}

// policyOwner is a reference to a NetworkModePolicy.
func policyOwner(policy *unstructured.Unstructured) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: api.PolicyAPIVersion, Kind: api.PolicyKind, Name: policy.GetName(), UID: policy.GetUID()}
}
