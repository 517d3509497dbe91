package integration

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// benchVariable is how many rounds TestBenchAPIServer measures, each a minute or more; unset, the
// test is left out: NETMODE_BENCH_APISERVER=10 go test ./integration -run TestBenchAPIServer -v
const benchVariable = "NETMODE_BENCH_APISERVER"

// In a round, each setup has so many requests, after it was warmed up for a while: a second
// is what the API server may take to notice that a policy came or went.
const (
	benchRequests = 150
	benchWarmUp   = 1200 * time.Millisecond
)

// The setups that others are compared with.
const (
	noAdmission      = "no admission"
	mutatingByPolicy = "MutatingAdmissionPolicy"
)

// setup is a pod in a namespace of its own, and a part of what the API server must make of it.
type setup struct {
	timings
	namespace  string
	pod        []byte
	want, lack string
}

// send creates the pod, and says how long that took.
func (s *setup) send(ctx context.Context, w *world) (time.Duration, error) {
	began := time.Now()
	a := w.post(ctx, s.namespace, "pods", s.pod, dryRun)
	took := time.Since(began)
	switch {
	case a.err != nil:
		return took, fmt.Errorf("%s: %w", s.setup, a.err)
	case !bytes.Contains(a.object, []byte(s.want)) || s.lack != "" && bytes.Contains(a.object, []byte(s.lack)):
		return took, fmt.Errorf("%s: want %s, and not %q in %s", s.setup, s.want, s.lack, a.object)
	}
	return took, nil
}

// stage is a number of policies, which all match the stage's namespaces or none, and the setups
// that are measured while they are enforced.
type stage struct {
	policies int
	match    bool
	selector string // of the policies
	marked   string // a namespace for probes
	setups   []*setup
}

// bench is what TestBenchAPIServer measures.
type bench struct {
	world    *world
	policies dynamic.ResourceInterface
	random   *rand.Rand
	stages   []*stage
}

// TestBenchAPIServer measures what a Pod CREATE costs end to end: one client, --dry-run=server,
// through the real API server. Speed never fails it; a wrong answer does.
func TestBenchAPIServer(t *testing.T) {
	if os.Getenv(benchVariable) == "" {
		t.Skipf("it takes minutes: make bench-apiserver, or set %s=10", benchVariable)
	}
	rounds, err := strconv.Atoi(os.Getenv(benchVariable))
	if err != nil || rounds < 1 {
		t.Fatalf("%s=%s: is no number of rounds: set 10", benchVariable, os.Getenv(benchVariable))
	}
	b := &bench{world: shared, policies: shared.policies(t), random: rand.New(rand.NewPCG(1, 2026))} //nolint:gosec // reproducible, no secret
	b.arrange(t)
	began := time.Now()
	for round := range rounds {
		for _, i := range b.random.Perm(len(b.stages)) {
			b.measure(t, b.stages[i])
		}
		t.Logf("round %d of %d after %s", round+1, rounds, time.Since(began).Round(time.Second))
	}
	var all []*timings
	for _, stage := range b.stages {
		for _, s := range stage.setups {
			all = append(all, &s.timings)
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(t.Output(), "\nCREATE of a Pod of %d bytes with --dry-run=server, one client; %d CPUs, load average %s.\n"+
		"%d rounds of %d requests each, shuffled. Ratios: of the p50 over all requests, and in brackets\nthe middle half of the rounds' own ratios. Enforced by: %s.\n\n",
		len(b.stages[0].setups[0].pod), runtime.NumCPU(), bytes.Fields(load)[0], rounds, benchRequests, strings.Join(b.enforcers(t), ", "))
	if err := reportTimings(t.Output(), all, noAdmission, mutatingByPolicy); err != nil {
		t.Fatal(err)
	}
	b.measureWorst(t)
}

// enforcers are netmode's own admission objects, by kind and name.
func (b *bench) enforcers(t *testing.T) []string {
	t.Helper()
	var names []string
	registration := b.world.admin.AdmissionregistrationV1()
	options := metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=netmode"}
	mutating, err := registration.MutatingWebhookConfigurations().List(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mutating.Items {
		names = append(names, "MutatingWebhookConfiguration "+mutating.Items[i].Name)
	}
	validating, err := registration.ValidatingWebhookConfigurations().List(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range validating.Items {
		names = append(names, "ValidatingWebhookConfiguration "+validating.Items[i].Name)
	}
	bindings, err := registration.ValidatingAdmissionPolicyBindings().List(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range bindings.Items {
		names = append(names, "ValidatingAdmissionPolicy "+bindings.Items[i].Spec.PolicyName)
	}
	return names
}

// measure visits a stage once.
func (b *bench) measure(t *testing.T, s *stage) {
	t.Helper()
	b.enforce(t, s)
	var order []*setup
	for _, one := range s.setups {
		one.rounds = append(one.rounds, nil)
		for range benchRequests {
			order = append(order, one)
		}
	}
	b.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for i, began := 0, time.Now(); time.Since(began) < benchWarmUp; i++ {
		if _, err := order[i%len(order)].send(t.Context(), b.world); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC() // of this process: not while it measures
	for _, one := range order {
		took, err := one.send(t.Context(), b.world)
		if err != nil {
			t.Fatal(err)
		}
		last := len(one.rounds) - 1
		one.rounds[last] = append(one.rounds[last], took)
	}
	b.lift(t, s)
}
