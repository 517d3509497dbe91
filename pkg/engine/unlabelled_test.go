package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// A policy gives its default only where the namespace is labelled for that, and
// forbids wherever it selects.
func TestUnlabelledNamespaces(t *testing.T) {
	set := policies(t, "host", defaultsToHost, "must", `{"namespaceSelector":{},"requireMode":true}`)
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		labels      map[string]string
		mode        api.Mode
		told        bool
	}{
		{"nothing", nil, nil, "", true},
		{"not enabled", nil, map[string]string{api.LabelPolicy: "disabled"}, "", true},
		{"enabled", nil, map[string]string{api.LabelPolicy: "enabled"}, api.ModeHostNetwork, false},
		{"a label that is no mode", nil, map[string]string{api.LabelMode: "hostnet"}, "", true},
		{"a mode of the namespace", nil, map[string]string{api.LabelMode: "hostnetwork"}, api.ModeHostNetwork, false},
		{"a mode", words("mode=hostnetwork"), nil, api.ModeHostNetwork, false},
		{"a key that means nothing", words("mod=hostnetwork"), nil, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snapshot := &snapshot{labels: map[string]string{"team": "storm"}, policies: set}
			maps.Copy(snapshot.labels, tt.labels)
			pod := &api.Pod{Metadata: api.ObjectMeta{Annotations: tt.annotations}}
			c := workloadOf("ReplicaSet", "", "")
			c.Pod.Metadata.Annotations = tt.annotations
			for what, p := range map[string]*plan.Plan{"pod": engine.Decide(engine.Request{Settings: settings(), Snapshot: snapshot, Namespace: namespace, Object: pod, Judge: true}), "template": decideWorkload(c, snapshot)} {
				told := slices.IndexFunc(p.Trace, func(f plan.Finding) bool { return f.Reason == plan.PolicyNamespaceUnlabelled })
				if p.Mode != tt.mode || (told >= 0) != tt.told || p.Refused() != (tt.mode == "") {
					t.Errorf("%s: mode %q, %q", what, p.Mode, describeAll(p))
				}
				const want = "is not enabled, so policy host does not give its defaultMode hostnetwork: label the namespace netmode.io/policy=enabled"
				if told >= 0 && (p.Trace[told].Verdict != plan.Kept || p.Trace[told].Detail != want || !strings.HasPrefix(p.Trace[told].Path(), "namespace.metadata.labels[")) {
					t.Errorf("%s: %+v in %q", what, p.Trace[told], describeAll(p))
				}
			}
		})
	}
}
