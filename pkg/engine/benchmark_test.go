package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// BenchmarkPod measures a decision and its patch, without decoding, for a
// StatefulSet's pod as an API server sends it.
func BenchmarkPod(b *testing.B) {
	raw, settings, cluster := benchmarkObject(b, "pod.json"), benchmarkSettings(), benchmarkCluster()
	for _, m := range api.Modes() {
		b.Run(string(m), func(b *testing.B) {
			pod := decode[api.Pod](b, raw)
			pod.Metadata.Annotations = map[string]string{api.AnnotationMode: string(m)}
			if m == api.ModeHeadless { // a pod that it serves
				pod.Metadata.OwnerReferences, pod.Spec.Hostname = nil, ""
			}
			b.ReportAllocs()
			for b.Loop() {
				build(b, raw, engine.Decide(engine.Request{Settings: settings, Snapshot: cluster, Namespace: "default", Object: pod, Judge: true}), true)
			}
		})
	}
}

// BenchmarkService measures the same for a Service.
func BenchmarkService(b *testing.B) {
	raw, settings := benchmarkObject(b, "service.json"), benchmarkSettings()
	for _, m := range api.Modes() {
		b.Run(string(m), func(b *testing.B) {
			service := decode[api.Service](b, raw)
			service.Metadata.Annotations = map[string]string{api.AnnotationMode: string(m)}
			b.ReportAllocs()
			for b.Loop() {
				build(b, raw, engine.Decide(engine.Request{Settings: settings, Snapshot: engine.EmptySnapshot{}, Namespace: "default", Object: service, Judge: true}), m.Headless())
			}
		})
	}
}

func build(b *testing.B, raw []byte, p *plan.Plan, changes bool) {
	b.Helper()
	if p.Changes() != changes {
		b.Fatalf("changes the object: %v, want %v: %s", p.Changes(), changes, p.Denial())
	}
	operations, err := patch.Build(raw, p.Mutations)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := patch.Encode(operations); err != nil {
		b.Fatal(err)
	}
}

func benchmarkObject(b *testing.B, name string) []byte {
	b.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", filepath.Clean(name)))
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func benchmarkSettings() *engine.Settings {
	s := settings()
	s.Search.Facts = resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"dc.example"}}
	return s
}

func benchmarkCluster() *snapshot {
	peers := api.Service{Metadata: api.ObjectMeta{Name: "peers"}}
	peers.Spec.ClusterIP, peers.Spec.Selector = api.ClusterIPNone, map[string]string{"app": "w"}
	return &snapshot{known: true, services: []api.Service{peers}, labels: map[string]string{}}
}
