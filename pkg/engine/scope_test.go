package engine_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

const badIgnore = "warned IgnoreLabelValue metadata.labels[netmode.io/ignore]: "

// TestScope lists what is never touched. Every object asks for a mode with a
// value that would be refused, so that a look at it shows.
func TestScope(t *testing.T) {
	const asks = `"annotations":{"netmode.io/mode":"hostnet","kubernetes.io/config.source":"api"}`
	invalid := "refused AnnotationInvalid metadata.annotations[netmode.io/mode]: Unsupported value: \"hostnet\": " + apitest.SupportedModes()
	const cure = ` counts as false: write netmode.io/ignore: "true" to be left alone, or remove the label`
	for _, test := range []struct {
		name, metadata, namespace string
		want                      []string
	}{
		{"an ordinary object", asks, namespace, []string{invalid}},
		{"kube-system", asks, "kube-system", []string{"kept ExemptNamespace metadata.namespace"}},
		{"netmode's own namespace", asks, "netmode", []string{"kept ExemptNamespace metadata.namespace"}},
		{"a namespace whose name begins like one", asks, "netmode-tests", []string{invalid}},
		{"a deletionTimestamp", `"deletionTimestamp":"2026-11-23T05:01:01Z",` + asks, namespace, []string{"kept BeingDeleted metadata.deletionTimestamp"}},
		{"no deletionTimestamp", `"deletionTimestamp":null,` + asks, namespace, []string{invalid}},
		{"ignore true", `"labels":{"netmode.io/ignore":"true"},` + asks, namespace, []string{"kept IgnoreLabel metadata.labels[netmode.io/ignore]"}},
		{"ignore false", `"labels":{"netmode.io/ignore":"false"},` + asks, namespace, []string{invalid}},
		{"ignore True", `"labels":{"netmode.io/ignore":"True"},` + asks, namespace, []string{badIgnore + `"True"` + cure, invalid}},
		{"ignore yes", `"labels":{"netmode.io/ignore":"yes"},` + asks, namespace, []string{badIgnore + `"yes"` + cure, invalid}},
		{"ignore without a value", `"labels":{"netmode.io/ignore":""},` + asks, namespace, []string{badIgnore + `""` + cure, invalid}},
		{"no labels", `"labels":null,` + asks, namespace, []string{invalid}},
	} {
		t.Run("Pod/"+test.name, func(t *testing.T) {
			pod := decode[api.Pod](t, []byte(`{"metadata":{`+test.metadata+`},"spec":{}}`))
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}}, Namespace: test.namespace, Object: pod, Judge: true})
			wantFindings(t, p, test.want...)
			wantNoChange(t, p)
		})
		t.Run("Service/"+test.name, func(t *testing.T) {
			service := decode[api.Service](t, []byte(`{"metadata":{`+test.metadata+`},"spec":{}}`))
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: test.namespace, Object: service, Judge: true})
			wantFindings(t, p, test.want...)
			wantNoChange(t, p)
		})
	}
}

// TestMirrorAnnotation: anybody can write it, and so it counts for nothing.
func TestMirrorAnnotation(t *testing.T) {
	raw := annotated(`{}`, api.AnnotationMirror, "5d2f", api.AnnotationMode, "hostnetwork")
	if p := decidePod(t, raw, &snapshot{}); !p.Changes() {
		t.Errorf("left alone: %v", describeAll(p))
	}
}

// TestNothingIsExempt: without exempt namespaces every namespace is served.
func TestNothingIsExempt(t *testing.T) {
	pod := decode[api.Pod](t, []byte(annotated(`{}`, api.AnnotationMode, "hostnetwork")))
	if p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "kube-system", Object: pod, Judge: true}); !p.Changes() {
		t.Errorf("left alone: %v", describeAll(p))
	}
}

func wantNoChange(t *testing.T, p *plan.Plan) {
	t.Helper()
	if len(p.Mutations) > 0 || p.Changes() {
		t.Errorf("changed: %v", p.Mutations)
	}
}
