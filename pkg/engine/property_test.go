package engine_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// rounds is how many objects are made for each mode and strategy. The seed of
// an object is in every failure; the same seed makes it again.
const rounds = 150

// tally counts what became of the objects, so that a generator which makes
// nothing of interest is noticed.
type tally map[string]int

func (c tally) want(t *testing.T, of string, outcomes ...string) {
	t.Helper()
	for _, outcome := range outcomes {
		if c[outcome] == 0 {
			t.Errorf("%s: no object was %s in %v", of, outcome, c)
		}
	}
}

func outcome(p *plan.Plan) string {
	switch {
	case p.Refused():
		return "refused"
	case slices.Contains(p.Reasons(), plan.NotApplicable):
		return "set aside"
	case p.Changes():
		return "changed"
	}
	return "kept"
}

// TestPodProperties makes pods for every mode, asked and inherited, and every
// strategy, and holds each plan to what all plans promise.
func TestPodProperties(t *testing.T) {
	for _, mode := range append([]api.Mode{""}, api.Modes()...) {
		strategies := []api.SearchRewrite{""}
		if mode == api.ModeStatefulSetHeadless || mode == api.ModeHostNetwork {
			strategies = append(strategies, api.SearchRewrites()...)
		}
		for _, strategy := range strategies {
			for _, inherited := range []bool{false, true} {
				name := fmt.Sprintf("%s/%s/inherited=%v", mode, strategy, inherited)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					counts := tally{}
					for seed := range uint64(rounds) {
						counts[checkPod(t, seed, mode, strategy, inherited)]++
					}
					wanted := []string{"changed"} // the status, if nothing else
					switch {
					case mode == "":
						wanted = []string{"kept", "changed"}
					case mode != api.ModeDefault && inherited:
						wanted = []string{"changed", "set aside", "refused"} // refused: a bad annotation
					case mode != api.ModeDefault:
						wanted = []string{"changed", "refused"}
					}
					counts.want(t, name, wanted...)
				})
			}
		}
	}
}

func checkPod(t *testing.T, seed uint64, mode api.Mode, strategy api.SearchRewrite, inherited bool) string {
	t.Helper()
	g := newGenerator(seed)
	asked, given := mode, api.Mode("")
	if inherited {
		asked, given = "", mode
	}
	raw := encode(t, g.pod(asked, strategy))
	settings, cluster, workload := g.settings(), g.snapshot(given), g.workload()
	if g.oneIn(4) {
		cluster.policies = policies(t, "p", `{"namespaceSelector":{},"resolver":{"options":[{"name":"ndots","value":"2"},{"name":"rotate"}]}}`)
	}
	decide := func(s *engine.Settings, c *snapshot, raw []byte) *plan.Plan {
		return engine.Decide(engine.Request{Settings: s, Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, raw),
			UID: fmt.Sprint(seed, len(raw)), Workload: workload, Judge: true})
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d: %s\n%s", seed, fmt.Sprintf(format, args...), raw)
	}

	p := decide(settings, cluster, raw)
	if again := decide(settings, cluster, raw); !reflect.DeepEqual(p, again) {
		fail("the same pod gets two plans: %v and %v", p, again)
	}
	fields := fieldsOf(p, decode[api.Pod](t, raw))
	if p.Has(plan.ResolverOption) {
		fields = append(fields, "/spec/dnsConfig/options:end", "/spec/dnsConfig/options:new")
	}
	planned := checkPatch(t, fail, raw, p, fields)
	if !p.Changes() {
		return outcome(p)
	}

	again := func(s *engine.Settings, c *snapshot, raw []byte) {
		second := decide(s, c, raw)
		if onlyEnv(second) { // of the containers that came later
			second = decide(s, c, []byte(patched(t, string(raw), second)))
		}
		checkServed(fail, p, second)
	}
	checkServed(fail, p, decide(settings, cluster, planned))
	again(settings, cluster, reordered(t, g, planned))
	if outcome(p) == "set aside" || p.Has(plan.GoverningServiceUnknown) || p.Has(plan.GoverningServiceAmbiguous) {
		return outcome(p) // the Service may come before the pods of a template
	}
	// Another replica, later: other facts, other Services, other PodSecurity. A template
	// without a governing Service may find one by then, and one that waits a Service that
	// hides it.
	another := g.snapshot(given)
	another.policies = cluster.policies
	others, meddled := g.settings(), reordered(t, g, planned)
	if later := decide(others, another, meddled); !later.Has(plan.WaitNotPublished) {
		again(others, another, meddled)
	}
	if inherited && p.Mode != "" && p.Mode != api.ModeDefault {
		checkSpoilt(t, fail, p, planned, func(raw []byte) *plan.Plan { return decide(settings, cluster, raw) })
	}
	return outcome(p)
}

