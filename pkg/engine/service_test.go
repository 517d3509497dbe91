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
		update bool
		source plan.Source
		patch  string
		want   []string
	}{
		{"nothing asked", "", `{}`, false, plan.SourceNone, "", []string{"kept NothingAsked"}},
		{"nothing asked by an update", "", `{"clusterIP":"10.96.0.7"}`, true, plan.SourceNone, "", []string{"kept NothingAsked"}},
		{"default", "default", `{}`, false, plan.SourceAnnotation, "", []string{"kept ModeDefault"}},
		{"hostnetwork", "hostnetwork", `{"type":"NodePort"}`, false, plan.SourceAnnotation, "", []string{"kept NothingToChange"}},
		{"headless", "headless", `{"selector":{"a":"b"}}`, false, plan.SourceAnnotation,
			`[{"op":"add","path":"/spec/clusterIP","value":"None"},` + status + `"{\"mode\":\"headless\",\"source\":\"annotation\",\"reasons\":[\"ClusterIPNoneSet\"]}"}]`,
			[]string{"changed ClusterIPNoneSet spec.clusterIP"}},
		{"statefulset-headless", "statefulset-headless", `{"selector":{"a":"b"}}`, false, plan.SourceAnnotation,
			`[{"op":"add","path":"/spec/clusterIP","value":"None"},{"op":"add","path":"/spec/publishNotReadyAddresses","value":true},` +
				status + `"{\"mode\":\"statefulset-headless\",\"source\":\"annotation\",\"reasons\":[\"ClusterIPNoneSet\",\"PublishNotReadySet\"]}"}]`,
			[]string{"changed ClusterIPNoneSet spec.clusterIP", "changed PublishNotReadySet spec.publishNotReadyAddresses"}},
		{"a refused Service is not changed", "headless", `{"type":"NodePort","selector":{"a":"b"}}`, false, plan.SourceAnnotation, "",
			[]string{`refused ServiceTypeHasClusterIP spec.type: Invalid value: "NodePort": cannot be headless: use type ClusterIP, and a second Service for access from outside`,
				"changed ClusterIPNoneSet spec.clusterIP"}},
		{"an update is only warned", "headless", `{"type":"ClusterIP","clusterIP":"10.96.0.7"}`, true, plan.SourceAnnotation, "",
			[]string{"warned ClusterIPStays spec.clusterIP: 10.96.0.7 stays, because Kubernetes lets nobody change it. To make the Service headless, replace it: " +
				"kubectl get service nimbus -n storm -o json | jq 'del(.spec.clusterIP,.spec.clusterIPs)' | kubectl replace --force -f -"}},
		{"an update that a creation would be refused is not", "statefulset-headless", `{"type":"ExternalName"}`, true, plan.SourceAnnotation, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := annotated(test.spec)
			if test.mode != "" {
				raw = annotated(test.spec, api.AnnotationMode, test.mode)
			}
			p := decideService(t, raw, test.update)
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
