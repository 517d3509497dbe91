package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/policy"
)

func newPolicies(policies ...runtime.Object) *dynamicfake.FakeDynamicClient {
	kinds := map[schema.GroupVersionResource]string{PolicyResource(): api.PolicyKind + "List"}
	return dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, policies...)
}

func newPolicy(name string, generation int64, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": api.PolicyAPIVersion, "kind": api.PolicyKind,
		"metadata": map[string]any{"name": name, "uid": "uid-of-" + name, "generation": generation}, "spec": spec,
	}}
}

// selecting is a spec for namespaces with the label team.
func selecting(team string) map[string]any {
	return map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"team": team}}}
}

func newNamespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func policyNames(s policy.Set) string {
	var all []string
	for _, p := range s.Policies() {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

func TestPoliciesOfNamespaces(t *testing.T) {
	client := fake.NewClientset(newNamespace("a", map[string]string{"team": "a"}), newNamespace("b", map[string]string{"team": "b"}))
	all := map[string]any{"namespaceSelector": map[string]any{}, "priority": int64(1)}
	policies := newPolicies(newPolicy("all", 1, all), newPolicy("of-a", 1, selecting("a")), newPolicy("of-b", 1, selecting("b")))
	c := startedWith(t, client, policies, logr.Discard())
	of := func(namespace string) string {
		return policyNames(c.Snapshot(t.Context(), namespace).Policies(namespace))
	}
	for namespace, want := range map[string]string{"a": "all of-a", "b": "all of-b", "unknown": "all"} {
		for range 2 {
			if got := of(namespace); got != want {
				t.Errorf("%s: %q, want %q", namespace, got, want)
			}
		}
	}
	older := c.Snapshot(t.Context(), "a")
	if got := policyNames(older.Policies("b")); got != "" {
		t.Errorf("a decision about namespace a knows the policies of b: %s", got)
	}

	resource := policies.Resource(PolicyResource())
	if err := resource.Delete(t.Context(), "of-a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return of("a") == "all" })
	if got := policyNames(older.Policies("a")); got != "all of-a" {
		t.Errorf("the older decision sees %q now", got)
	}
	if _, err := resource.Create(t.Context(), newPolicy("of-a", 1, selecting("a")), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return of("a") == "all of-a" })
	if _, err := resource.Update(t.Context(), newPolicy("of-b", 2, selecting("a")), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return of("a") == "all of-a of-b" && of("b") == "all" })
	if _, err := client.CoreV1().Namespaces().Update(t.Context(), newNamespace("a", nil), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return of("a") == "all" })
}

// What a Set has for a namespace is found once.
func TestSelectionIsRemembered(t *testing.T) {
	c := started(t, fake.NewClientset(newNamespace("a", map[string]string{"team": "a"})), newPolicy("of-a", 1, selecting("a")), newPolicy("of-b", 1, selecting("b")))
	first := c.Snapshot(t.Context(), "a").Policies("a").Policies()
	if again := c.Snapshot(t.Context(), "a").Policies("a").Policies(); len(first) != 1 || &first[0] != &again[0] {
		t.Errorf("%d policies; found twice", len(first))
	}
}

// A policy that the schema let through and this build does not understand is
// told, and is no reason to do without the others.
func TestPolicyThatDoesNotCompile(t *testing.T) {
	var mu sync.Mutex
	var told []string
	log := funcr.New(func(_, args string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, args)
	}, funcr.Options{})
	bad := newPolicy("bad", 1, map[string]any{"namespaceSelector": map[string]any{}, "defaultMode": "mesh"})
	untyped := newPolicy("untyped", 1, map[string]any{"namespaceSelector": "all"})
	newer := newPolicy("newer", 1, map[string]any{"namespaceSelector": map[string]any{}, "fieldOfAnotherBuild": true})
	c := startedWith(t, fake.NewClientset(newNamespace("a", nil)), newPolicies(bad, untyped, newer), log)
	if got := policyNames(c.Snapshot(t.Context(), "a").Policies("a")); got != "newer" {
		t.Errorf("policies %q, want newer alone", got)
	}
	if n := c.PoliciesLeftOut(); n != 2 {
		t.Errorf("%d policies are left out, want 2", n)
	}
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(told, "\n")
	for _, want := range []string{`"policy"="bad"`, `spec.defaultMode: Unsupported value: \"mesh\"`, `"policy"="untyped"`, "spec.namespaceSelector"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not in the log:\n%s", want, all)
		}
	}
	if strings.Contains(all, `"policy"="newer"`) {
		t.Errorf("told of a policy that is good:\n%s", all)
	}
}