// onlyEnv says that a plan gives containers their pod's hostname, and nothing else.
func onlyEnv(p *plan.Plan) bool {
	return p.Changes() && !slices.ContainsFunc(p.Mutations, func(m plan.Mutation) bool {
		return !strings.HasSuffix(m.Pointer, "/env") && m.Pointer != statusField
	})
}

// checkSpoilt demands the refusal of a pod that has an inherited mode and was
// then made one that it cannot serve. Without a search rewrite, mode
// statefulset-headless may have left nothing of its own in the pod. Neither headless
// mode serves a pod of another hostname.
func checkSpoilt(t *testing.T, fail func(string, ...any), p *plan.Plan, raw []byte, decide func([]byte) *plan.Plan) {
	t.Helper()
	pod := *decode[members](t, raw)
	spec := *decode[members](t, encode(t, pod["spec"]))
	if pod["spec"] = spec; p.Mode == api.ModeHostNetwork {
		spec["hostUsers"] = false
	} else {
		spec["hostnameOverride"] = "x"
	}
	spoilt := decide(encode(t, pod))
	if outcome(spoilt) == "changed" || outcome(spoilt) != "refused" && p.Strategy != api.SearchNone {
		fail("a spoilt pod is %s: %v", outcome(spoilt), describeAll(spoilt))
	}
}

// reordered is the object after other webhooks had it.
func reordered(t *testing.T, g *generator, raw []byte) []byte {
	t.Helper()
	pod := *decode[members](t, raw)
	g.meddle(pod)
	return encode(t, pod)
}

// checkServed demands the plan of an object that is as its mode promises, or
// was set aside once and stays so.
func checkServed(fail func(string, ...any), first, p *plan.Plan) {
	if len(p.Mutations) > 0 {
		fail("a patched object is changed again: %v", p.Mutations)
	}
	want := outcome(first)
	if want == "changed" {
		want = "kept"
	}
	if outcome(p) != want {
		fail("a patched object is %s: %v", outcome(p), describeAll(p))
	}
}

// checkPatch applies a plan and demands that it touches the fields, and
// nothing else.
func checkPatch(t *testing.T, fail func(string, ...any), raw []byte, p *plan.Plan, fields []string) []byte {
	t.Helper()
	if !p.Changes() {
		if !p.Refused() && len(p.Mutations) > 0 {
			fail("mutations without a change: %v", p.Mutations)
		}
		return raw
	}
	written := map[string]bool{}
	for _, m := range p.Mutations {
		if m.Action == plan.Set && written[m.Pointer] {
			fail("%s is written twice: %v", m.Pointer, p.Mutations)
		}
		written[m.Pointer] = true
	}
	operations, err := patch.Build(raw, p.Mutations)
	if err != nil {
		fail("Build: %v", err)
	}
	patched, err := patch.Apply(raw, operations)
	if err != nil {
		fail("Apply: %v", err)
	}
	before, after := *decode[members](t, raw), *decode[members](t, patched)
	changed := differences("", before, after)
	fields = append(slices.Clone(fields), statusField)
	for _, pointer := range changed {
		if !within(pointer, fields) {
			fail("the plan touches %s, which mode %q with strategy %q does not name: %s", pointer, p.Mode, p.Strategy, patched)
		}
	}
	if !slices.Contains(changed, statusField) {
		fail("the status is not written: %v", changed)
	}
	checkMarkers(fail, raw, patched)
	return patched
}

