package engine_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

func waitingFor(t *testing.T, w waitingWorkload, cluster engine.Snapshot) *plan.Plan {
	t.Helper()
	c := parsed(t, versionOf(w.kind), w.kind, "statefulset-headless", `"name":"db"`, w.spec)
	c.Metadata.Annotations[api.AnnotationWait] = w.wait
	return decideWaiting(c, cluster)
}

func decideWaiting(c *engine.WorkloadCase, cluster engine.Snapshot) *plan.Plan {
	with := settings()
	with.Search = resolv.Settings{Facts: resolv.Facts{Domain: "k8s.example"}, InitContainer: resolv.InitContainer{Image: "netmode:1"}}
	return engine.Decide(engine.Request{Settings: with, Snapshot: cluster, Namespace: namespace, Object: c})
}

// waitingWorkload is one, named db, whose pods wait.
type waitingWorkload struct{ kind, wait, spec string }

// waitRemedy is what is said of a wait at the workload, and workloads that follow its cure.
type waitRemedy struct {
	reason  plan.Reason
	verdict plan.Verdict
	before  waitingWorkload
	after   []waitingWorkload
	// hidden says that the Service hides pods that are not ready, before.
	hidden bool
}

func waitRemedies() []waitRemedy {
	const (
		pod     = `"template":{"spec":{"containers":[{"name":"c"}]}}}`
		indexed = `{"completionMode":"Indexed","completions":4,`
		wait1   = `{"name":"netmode-wait","command":["/netmode","wait","--timeout","5m","--addresses","1","peers.storm.svc.k8s.example"]}`
		meshed  = `"template":{"spec":{"initContainers":[{"name":"istio-init","args":["--redirect-dns"]},` + wait1 + `]}}}`
		native  = `"template":{"spec":{"initContainers":[{"name":"istio-proxy","args":["--redirect-dns"],"restartPolicy":"Always"},` + wait1 + `]}}}`
		plain   = `"template":{"spec":{"initContainers":[{"name":"istio-init"},` + wait1 + `]}}}`
	)
	set := func(wait, spec string) waitingWorkload { return waitingWorkload{"StatefulSet", wait, spec} }
	job := func(wait, spec string) waitingWorkload { return waitingWorkload{"Job", wait, spec} }
	parallel := `{"replicas":3,"podManagementPolicy":"Parallel",` + pod
	return []waitRemedy{
		{plan.WaitAllUnknown, plan.Refused, set("all", `{`+pod), []waitingWorkload{set("1", `{`+pod), set("db-0", `{`+pod), job("all", indexed+`"parallelism":4,`+pod)}, false},
		{plan.WaitParallelism, plan.Refused, job("all", indexed+`"parallelism":2,`+pod), []waitingWorkload{job("all", indexed+`"parallelism":4,`+pod), job("2", indexed+`"parallelism":2,`+pod)}, false},
		{plan.WaitInOrder, plan.Refused, set("3", `{"replicas":3,`+pod), []waitingWorkload{set("3", parallel), set("db-0", `{"replicas":3,`+pod)}, false},
		{plan.WaitNotPublished, plan.Refused, set("3", parallel), []waitingWorkload{set("3", parallel)}, true},
		{plan.WaitForMore, plan.Warned, set("4", parallel), []waitingWorkload{set("3", parallel)}, false},
		{plan.WaitMeshDNS, plan.Refused, set("1", `{`+meshed), []waitingWorkload{set("1", `{`+native), set("1", `{`+plain)}, false},
	}
}

// What is said of a wait at the workload is gone once its cure is followed.
func TestWaitCures(t *testing.T) {
	services := func(publishes bool) engine.Snapshot {
		spec := api.ServiceSpec{ClusterIP: api.ClusterIPNone, PublishNotReadyAddresses: publishes, Selector: map[string]string{"a": "b"}}
		return &snapshot{known: true, services: []api.Service{{Metadata: api.ObjectMeta{Name: "peers"}, Spec: spec}}}
	}
	for _, tt := range waitRemedies() {
		if p := waitingFor(t, tt.before, services(!tt.hidden)); !hasReason(p, tt.verdict, tt.reason) {
			t.Errorf("%v: no %s: %q", tt.before, tt.reason, describeAll(p))
		}
		for _, w := range tt.after {
			if p := waitingFor(t, w, services(true)); p.Refused() || p.Has(tt.reason) {
				t.Errorf("%s cured by %v: %q", tt.reason, w, describeAll(p))
			}
		}
	}
}

