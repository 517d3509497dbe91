package engine_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Which decisions are worth a look at the Services as they are now. What is left
// alone for another reason as well stays so, and nobody reads of its Services; a
// refusal tells of them, and must not tell what is over.
func TestDependsOnServices(t *testing.T) {
	service := func(name string) api.Service {
		s := decode[api.Service](t, []byte(`{"metadata":{"name":"`+name+`"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"}}}`))
		return *s
	}
	const (
		peers   = "statefulset-headless"
		named   = `"name":"web-0","labels":{"app":"nimbus"}`
		nobody  = `"name":"web.0","labels":{"app":"nimbus"}`
		onNode  = `{"hostNetwork":true}`
		asks    = `,"annotations":{"netmode.io/mode":"statefulset-headless"}`
		asksFor = `,"annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":"peers"}`
	)
	for _, tt := range []struct {
		name, label, metadata, spec string
		services                    []api.Service
		workload                    *workload.Workload
		want                        bool
	}{
		{"nothing asked", "", named, `{}`, nil, nil, false},
		{"asked, and none", "", named + asks, `{}`, nil, nil, true},
		{"asked, and two", "", named + asks, `{}`, []api.Service{service("a"), service("b")}, nil, true},
		{"asked, and one", "", named + asks, `{}`, []api.Service{service("a")}, nil, false},
		{"asked and named, and none", "", named + asksFor, `{}`, nil, nil, false},
		{"asked, none, and no hostname", "", nobody + asks, `{}`, nil, nil, true},
		{"asked at a template, and none", "", named + asks, `{}`, nil, &workload.Workload{Kind: "StatefulSet", Template: "spec.template"}, true},

		{"inherited, and none", peers, named, `{}`, nil, nil, true},
		{"inherited, and two", peers, named, `{}`, []api.Service{service("a"), service("b")}, nil, true},
		{"inherited, and one", peers, named, `{}`, []api.Service{service("a")}, nil, false},
		{"inherited, one, and no hostname", peers, nobody, `{}`, []api.Service{service("a")}, nil, false},
		{"inherited, none, and no hostname", peers, nobody, `{}`, nil, nil, false},
		{"inherited, two, and no hostname", peers, nobody, `{}`, []api.Service{service("a"), service("b")}, nil, false},
		{"inherited, none, and the host network", peers, named, onNode, nil, nil, true},
		{"inherited, none, and another hostname", peers, named, `{"hostnameOverride":"x"}`, nil, nil, false},
		{"inherited headless, and none", "headless", nobody, `{}`, nil, nil, true},
		{"inherited headless, none, and the host network", "headless", nobody, onNode, nil, nil, false},
		{"inherited at a template, none, and no hostname", peers, nobody, `{}`, nil, &workload.Workload{Kind: "Deployment", Template: "spec.template"}, false},
		{"inherited at a template, and none", peers, named, `{}`, nil, &workload.Workload{Kind: "StatefulSet", Template: "spec.template"}, true},
		{"inherited, and nothing about Services", "hostnetwork", named, `{"hostUsers":false}`, nil, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &snapshot{services: tt.services, known: true}
			if tt.label != "" {
				c.labels = map[string]string{api.LabelMode: tt.label}
			}
			pod := decode[api.Pod](t, []byte(`{"metadata":{`+tt.metadata+`},"spec":`+tt.spec+`}`))
			plans := map[string]*plan.Plan{"offline": engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: pod, Workload: tt.workload, Judge: true})}
			if tt.workload == nil {
				plans["mutating"] = engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: pod})
			}
			if tt.workload != nil {
				w := &engine.WorkloadCase{Metadata: &api.ObjectMeta{Name: "web"}, Workload: tt.workload, Pod: pod}
				plans["workload"] = decideWorkload(w, c)
			}
			for phase, p := range plans {
				if got := engine.DependsOnServices(p); got != tt.want {
					t.Errorf("%s: %v, want %v: %q", phase, got, tt.want, describeAll(p))
				}
			}
		})
	}
}
