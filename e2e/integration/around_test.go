package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// engineCluster is one namespace as the engine sees it.
type engineCluster struct {
	name      string
	services  []api.Service
	namespace api.Namespace
	policies  policy.Set // of all namespaces
}

// Services returns the namespace's Services; nobody knows those of another.
func (c engineCluster) Services(namespace string) ([]api.Service, bool) {
	if namespace != c.name {
		return nil, false
	}
	return c.services, true
}

// Namespace returns the namespace.
func (c engineCluster) Namespace(string) (api.Namespace, bool) { return c.namespace, true }

// Policies returns those that select the namespace.
func (c engineCluster) Policies(string) policy.Set {
	return c.policies.ForNamespace(c.namespace.Labels)
}

// around reads a namespace as it is stored, and returns when the webhook has seen its Services,
// too.
func (w *world) around(t *testing.T, namespace string, policies policy.Set) engineCluster {
	t.Helper()
	ns, err := w.admin.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.admin.CoreV1().Services(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	annotations := maps.Clone(ns.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool { return !api.ReadsNamespaceAnnotation(key) })
	c := engineCluster{name: namespace, namespace: api.Namespace{Labels: ns.Labels, Annotations: annotations}, policies: policies}
	for i := range list.Items {
		raw, err := json.Marshal(&list.Items[i])
		if err != nil {
			t.Fatal(err)
		}
		var service api.Service
		if err := api.Decode(raw, &service, ""); err != nil {
			t.Fatal(err)
		}
		c.services = append(c.services, service)
		w.waitUntilSeen(t, namespace, service.Metadata.Name)
	}
	return c
}

// waitUntilSeen returns when the webhook's cache has the Service. It asks with a pod that names
// the Service.
func (w *world) waitUntilSeen(t *testing.T, namespace, service string) {
	t.Helper()
	if isExempt(namespace) {
		return
	}
	probe := fmt.Sprintf(`{"metadata":{"name":"probe-0","annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":%q}},"spec":{"containers":[{"name":"c","image":"i"}]}}`, service)
	for {
		a := w.post(t.Context(), namespace, "pods", []byte(probe), dryRun)
		if a.err != nil && !strings.Contains(a.err.Error(), "violates PodSecurity") && !strings.Contains(a.err.Error(), "(PolicyModeNotAllowed)") {
			t.Fatal(a.err)
		}
		if !strings.Contains(strings.Join(a.warnings, " "), "GoverningServiceMissing") {
			return
		}
	}
}

// waitUntilPoliciesSeen returns when the webhook has seen all policies that are there, and the API
// server holds to them. A later one, which only the test's own pod breaks, follows them: the API
// server takes up what is written in one go.
func (w *world) waitUntilPoliciesSeen(t *testing.T, namespace string) {
	t.Helper()
	policies := w.policies(t)
	if err := w.poll(t.Context(), "policies are not written", func(ctx context.Context) error {
		all, err := policies.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range all.Items {
			seen, err := w.seePolicy(ctx, t, all.Items[i].GetName())
			if apierrors.IsNotFound(err) {
				continue // another test's
			}
			if err != nil {
				return err
			}
			c := apimeta.FindStatusCondition(seen.Status.Conditions, policy.ConditionEnforced)
			if c == nil || c.Status == metav1.ConditionUnknown || c.ObservedGeneration != seen.Metadata.Generation {
				return fmt.Errorf("policy %s: %+v", seen.Metadata.Name, c)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	name := "marker" + suffix()
	marker := newPolicy(t, name, `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+namespace+`}}, podSelector: {matchLabels: {marker: "yes"}}, requireMode: true}`)
	if _, err := policies.Create(t.Context(), marker, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	probe := toJSON(t, `{metadata: {name: probe, labels: {marker: "yes"}, annotations: {netmode.io/mode: default}}, spec: {containers: [{name: c, image: i}]}}`)
	if err := w.poll(t.Context(), "the API server does not hold "+name, func(ctx context.Context) error {
		a := w.post(ctx, namespace, "pods", probe, dryRun)
		if a.err == nil || !strings.Contains(a.err.Error(), name) {
			return fmt.Errorf("the probe got %w", a.err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := policies.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
