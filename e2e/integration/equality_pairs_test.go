package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

const (
	// equalitySeed makes all policies and objects; a failure names it.
	equalitySeed = 20261127
	// atATime are the policies that are there together.
	atATime = 50
	// podsEach and servicesEach are sent under each policy.
	podsEach, servicesEach = 21, 2
	// pairsWanted is how many pairs of a policy and an object are compared at least.
	pairsWanted = 5000
)

// pair is a policy of a namespace, and a twin of that namespace without one.
type pair struct {
	name, namespace, twin string
	labels                map[string]string
	spec                  members
	set                   policy.Set
}

// TestEquality: the API server and Go say the same of thousands of objects, under every
// combination of rules and every good policy of the table: refused by both or by none, for a
// reason that is among Go's, and warned of the same.
func TestEquality(t *testing.T) {
	g := newGenerator(equalitySeed)
	var specs []members
	for _, r := range combinations() {
		specs = append(specs, g.policy(r))
	}
	specs = append(specs, goodSpecs(t)...)
	tally := &equalityTally{refusedFor: map[string]int{}}
	for n := 0; len(specs) > 0; n++ {
		batch := specs[:min(atATime, len(specs))]
		specs = specs[len(batch):]
		shared.compareBatch(t, g, n, batch, tally)
	}
	t.Logf("seed %d: %d pairs compared (%d refused by a policy, %d warned of), %d not: another refused the object first", uint64(equalitySeed), tally.compared, tally.refused, tally.warned, tally.skipped)
	if tally.compared < pairsWanted {
		t.Errorf("%d pairs, want %d", tally.compared, pairsWanted)
	}
	for _, reason := range []plan.Reason{
		plan.PolicyModeNotAllowed, plan.PolicyModeRequired, plan.PolicyHostNetworkUnmanaged, plan.PolicyPortsUndeclared, plan.PolicyPortOutOfRange, plan.PodTooLarge,
	} {
		if tally.refusedFor[string(reason)] == 0 {
			t.Errorf("nothing was refused for %s", reason)
		}
	}
}

// goodSpecs are those of the table that Compile and the CustomResourceDefinition share.
func goodSpecs(t *testing.T) []members {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "pkg", "policy", "testdata", "policies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Good []struct {
			Name string
			Spec members
		}
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	var specs []members
	for _, good := range table.Good {
		specs = append(specs, good.Spec)
	}
	return specs
}

// equalityTally counts what was compared.
type equalityTally struct {
	mu                                 sync.Mutex
	compared, skipped, refused, warned int
	refusedFor                         map[string]int
}

