package engine_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// waitingFor decides about a workload, named db, whose pods wait.
func waitingFor(t *testing.T, apiVersion, kind, wait, spec string, cluster engine.Snapshot) *plan.Plan {
	t.Helper()
	c := parsed(t, apiVersion, kind, "statefulset-headless", `"name":"db"`, spec)
	c.Metadata.Annotations[api.AnnotationWait] = wait
	return decideWaiting(c, cluster)
}

func decideWaiting(c *engine.WorkloadCase, cluster engine.Snapshot) *plan.Plan {
	with := settings()
	with.Search = resolv.Settings{Facts: resolv.Facts{Domain: "k8s.example"}, InitContainer: resolv.InitContainer{Image: "netmode:1"}}
	return engine.Decide(engine.Request{Settings: with, Snapshot: cluster, Namespace: namespace, Object: c})
}

// What is said of a wait at the workload is gone once its cure is followed.
func TestWaitCures(t *testing.T) {
	const (
		pod     = `"template":{"spec":{"containers":[{"name":"c"}]}}}`
		never   = `"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c"}]}}}`
		indexed = `{"completionMode":"Indexed","completions":4,`
		wait1   = `{"name":"netmode-wait","command":["/netmode","wait","--timeout","5m","--addresses","1","peers.storm.svc.k8s.example"]}`
		meshed  = `"template":{"spec":{"initContainers":[{"name":"istio-init","args":["--redirect-dns"]},` + wait1 + `]}}}`
		native  = `"template":{"spec":{"initContainers":[{"name":"istio-proxy","args":["--redirect-dns"],"restartPolicy":"Always"},` + wait1 + `]}}}`
		plain   = `"template":{"spec":{"initContainers":[{"name":"istio-init"},` + wait1 + `]}}}`
	)
	type workloadOf struct{ kind, wait, spec string }
	set := func(wait, spec string) workloadOf { return workloadOf{"StatefulSet", wait, spec} }
	job := func(wait, spec string) workloadOf { return workloadOf{"Job", wait, spec} }
	for _, tt := range []struct {
		reason  plan.Reason
		verdict plan.Verdict
		before  workloadOf
		after   []workloadOf
	}{
		{plan.WaitAllUnknown, plan.Refused, set("all", `{`+pod), []workloadOf{set("1", `{`+pod), set("db-0", `{`+pod), job("all", indexed+`"parallelism":4,`+pod)}},
		{plan.WaitParallelism, plan.Refused, job("all", indexed+`"parallelism":2,`+pod), []workloadOf{job("all", indexed+`"parallelism":4,`+pod), job("2", indexed+`"parallelism":2,`+pod)}},
		{plan.WaitInOrder, plan.Refused, set("3", `{"replicas":3,`+pod), []workloadOf{set("3", `{"replicas":3,"podManagementPolicy":"Parallel",`+pod), set("db-0", `{"replicas":3,`+pod)}},
		{plan.WaitForMore, plan.Warned, set("4", `{"replicas":3,"podManagementPolicy":"Parallel",`+pod), []workloadOf{set("3", `{"replicas":3,"podManagementPolicy":"Parallel",`+pod)}},
		{plan.WaitMeshDNS, plan.Refused, set("1", `{`+meshed), []workloadOf{set("1", `{`+native), set("1", `{`+plain)}},
		{plan.WaitCostsRetries, plan.Warned, job("2", `{"parallelism":2,`+never), nil}, // its cure is a number, and the warning stays
	} {
		p := waitingFor(t, versionOf(tt.before.kind), tt.before.kind, tt.before.wait, tt.before.spec, engine.EmptySnapshot{})
		if !hasReason(p, tt.verdict, tt.reason) {
			t.Errorf("%v: no %s: %q", tt.before, tt.reason, describeAll(p))
		}
		for _, w := range tt.after {
			if p := waitingFor(t, versionOf(w.kind), w.kind, w.wait, w.spec, engine.EmptySnapshot{}); p.Refused() || p.Has(tt.reason) {
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

// The Service is to show pods that are not ready.
func TestWaitNotPublished(t *testing.T) {
	services := func(publishes bool) engine.Snapshot {
		service := api.Service{Metadata: api.ObjectMeta{Name: "peers"}, Spec: api.ServiceSpec{ClusterIP: api.ClusterIPNone, PublishNotReadyAddresses: publishes}}
		return &snapshot{known: true, services: []api.Service{service}}
	}
	const spec = `{"template":{"spec":{"containers":[{"name":"c"}]}}}`
	if p := waitingFor(t, "apps/v1", "Deployment", "self", spec, services(false)); !hasReason(p, plan.Refused, plan.WaitNotPublished) {
		t.Errorf("hidden: %q", describeAll(p))
	}
	if p := waitingFor(t, "apps/v1", "Deployment", "self", spec, services(true)); p.Refused() {
		t.Errorf("shown: %q", describeAll(p))
	}
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