// checkMarkers looks for the unknown members, by their values, as many times
// as they were there before.
func checkMarkers(fail func(string, ...any), raw, patched []byte) {
	for i := 1; ; i++ {
		marker := fmt.Appendf(nil, "%q", fmt.Sprintf("unknown-%d", i))
		had := bytes.Count(raw, marker)
		if had == 0 && !bytes.Contains(raw, fmt.Appendf(nil, "%q", fmt.Sprintf("unknown-%d", i+1))) {
			return
		}
		if has := bytes.Count(patched, marker); has != had {
			fail("unknown member %s: there %d times, and then %d", marker, had, has)
		}
	}
}

// TestServiceProperties makes Services for every mode.
func TestServiceProperties(t *testing.T) {
	for _, mode := range append([]api.Mode{""}, api.Modes()...) {
		t.Run("mode="+string(mode), func(t *testing.T) {
			t.Parallel()
			counts := tally{}
			for seed := range uint64(2 * rounds) {
				counts[checkService(t, seed, mode)]++
			}
			if mode.Headless() {
				counts.want(t, string(mode), "kept", "changed", "refused")
			}
		})
	}
}

func checkService(t *testing.T, seed uint64, mode api.Mode) string {
	t.Helper()
	g := newGenerator(seed)
	raw := encode(t, g.service(mode))
	settings := g.settings()
	decide := func(raw []byte) *plan.Plan {
		return engine.Decide(engine.Request{Settings: settings, Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: decode[api.Service](t, raw), Judge: true})
	}
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d: %s\n%s", seed, fmt.Sprintf(format, args...), raw)
	}
	p := decide(raw)
	if again := decide(raw); !reflect.DeepEqual(p, again) {
		fail("the same Service gets two plans: %v and %v", p, again)
	}
	patched := checkPatch(t, fail, raw, p, serviceFields[p.Mode])
	if p.Changes() {
		checkServed(fail, p, decide(patched))
	}
	return outcome(p)
}

// TestDecisionsShareNothing decides about the same objects from many goroutines
// with one Settings: every plan is the same, and neither the Settings nor the
// views change.
func TestDecisionsShareNothing(t *testing.T) {
	g := newGenerator(1)
	settings, want := g.settings(), newGenerator(1).settings()
	cluster := g.snapshot("")
	var pods []*api.Pod
	var raws [][]byte
	var plans []*plan.Plan
	for seed := range uint64(60) {
		g := newGenerator(seed)
		raw := encode(t, g.pod(api.ModeStatefulSetHeadless, pick(g, api.SearchRewrites()...)))
		pod := decode[api.Pod](t, raw)
		pods, raws = append(pods, pod), append(raws, raw)
		plans = append(plans, engine.Decide(engine.Request{Settings: settings, Snapshot: cluster, Namespace: namespace, Object: pod, Judge: true}))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i, pod := range pods {
				if p := engine.Decide(engine.Request{Settings: settings, Snapshot: cluster, Namespace: namespace, Object: pod, Judge: true}); !reflect.DeepEqual(p, plans[i]) {
					t.Errorf("seed %d: another plan", i)
				}
			}
		})
	}
	group.Wait()
	for i, pod := range pods {
		if diff := cmp.Diff(decode[api.Pod](t, raws[i]), pod); diff != "" {
			t.Errorf("seed %d: the decision changed its input:\n%s", i, diff)
		}
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("the decisions changed the settings:\n%s", diff)
	}
}

// TestEveryModeHasAllowedFields: a new mode or strategy must say what it touches.
func TestEveryModeHasAllowedFields(t *testing.T) {
	for _, m := range api.Modes() {
		if podFields[m] == nil || serviceFields[m] == nil {
			t.Errorf("mode %s: write out the fields that it touches", m)
		}
	}
	for _, s := range api.SearchRewrites() {
		if s != api.SearchAuto && strategyFields[s] == nil {
			t.Errorf("strategy %s: write out the fields that it touches", s)
		}
	}
	for m, fields := range podFields {
		if !m.Valid() || slices.ContainsFunc(fields, func(f string) bool { return !strings.HasPrefix(f, "/spec/") && f != "/metadata/name" }) {
			t.Errorf("mode %s: %v", m, fields)
		}
	}
}