// compareBatch has the policies enforced, each in a namespace of its own, and sends objects there.
func (w *world) compareBatch(t *testing.T, g *generator, n int, specs []members, tally *equalityTally) {
	t.Helper()
	var pairs []*pair
	for i, spec := range specs {
		pairs = append(pairs, w.pair(t, g, fmt.Sprintf("equal-%d-%d", n, i), spec))
	}
	w.awaitEnforced(t, fmt.Sprintf("equal-%d-last", n), pairs)
	type job struct {
		p        *pair
		resource string
		object   []byte
	}
	jobs := make(chan job)
	var working sync.WaitGroup
	for range 16 { // most wait for the API server
		working.Go(func() {
			for j := range jobs {
				w.comparePair(t, j.p, j.resource, j.object, tally)
			}
		})
	}
	for _, p := range pairs {
		for range podsEach {
			jobs <- job{p, "pods", encoded(t, g.pod())}
		}
		for range servicesEach {
			jobs <- job{p, "services", encoded(t, g.service())}
		}
	}
	close(jobs)
	working.Wait()
	for _, p := range pairs {
		if err := w.policies(t).Delete(t.Context(), p.name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// service asks for a mode, or not.
func (g *generator) service() members {
	g.pods++
	metadata := members{"name": fmt.Sprintf("service-%d", g.pods)}
	if !g.oneIn(4) {
		metadata["annotations"] = members{api.AnnotationMode: pick(g, "hostnetwork", "headless", "statefulset-headless", "default")}
	}
	if g.oneIn(6) {
		metadata["labels"] = members{api.LabelIgnore: "true"}
	}
	return members{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": members{"selector": members{"app": "web"}, "ports": []any{members{"port": 80}}}}
}

// pair makes the policy and its two namespaces.
func (w *world) pair(t *testing.T, g *generator, name string, spec members) *pair {
	t.Helper()
	p := &pair{name: name, labels: g.namespaceLabels(), spec: maps.Clone(spec)}
	p.twin, p.namespace = w.quietNamespace(t, p.labels), w.quietNamespace(t, p.labels)
	p.spec["namespaceSelector"] = members{"matchLabels": members{corev1.LabelMetadataName: p.namespace}}
	// What it gives would make the twins differ.
	delete(p.spec, "defaultMode")
	delete(p.spec, "searchRewrite")
	delete(p.spec, "resolver")
	text := encoded(t, members{"metadata": members{"name": name}, "spec": p.spec})
	decoded, err := api.DecodePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	compiled, errs := policy.Compile(decoded)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p.set = policy.NewSet([]*policy.Policy{compiled})
	if _, err := w.policies(t).Create(t.Context(), newPolicy(t, name, string(encoded(t, p.spec))), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return p
}

// quietNamespace is namespace for a test that makes hundreds.
func (w *world) quietNamespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	ns, err := w.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "equal-", Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// awaitEnforced returns when the API server holds to all of the policies: it takes up what is
// written in one go, so that one that was written last stands for all.
func (w *world) awaitEnforced(t *testing.T, name string, pairs []*pair) {
	t.Helper()
	for _, p := range pairs {
		if err := w.poll(t.Context(), "policy "+p.name+" is not enforced", func(ctx context.Context) error {
			seen, err := w.seePolicy(ctx, t, p.name)
			if err != nil {
				return err
			}
			if c := meta.FindStatusCondition(seen.Status.Conditions, policy.ConditionEnforced); c == nil || c.Status != metav1.ConditionTrue {
				return fmt.Errorf("%+v", c)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, w.controller.log)
		}
	}
	last := &enforcedPolicy{world: w, namespace: w.quietNamespace(t, nil), name: name}
	last.object = newPolicy(t, name, `{"allowedModes":["headless"],"namespaceSelector":{"matchLabels":{"`+corev1.LabelMetadataName+`":"`+last.namespace+`"}}}`)
	last.create(t)
	last.wantDenied(t)
}

// comparePair sends the object to the twin, to see what becomes of it without the policy, and
// then to the policy's namespace.
func (w *world) comparePair(t *testing.T, p *pair, resource string, object []byte, tally *equalityTally) {
	free := w.post(t.Context(), p.twin, resource, object, dryRun)
	if free.err != nil {
		tally.mu.Lock()
		defer tally.mu.Unlock()
		tally.skipped++
		return
	}
	got := w.post(t.Context(), p.namespace, resource, object, dryRun)
	tally.mu.Lock()
	defer tally.mu.Unlock()
	tally.compared++
	var want verdict
	if resource == "pods" {
		want = judgePod(t, p.set, p.labels, free.object)
	} else {
		want = judgeService(t, p.set, free.object)
	}
	for problem := range want[api.EnforcementDeny] {
		tally.refusedFor[problem.reason]++
	}
	tally.refused += min(1, len(want[api.EnforcementDeny]))
	tally.warned += min(1, len(want[api.EnforcementWarn]))
	if found := differences(got, want); len(found) > 0 {
		t.Errorf("policy %s %s, namespace labels %v:\n%s\n%s", p.name, encoded(t, p.spec), slices.Sorted(maps.Keys(p.labels)), strings.Join(found, "\n"), clipped(object))
	}
}

func clipped(object []byte) string {
	const most = 2000
	return string(object[:min(len(object), most)])
}
