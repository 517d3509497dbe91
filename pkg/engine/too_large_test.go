package engine_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

func asked(mode string) api.ObjectMeta {
	return api.ObjectMeta{Name: "p", Annotations: map[string]string{api.AnnotationMode: mode}}
}

func TestPodTooLarge(t *testing.T) {
	port := func(n int) []api.ContainerPort { return make([]api.ContainerPort, n) }
	for _, tt := range []struct {
		name, want string
		fill       func(s *api.PodSpec, more int)
	}{
		{"containers", `spec.containers: Invalid value: "more than 100 containers"`, func(s *api.PodSpec, more int) { s.Containers = make([]api.Container, 100+more) }},
		{"init containers", `spec.initContainers: Invalid value: "more than 100 init containers"`, func(s *api.PodSpec, more int) { s.InitContainers = make([]api.Container, 100+more) }},
		{"ports", `spec.containers[*].ports: Invalid value: "more than 1000 ports in all"`, func(s *api.PodSpec, more int) {
			s.Containers, s.InitContainers = []api.Container{{Ports: port(400)}, {Ports: port(400)}}, []api.Container{{Ports: port(200 + more)}}
		}},
		{"searches", `spec.dnsConfig.searches: Invalid value: "more than 32 search domains"`, func(s *api.PodSpec, more int) {
			s.DNSConfig = &api.PodDNSConfig{Searches: make([]string, 32+more)}
		}},
		{"a hook's word", `spec.containers[1].lifecycle.postStart.exec.command[*]: Invalid value: "more than 131072 bytes"`, func(s *api.PodSpec, more int) {
			s.Containers = []api.Container{{}, {Lifecycle: &api.Lifecycle{PostStart: &api.LifecycleHandler{Exec: &api.ExecAction{Command: []string{strings.Repeat("x", api.MaxText+more)}}}}}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for more := range 2 {
				pod := &api.Pod{Metadata: asked("hostnetwork")}
				tt.fill(&pod.Spec, more)
				p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: pod})
				if p.Has(plan.PodTooLarge) != (more > 0) {
					t.Fatalf("%d more: %v", more, p.Reasons())
				}
				if want := tt.want + ": netmode looks at no more: make it smaller (PodTooLarge)"; more > 0 && p.Denial() != want {
					t.Errorf("got  %s\nwant %s", p.Denial(), want)
				}
			}
		})
	}
}

// asked: refused; inherited: set aside; default, and nothing asked: left alone.
func TestPodTooLargeByTheSourceOfItsMode(t *testing.T) {
	for _, tt := range []struct {
		annotations map[string]string
		label       string
		refused     bool
		reason      plan.Reason
	}{
		{map[string]string{api.AnnotationMode: "headless"}, "", true, plan.PodTooLarge},
		{map[string]string{api.AnnotationMode: "headless"}, "hostnetwork", true, plan.PodTooLarge},
		{nil, "hostnetwork", false, plan.NotApplicable},
		{map[string]string{api.AnnotationMode: "default"}, "hostnetwork", false, plan.ModeDefault},
		{nil, "", false, plan.NothingAsked},
	} {
		cluster := namespaced{labels: map[string]string{}}
		if tt.label != "" {
			cluster.labels[api.LabelMode] = tt.label
		}
		pod := &api.Pod{Metadata: api.ObjectMeta{Name: "p", Annotations: tt.annotations}, Spec: api.PodSpec{Containers: make([]api.Container, 101)}}
		p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: cluster, Namespace: "a", Object: pod})
		if p.Refused() != tt.refused || !p.Has(tt.reason) || p.Changes() && tt.reason != plan.ModeDefault {
			t.Errorf("%v, label %q: refused %v, %v", tt.annotations, tt.label, p.Refused(), p.Reasons())
		}
	}
}

type namespaced struct {
	engine.EmptySnapshot
	labels map[string]string
}

func (n namespaced) Namespace(string) (api.Namespace, bool) {
	return api.Namespace{Labels: n.labels}, true
}

// A workload's author hears of it.
func TestWorkloadTooLarge(t *testing.T) {
	c := &engine.WorkloadCase{
		Metadata: &api.ObjectMeta{Name: "web", Annotations: map[string]string{api.AnnotationMode: "hostnetwork"}},
		Workload: &workload.Workload{Kind: "Deployment", Name: "web", Template: "spec.template"},
		Pod:      &api.Pod{Spec: api.PodSpec{Containers: make([]api.Container, 101)}},
	}
	p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: c})
	if want := `spec.template.spec.containers: Invalid value: "more than 100 containers"`; !p.Refused() || !strings.HasPrefix(p.Denial(), want) {
		t.Errorf("got %q, want it to begin %q", p.Denial(), want)
	}
}

