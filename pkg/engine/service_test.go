package engine_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

func TestServiceMode(t *testing.T) {
	const status = `{"op":"add","path":"/metadata/annotations/netmode.io~1status","value":`
	for _, test := range []struct {
		name   string
		mode   string
		spec   string
		source plan.Source
		patch  string
		want   []string
	}{
		{"nothing asked", "", `{}`, plan.SourceNone, "", []string{"kept NothingAsked"}},
		{"default", "default", `{}`, plan.SourceAnnotation, "", []string{"kept ModeDefault"}},
		{"hostnetwork", "hostnetwork", `{"type":"NodePort"}`, plan.SourceAnnotation, "", []string{"kept NothingToChange"}},
		{"headless", "headless", `{"selector":{"a":"b"}}`, plan.SourceAnnotation,
			`[{"op":"add","path":"/spec/clusterIP","value":"None"},` + status + `"{\"mode\":\"headless\",\"source\":\"annotation\",\"reasons\":[\"ClusterIPNoneSet\"]}"}]`,
			[]string{"changed ClusterIPNoneSet spec.clusterIP"}},
		{"statefulset-headless", "statefulset-headless", `{"selector":{"a":"b"}}`, plan.SourceAnnotation,
			`[{"op":"add","path":"/spec/clusterIP","value":"None"},{"op":"add","path":"/spec/publishNotReadyAddresses","value":true},` +
				status + `"{\"mode\":\"statefulset-headless\",\"source\":\"annotation\",\"reasons\":[\"ClusterIPNoneSet\",\"PublishNotReadySet\"]}"}]`,
			[]string{"changed ClusterIPNoneSet spec.clusterIP", "changed PublishNotReadySet spec.publishNotReadyAddresses"}},
		{"a refused Service is not changed", "headless", `{"type":"NodePort","selector":{"a":"b"}}`, plan.SourceAnnotation, "",
			[]string{`refused ServiceTypeHasClusterIP spec.type: Invalid value: "NodePort": cannot be headless: use type ClusterIP, and a second Service for access from outside`,
				"changed ClusterIPNoneSet spec.clusterIP"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := annotated(test.spec)
			if test.mode != "" {
				raw = annotated(test.spec, api.AnnotationMode, test.mode)
			}
			p := decideService(t, raw)
			if string(p.Mode) != test.mode || p.Source != test.source {
				t.Errorf("mode %q from %q, want %q from %q", p.Mode, p.Source, test.mode, test.source)
			}
			wantFindings(t, p, test.want...)
			if got := patchOf(t, []byte(raw), p); got != test.patch {
				t.Errorf("got  %s\nwant %s", got, test.patch)
			}
		})
	}
}
