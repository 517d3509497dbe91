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

// The rows of the truth table in asSent, for pods and for those of a template.
func TestPoliciesOfUnsentPods(t *testing.T) {
	set := policies(t, "host", defaultsToHost, "must", `{"namespaceSelector":{},"requireMode":true}`, "others", `{"namespaceSelector":{},"podSelector":{"matchLabels":{"a":"b"}},"requireMode":true}`)
	for _, tt := range []struct {
		name        string
		annotations map[string]string
		labels      map[string]string
		sent        bool
	}{
		{"nothing", nil, nil, false},
		{"what netmode writes", words("status={} copied=netmode.io/mode"), nil, false},
		{"not enabled", nil, map[string]string{api.LabelPolicy: "disabled"}, false},
		{"policies", nil, map[string]string{api.LabelPolicy: "enabled"}, true},
		{"a mode of the namespace", nil, map[string]string{api.LabelMode: "hostnet"}, true},
		{"a mode", words("mode=hostnetwork"), nil, true},
		{"a key that means nothing", words("mod=hostnetwork"), nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			around := &around{labels: map[string]string{"team": "storm"}, policies: set}
			maps.Copy(around.labels, tt.labels)
			pod := &api.Pod{Metadata: api.ObjectMeta{Annotations: tt.annotations}}
			c := workloadOf("ReplicaSet", "", "")
			c.Pod.Metadata.Annotations = tt.annotations
			for what, p := range map[string]*plan.Plan{"pod": engine.Pod(settings(), around, namespace, pod, nil), "template": decideWorkload(c, around)} {
				told := slices.IndexFunc(p.Trace, func(f plan.Finding) bool { return f.Reason == plan.PolicyNamespaceUnlabelled })
				if hasMode := p.Mode == api.ModeHostNetwork; hasMode != tt.sent || (told < 0) != tt.sent {
					t.Errorf("%s: mode %q, %q", what, p.Mode, describeAll(p))
				}
				const want = "is not enabled, so policies (host, must) have no say in a pod that asks for nothing: label the namespace netmode.io/policy=enabled"
				if told >= 0 && (p.Refused() || p.Trace[told].Verdict != plan.Kept || p.Trace[told].Text != want || !strings.HasPrefix(p.Trace[told].Field, "namespace.metadata.labels[")) {
					t.Errorf("%s: %+v in %q", what, p.Trace[told], describeAll(p))
				}
			}
			// Whom the cluster asks decides.
			if p := engine.MutatePod(settings(), around, namespace, pod); p.Mode != api.ModeHostNetwork {
				t.Errorf("mutating: mode %q, %q", p.Mode, describeAll(p))
			}
		})
	}
}

// Policies that are for other pods, and pods that are out of reach, are not told
// of.
func TestUnsentPodsWithoutPolicies(t *testing.T) {
	labels := map[string]string{}
	others := &around{labels: labels, policies: policies(t, "others", `{"namespaceSelector":{},"podSelector":{"matchLabels":{"a":"b"}},"requireMode":true}`)}
	wantFindings(t, decidePod(t, `{"spec":{}}`, others), "kept NothingAsked")
	all := &around{labels: labels, policies: policies(t, "all", `{"namespaceSelector":{},"requireMode":true}`)}
	pod := decode[api.Pod](t, []byte(`{"spec":{}}`))
	wantFindings(t, engine.Pod(settings(), all, "kube-system", pod, nil), "kept ExemptNamespace metadata.namespace")
}