func TestServiceTooLarge(t *testing.T) {
	service := &api.Service{Metadata: asked("headless"), Spec: api.ServiceSpec{Ports: make([]api.ServicePort, 1001)}}
	want := `spec.ports: Invalid value: "more than 1000 ports": netmode looks at no more: make it smaller (ServiceTooLarge)`
	p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: service})
	if p.Denial() != want || len(p.Mutations) > 0 {
		t.Errorf("got  %s\nwant %s", p.Denial(), want)
	}
	service.Metadata = asked("default")
	if p = engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: service}); p.Refused() {
		t.Errorf("in mode default: %s", p.Denial())
	}
}

// Every list and every map of the views is bounded, whatever it holds.
func TestEveryListIsBounded(t *testing.T) {
	// Only their first few words, capabilities, expressions and values are read, of each argument the beginning, and
	// of the environment one variable.
	unbounded := []string{"Spec.InitContainers[0].Env", "Spec.Containers[0].Env", "Spec.InitContainers[0].Command", "Spec.Containers[0].Command", "Spec.InitContainers[0].Args", "Spec.Containers[0].Args",
		"Spec.InitContainers[0].SecurityContext.Capabilities.Add", "Spec.Containers[0].SecurityContext.Capabilities.Add",
		"Spec.InitContainers[0].Lifecycle.PostStart.Exec.Command", "Metadata.Annotations",
		"Spec.Affinity.NodeAffinity.Required.Terms[0].Expressions", "Spec.Affinity.NodeAffinity.Required.Terms[0].Expressions[0].Values",
		"Spec.Affinity.NodeAffinity.Required.Terms[0].Fields", "Spec.Affinity.NodeAffinity.Required.Terms[0].Fields[0].Values"}
	pods, services := 0, 0
	each(reflect.TypeFor[api.Pod](), "", func(path string, fill func(reflect.Value)) {
		pod := &api.Pod{}
		fill(reflect.ValueOf(pod).Elem())
		pod.Metadata.Annotations = asked("hostnetwork").Annotations
		p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: pod})
		if !strings.Contains(strings.Join(unbounded, " "), path) && !p.Has(plan.PodTooLarge) {
			t.Errorf("a Pod with much in %s is not too large", path)
		}
		pods++
	})
	each(reflect.TypeFor[api.Service](), "", func(path string, fill func(reflect.Value)) {
		service := &api.Service{}
		fill(reflect.ValueOf(service).Elem())
		service.Metadata.Annotations = asked("headless").Annotations
		p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: service})
		if !strings.Contains(strings.Join(unbounded, " "), path) && !p.Has(plan.ServiceTooLarge) {
			t.Errorf("a Service with much in %s is not too large", path)
		}
		services++
	})
	if pods < 15 || services < 6 {
		t.Errorf("only %d lists of a Pod and %d of a Service were found", pods, services)
	}
	meta := asked("hostnetwork")
	for i := range api.MaxItems {
		meta.Annotations[fmt.Sprintf("%sx%d", api.Prefix, i)] = ""
	}
	if p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: &api.Pod{Metadata: meta}}); !p.Has(plan.PodTooLarge) {
		t.Error("a Pod with 1,001 annotations of netmode is not too large")
	}
}

// each visits the lists and maps of a type, with what fills that one.
func each(t reflect.Type, path string, visit func(path string, fill func(reflect.Value))) {
	const many = 1001
	switch t.Kind() {
	case reflect.Pointer:
		each(t.Elem(), path, func(path string, fill func(reflect.Value)) {
			visit(path, func(v reflect.Value) {
				v.Set(reflect.New(t.Elem()))
				fill(v.Elem())
			})
		})
	case reflect.Struct:
		for i := range t.NumField() {
			name := strings.TrimPrefix(path+"."+t.Field(i).Name, ".")
			each(t.Field(i).Type, name, func(path string, fill func(reflect.Value)) {
				visit(path, func(v reflect.Value) { fill(v.Field(i)) })
			})
		}
	case reflect.Slice:
		visit(path, func(v reflect.Value) { v.Set(reflect.MakeSlice(t, many, many)) })
		each(t.Elem(), path+"[0]", func(path string, fill func(reflect.Value)) {
			visit(path, func(v reflect.Value) {
				v.Set(reflect.MakeSlice(t, 1, 1))
				fill(v.Index(0))
			})
		})
	case reflect.Map:
		visit(path, func(v reflect.Value) {
			v.Set(reflect.MakeMap(t))
			for i := range many {
				v.SetMapIndex(reflect.ValueOf(fmt.Sprint(i)), reflect.Zero(t.Elem()))
			}
		})
	}
}
