package integration

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/policy"
)

// caseLabel is on the namespaces of a golden case: its policies select no others.
const caseLabel = "golden-case"

// createPolicies creates the case's policies, moved as its namespaces are, and returns them when
// the webhook has seen them.
func (c *goldenCase) createPolicies(t *testing.T, objects []manifest.Object) policy.Set {
	t.Helper()
	client := shared.policies(t)
	var all []*policy.Policy
	namespace := ""
	for i := range objects {
		if o := &objects[i]; o.APIVersion != api.PolicyAPIVersion || o.Kind != api.PolicyKind {
			if o.Namespace != "" && !isExempt(o.Namespace) {
				namespace = o.Namespace
			}
			continue
		}
		moved := c.movedPolicy(t, &objects[i])
		if _, err := client.Create(t.Context(), moved, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := client.Delete(context.WithoutCancel(t.Context()), moved.GetName(), metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		compiled, err := cluster.DecodePolicy(moved)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, compiled)
	}
	if len(all) > 0 {
		shared.waitUntilPoliciesSeen(t, namespace)
	}
	return policy.NewSet(all)
}

// movedPolicy is a policy of the manifests for the namespaces of the case.
func (c *goldenCase) movedPolicy(t *testing.T, o *manifest.Object) *unstructured.Unstructured {
	t.Helper()
	moved := &unstructured.Unstructured{}
	if err := moved.UnmarshalJSON(o.JSON); err != nil {
		t.Fatal(err)
	}
	moved.SetName(o.Name)
	fields, _, err := unstructured.NestedMap(moved.Object, "spec", "namespaceSelector")
	if err != nil {
		t.Fatal(err)
	}
	var selector metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &selector); err != nil {
		t.Fatal(err)
	}
	if name, ok := selector.MatchLabels[corev1.LabelMetadataName]; ok {
		selector.MatchLabels[corev1.LabelMetadataName] = c.moved(name)
	}
	for _, e := range selector.MatchExpressions {
		for i := range e.Values {
			if e.Key == corev1.LabelMetadataName {
				e.Values[i] = c.moved(e.Values[i])
			}
		}
	}
	metav1.AddLabelToSelector(&selector, caseLabel, c.label())
	if fields, err = runtime.DefaultUnstructuredConverter.ToUnstructured(&selector); err == nil {
		err = unstructured.SetNestedMap(moved.Object, fields, "spec", "namespaceSelector")
	}
	if err != nil {
		t.Fatal(err)
	}
	return moved
}
