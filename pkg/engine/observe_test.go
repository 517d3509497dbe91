package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// What nobody patched is judged as if it had been: no promise is broken, what
// was said when it was planned is not said again, and policies are asked.
func TestObserved(t *testing.T) {
	set := &around{policies: policies(t,
		"deny", `{"namespaceSelector":{},"allowedModes":["headless"]}`,
		"warn", `{"namespaceSelector":{},"enforcement":"Warn","allowedModes":["default"]}`)}
	pod := decode[api.Pod](t, []byte(annotated(`{"containers":[{"name":"c"}]}`, api.AnnotationMode, "hostnetwork")))
	headless := decode[api.Service](t, []byte(annotated(`{"selector":{"a":"b"}}`, api.AnnotationMode, "statefulset-headless")))
	taken := decode[api.Service](t, []byte(annotated(`{"clusterIP":"10.96.0.7","selector":{"a":"b"}}`, api.AnnotationMode, "headless")))
	nodePort := decode[api.Service](t, []byte(annotated(`{"type":"NodePort","selector":{"a":"b"}}`, api.AnnotationMode, "headless")))
	judged := []string{"refused PolicyModeNotAllowed", "warned PolicyModeNotAllowed"}
	for _, tt := range []struct {
		what string
		p    *plan.Plan
		want []string
	}{
		{"pod", engine.ObservePod(settings(), set, namespace, pod), judged},
		{"pod in an exempt namespace", engine.ObservePod(settings(), set, "kube-system", pod), nil},
		{"Service", engine.ObserveService(settings(), set, namespace, headless, false), judged},
		{"Service with an address by now", engine.ObserveService(settings(), set, namespace, taken, false), []string{"warned PolicyModeNotAllowed"}},
		{"Service that cannot be headless", engine.ObserveService(settings(), &around{}, namespace, nodePort, false), []string{"refused ServiceTypeHasClusterIP"}},
		{"Service that is updated", engine.ObserveService(settings(), set, namespace, taken, true), []string{"warned ClusterIPStays"}},
	} {
		var said []string
		for _, f := range tt.p.Trace {
			if f.Verdict == plan.Warned || f.Verdict == plan.Refused {
				said = append(said, string(f.Verdict)+" "+string(f.Reason))
			}
		}
		if diff := cmp.Diff(tt.want, said); diff != "" || tt.p.Changes() {
			t.Errorf("%s: changes %t, said (-want +got):\n%s", tt.what, tt.p.Changes(), diff)
		}
	}
}