func versionOf(kind string) string {
	if kind == "Job" || kind == "CronJob" {
		return "batch/v1"
	}
	return "apps/v1"
}

// all becomes a number where a Job is created, wherever its author wrote it, and stays
// one when it is seen again.
func TestWaitAllIsCounted(t *testing.T) {
	const (
		pointer = "/spec/template/metadata/annotations/netmode.io~1wait"
	)
	four := plan.Mutation{Pointer: pointer, Value: "4"}
	create := func(own, template string) *engine.WorkloadCase {
		c := parsed(t, "batch/v1", "Job", "statefulset-headless", `"name":"db"`, `{"completionMode":"Indexed","completions":4,"parallelism":4,"template":{"spec":{"containers":[{"name":"c"}]}}}`)
		if own != "" {
			c.Metadata.Annotations[api.AnnotationWait] = own
		}
		if template != "" {
			c.Pod.Metadata.Annotations = map[string]string{api.AnnotationWait: template}
		}
		return c
	}
	for name, c := range map[string]*engine.WorkloadCase{"the Job's": create("all", ""), "the template's": create("", "all"), "both": create("all", "all")} {
		p := decideWaiting(c, engine.EmptySnapshot{})
		wait := slices.DeleteFunc(slices.Clone(p.Mutations), func(m plan.Mutation) bool { return m.Pointer != pointer })
		if p.Refused() || !slices.Equal(wait, []plan.Mutation{four}) || p.FirstPod.Metadata.Annotations[api.AnnotationWait] != "4" {
			t.Errorf("%s: %v %q", name, wait, describeAll(p))
		}
		again := create(c.Metadata.Annotations[api.AnnotationWait], "")
		again.Pod.Metadata.Annotations = p.FirstPod.Metadata.Annotations
		if p := decideWaiting(again, engine.EmptySnapshot{}); slices.ContainsFunc(p.Mutations, func(m plan.Mutation) bool { return m.Pointer == pointer }) {
			t.Errorf("%s, seen again: %v", name, p.Mutations)
		}
	}
	cron := parsed(t, "batch/v1", "CronJob", "statefulset-headless", `"name":"db"`,
		`{"jobTemplate":{"spec":{"completionMode":"Indexed","completions":4,"parallelism":4,"template":{"spec":{"containers":[{"name":"c"}]}}}}}`)
	cron.Metadata.Annotations[api.AnnotationWait] = "all"
	if p := decideWaiting(cron, engine.EmptySnapshot{}); p.Refused() || p.Has(plan.WaitAdded) || p.FirstPod.Metadata.Annotations[api.AnnotationWait] != "all" {
		t.Errorf("a CronJob leaves it to its Jobs: %q", describeAll(p))
	}
}

// A pod that waits for itself gets a command of its own, and its status, where the
// template brought it, stays: render writes the template's, without that command.
func TestStatusOfWhoWaitsForItself(t *testing.T) {
	with := settings()
	with.Search.InitContainer.Image = "netmode:1"
	decide := func(status ...string) []plan.Mutation {
		annotations := append([]string{api.AnnotationMode, "statefulset-headless", api.AnnotationSearchRewrite, "none", api.AnnotationWait, "self"}, status...)
		pod := decode[api.Pod](t, []byte(annotated(`{"hostname":"nimbus-0","subdomain":"peers"}`, annotations...)))
		return engine.Decide(engine.Request{Settings: with, Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: pod}).Mutations
	}
	first := decide()
	if len(first) != 2 || !first[0].OfOnePod || first[1].OfOnePod {
		t.Fatalf("want the init container and the status: %v", first)
	}
	status, _ := first[1].Value.(string)
	if second := decide(api.AnnotationStatus, status); len(second) != 1 || !second[0].OfOnePod {
		t.Errorf("want the init container alone: %v", second)
	}
	if other := decide(api.AnnotationStatus, "{}"); len(other) != 2 {
		t.Errorf("the status of another stays: %v", other)
	}
}
