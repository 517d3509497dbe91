package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// parsed is a workload that asks for a mode, as it is created.
func parsed(t *testing.T, apiVersion, kind, mode, metadata, spec string) *engine.WorkloadCase {
	t.Helper()
	raw := `{"metadata":{` + metadata + `,"annotations":{"netmode.io/mode":"` + mode + `","netmode.io/service":"peers"}},"spec":` + spec + `}`
	w, err := workload.Parse(apiVersion, kind, []byte(raw), namespace)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := w.FirstPod()
	if err != nil {
		t.Fatal(err)
	}
	return &engine.WorkloadCase{Metadata: &w.Metadata, Workload: &w.Workload, Pod: pod}
}

// A name that some pod cannot be made with is told of where it was written.
func TestNamesOfAllPods(t *testing.T) {
	const (
		template = `"template":{"metadata":{},"spec":{"subdomain":"peers","containers":[{"name":"c","ports":[{"containerPort":80}]}]}}`
		tooLong  = "cannot be one: must be no more than 63 characters"
	)
	set := func(more string) string { return `{"serviceName":"peers",` + more + template + `}` }
	job := func(more string) string { return `{"completionMode":"Indexed",` + more + template + `}` }
	cron := func(more string) string { return `{"jobTemplate":{"spec":` + job(more) + `}}` }
	name := func(n int) string { return strings.Repeat("n", n) }
	for _, tt := range []struct {
		what, apiVersion, kind, name, spec string
		refused, warned                    bool
	}{
		{"12 replicas", "apps/v1", "StatefulSet", name(61), set(`"replicas":12,`), true, false},
		{"10 replicas", "apps/v1", "StatefulSet", name(61), set(`"replicas":10,`), false, true},
		{"ordinals from 10", "apps/v1", "StatefulSet", name(61), set(`"ordinals":{"start":10},`), true, false},
		{"a dot", "apps/v1", "StatefulSet", "db.v1", set(""), true, false},
		{"no room for the revision", "apps/v1", "StatefulSet", name(53), set(""), false, true},
		{"room for the revision", "apps/v1", "StatefulSet", name(52), set(`"replicas":100,`), false, false},
		{"11 completions", "batch/v1", "Job", name(61), job(`"completions":11,"parallelism":1,`), true, false},
		{"10 completions", "batch/v1", "Job", name(61), job(`"completions":10,"parallelism":1,`), false, false},
		{"11 completions each night", "batch/v1", "CronJob", name(52), cron(`"completions":11,`), true, false},
		{"10 completions each night", "batch/v1", "CronJob", name(52), cron(`"completions":10,`), false, false},
	} {
		for _, mode := range []string{"statefulset-headless", "hostnetwork"} {
			t.Run(mode+", "+tt.what, func(t *testing.T) {
				c := parsed(t, tt.apiVersion, tt.kind, mode, `"name":"`+tt.name+`"`, tt.spec)
				if mode == "hostnetwork" {
					delete(c.Metadata.Annotations, "netmode.io/service")
				}
				p := decideWorkload(c, engine.EmptySnapshot{})
				if p.Refused() != tt.refused || hasReason(p, plan.Warned, plan.StatefulSetNameLong) != tt.warned {
					t.Fatalf("%q", describeAll(p))
				}
				for _, f := range slices.Concat(p.Findings(plan.Refused), p.Findings(plan.Warned)) {
					if (f.Reason == plan.HostnameInvalid || f.Reason == plan.StatefulSetNameLong) && f.Field != "metadata.name" {
						t.Errorf("told at %s", f.Field)
					}
				}
				if tt.refused && tt.what != "a dot" && !strings.Contains(p.Denial(), tooLong) {
					t.Errorf("%s", p.Denial())
				}
				if tt.warned || tt.refused { // the cure is a shorter or simpler name
					c = parsed(t, tt.apiVersion, tt.kind, mode, `"name":"db"`, tt.spec)
					if mode == "hostnetwork" {
						delete(c.Metadata.Annotations, "netmode.io/service")
					}
					if p := decideWorkload(c, engine.EmptySnapshot{}); p.Refused() || hasReason(p, plan.Warned, plan.StatefulSetNameLong) {
						t.Errorf("the cure is followed: %q", describeAll(p))
					}
				}
			})
		}
	}
}

// No mode makes up for a name that some pods cannot be made with: an inherited one
// serves the others, and the author is told.
func TestNamesOfAllPodsInherited(t *testing.T) {
	const template = `"template":{"metadata":{},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}}}`
	for _, tt := range []struct {
		mode, name, more   string
		warned, applicable bool
	}{
		{"hostnetwork", "db.v1", "", true, true},
		{"statefulset-headless", strings.Repeat("n", 61), `"replicas":12,`, true, true},
		{"statefulset-headless", "db.v1", "", true, false}, // its first pod is none that the mode can serve
		{"statefulset-headless", "db", `"replicas":12,`, false, true},
	} {
		t.Run(tt.mode+" "+tt.name, func(t *testing.T) {
			c := parsed(t, "apps/v1", "StatefulSet", "", `"name":"`+tt.name+`"`, `{"serviceName":"peers",`+tt.more+template)
			delete(c.Metadata.Annotations, "netmode.io/mode")
			if tt.mode == "hostnetwork" {
				delete(c.Metadata.Annotations, "netmode.io/service") // with names it would not do
			}
			around := &snapshot{labels: map[string]string{"netmode.io/mode": tt.mode}}
			p := decideWorkload(c, around)
			if p.Refused() || hasReason(p, plan.Kept, plan.NotApplicable) == tt.applicable || hasReason(p, plan.Warned, plan.HostnameInvalid) != (tt.warned && tt.applicable) {
				t.Errorf("%q", describeAll(p))
			}
			// The pods are decided alike.
			pod := engine.Decide(engine.Request{Settings: settings(), Snapshot: around, Namespace: namespace, Object: p.FirstPod})
			if hasReason(pod, plan.Kept, plan.NotApplicable) == tt.applicable {
				t.Errorf("the first pod: %q", describeAll(pod))
			}
			for _, f := range p.Findings(plan.Warned) {
				if f.Reason == plan.HostnameInvalid && !strings.HasSuffix(p.Message(&f), ": choose a shorter or simpler name (HostnameInvalid)") {
					t.Errorf("%s", p.Message(&f))
				}
			}
		})
	}
}