// Nothing is known, and no decision may be made, before the policies are read.
func TestNotSyncedWithoutPolicies(t *testing.T) {
	client, policies := fake.NewClientset(), newPolicies()
	var mu sync.Mutex
	refused := 0
	policies.PrependReactor("list", "*", func(kubetesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		refused++
		return refused < 3, nil, errors.New("no such kind yet")
	})
	c := startedWith(t, client, policies, logr.Discard())
	mu.Lock()
	defer mu.Unlock()
	if refused < 3 || !c.Synced() {
		t.Errorf("complete after %d lists", refused)
	}
}

// A status that is written renews nothing.
func TestStatusRenewsNoSet(t *testing.T) {
	set := &policySet{store: cache.NewStore(cache.MetaNamespaceKeyFunc), log: logr.Discard()}
	trimmed := func(generation int64, uid string) *trimmedPolicy {
		u := newPolicy("p", generation, selecting("a"))
		u.SetUID(types.UID(uid))
		trimmed, err := trimPolicy(u)
		if err != nil {
			t.Fatal(err)
		}
		if err := set.store.Add(trimmed); err != nil {
			t.Fatal(err)
		}
		return trimmed.(*trimmedPolicy) //nolint:errcheck // trimPolicy makes it so
	}
	first := trimmed(1, "a")
	set.changed(nil, first)
	before := set.current.Load()
	for _, tt := range []struct {
		what  string
		now   *trimmedPolicy
		renew bool
	}{{"status", trimmed(1, "a"), false}, {"spec", trimmed(2, "a"), true}, {"another of the name", trimmed(1, "b"), true}} {
		set.changed(first, tt.now)
		if renewed := set.current.Load() != before; renewed != tt.renew {
			t.Errorf("%s: renewed %t, want %t", tt.what, renewed, tt.renew)
		}
		before = set.current.Load()
	}
}

// Every decision is made under one state of the policies, whatever changes
// meanwhile. Policy one gives hostnetwork and allows nothing else; two comes and
// goes, and then has the first say, gives headless and allows nothing else. A
// pod that asks for nothing gets
//
//	policies  mode         broken
//	one       hostnetwork  none
//	one, two  headless     one
//
// and a decision that looks at both states would get hostnetwork and break two,
// or headless and break none.
func TestOneConsistentSet(t *testing.T) {
	const rounds = 50
	gives := func(name, mode string, priority int64) *unstructured.Unstructured {
		spec := selecting("a")
		spec["priority"], spec["defaultMode"], spec["allowedModes"] = priority, mode, []any{mode}
		return newPolicy(name, 1, spec)
	}
	policies := newPolicies(gives("one", "hostnetwork", 1))
	c := startedWith(t, fake.NewClientset(newNamespace("a", map[string]string{"team": "a", api.LabelPolicy: api.PolicyEnabled})), policies, logr.Discard())
	settings := &engine.Settings{}
	pod := &api.Pod{Metadata: api.ObjectMeta{Name: "p"}, Spec: api.PodSpec{Subdomain: "s", Containers: []api.Container{{Name: "c"}}}}
	decide := func() string {
		snapshot := c.Snapshot(t.Context(), "a")
		before := policyNames(snapshot.Policies("a"))
		p := engine.Decide(engine.Request{Settings: settings, Snapshot: snapshot, Namespace: "a", Object: pod, Judge: true})
		broken := []string{}
		for _, name := range []string{"one", "two"} {
			if strings.Contains(p.Denial(), "policy "+name+" allows ") {
				broken = append(broken, name)
			}
		}
		return fmt.Sprintf("%s: %s, broken %s; %s", before, p.Mode, broken, policyNames(snapshot.Policies("a")))
	}
	const alone, both = "one: hostnetwork, broken []; one", "two one: headless, broken [one]; two one"

	done := make(chan struct{})
	var deciding sync.WaitGroup
	var seenAlone, seenBoth atomic.Int64
	for range 2 {
		deciding.Go(func() {
			for {
				switch got := decide(); got {
				case alone:
					seenAlone.Add(1)
				case both:
					seenBoth.Add(1)
				default:
					t.Errorf("a decision under two states of the policies: %s", got)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	defer func() { close(done); deciding.Wait() }()
	resource := policies.Resource(PolicyResource())
	for range rounds {
		was := seenBoth.Load()
		if _, err := resource.Create(t.Context(), gives("two", "headless", 2), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return seenBoth.Load() > was || t.Failed() })
		was = seenAlone.Load()
		if err := resource.Delete(t.Context(), "two", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return seenAlone.Load() > was || t.Failed() })
	}
}
