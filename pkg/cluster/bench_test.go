package cluster

import (
	"fmt"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// size is how much a cluster has.
type size struct{ namespaces, services, policies int }

var (
	small = size{namespaces: 10, services: 10, policies: 10}
	large = size{namespaces: 10_000, services: 20_000, policies: 100}
)

func namespaceName(i int) string { return fmt.Sprintf("namespace-%d", i) }

// fill has a Cache as it is when all of a cluster has been read. One policy
// selects each namespace, by a label.
func fill(tb testing.TB, of size) *Cache {
	tb.Helper()
	c, err := New(fake.NewClientset(), newPolicies(), logr.Discard())
	if err != nil {
		tb.Fatal(err)
	}
	add := func(to cache.Store, trim cache.TransformFunc, object any) {
		trimmed, err := trim(object)
		if err != nil {
			tb.Fatal(err)
		}
		if err := to.Add(trimmed); err != nil {
			tb.Fatal(err)
		}
	}
	trim := &trimmer{}
	for i := range of.namespaces {
		add(c.namespaces.GetStore(), trim.namespace, newNamespace(namespaceName(i), map[string]string{
			corev1.LabelMetadataName: namespaceName(i), api.LabelPolicy: api.PolicyEnabled, "team": fmt.Sprintf("team-%d", i%of.policies),
		}))
	}
	for i := range of.services {
		app := fmt.Sprintf("app-%d", i/of.namespaces)
		add(c.services.GetStore(), trim.service, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespaceName(i % of.namespaces), Name: app, UID: "u", ResourceVersion: "7"},
			Spec: corev1.ServiceSpec{
				ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": app},
				Ports: []corev1.ServicePort{{Name: "rpc", Port: 6700, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(6700)}},
			},
		})
	}
	for i := range of.policies {
		spec := selecting(fmt.Sprintf("team-%d", i))
		spec["defaultMode"] = "statefulset-headless"
		spec["hostNetwork"] = map[string]any{"allowUnmanaged": false}
		add(c.policies.GetStore(), trimPolicy, newPolicy(fmt.Sprintf("policy-%d", i), 1, spec))
	}
	c.set.renew()
	return c
}

// decider decides about one pod in namespace after namespace, in both phases.
func decider(tb testing.TB, of size) func(namespace int) {
	tb.Helper()
	c := fill(tb, of)
	facts, err := resolv.Declare([]string{"10.96.0.10"}, "cluster.local")
	if err != nil {
		tb.Fatal(err)
	}
	settings := &engine.Settings{ExemptNamespaces: []string{"kube-system", "netmode-system"}, Search: resolv.Settings{Facts: facts}}
	pod := &api.Pod{
		Metadata: api.ObjectMeta{Name: "app-0-0", Labels: map[string]string{"app": "app-0"}},
		Spec:     api.PodSpec{Containers: []api.Container{{Name: "c"}}},
	}
	ctx := tb.Context()
	return func(i int) {
		namespace := namespaceName(i % of.namespaces)
		p := engine.Decide(engine.Request{Settings: settings, Snapshot: c.Snapshot(ctx, namespace), Namespace: namespace, Object: pod})
		if !p.Changes() || p.Source != plan.SourcePolicy || p.Service != "app-0" {
			tb.Fatalf("namespace %s: %+v", namespace, p)
		}
		if p := engine.Decide(engine.Request{Settings: settings, Snapshot: c.Snapshot(ctx, namespace), Namespace: namespace, Object: pod, Judge: true}); p.Refused() {
			tb.Fatalf("namespace %s: %+v", namespace, p)
		}
	}
}

// BenchmarkDecision decides about a pod that gets its mode from a policy and its
// governing Service from the cluster, each time in another namespace. Large
// costs no more than 1.2 times what small does.
func BenchmarkDecision(b *testing.B) {
	for _, of := range []struct {
		name string
		size
	}{{"small", small}, {"large", large}} {
		b.Run(of.name, func(b *testing.B) {
			decide := decider(b, of.size)
			for i := range of.namespaces {
				decide(i) // once for each namespace, its policies are found
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				decide(i)
			}
		})
	}
}
