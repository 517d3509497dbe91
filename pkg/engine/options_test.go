package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

const givesNdots = `{"namespaceSelector":{},"resolver":{"options":[{"name":"ndots","value":"2"}]}}`

// Who gets the resolver options that a policy gives: pods with a mode, but default, or
// with peers.
func TestWhoGetsResolverOptions(t *testing.T) {
	const gives = "changed ResolverOption spec.dnsConfig.options"
	enabled := map[string]string{api.LabelPolicy: api.PolicyEnabled}
	for _, tt := range []struct {
		name        string
		annotations []string
		labels      map[string]string
		spec        string
		want        bool
	}{
		{"hostnetwork", []string{api.AnnotationMode, "hostnetwork"}, nil, `{}`, true},
		{"headless", []string{api.AnnotationMode, "headless"}, enabled, `{"subdomain":"s"}`, true},
		{"statefulset-headless", []string{api.AnnotationMode, "statefulset-headless"}, enabled, `{"subdomain":"s"}`, true},
		{"statefulset-headless, nothing rewritten", []string{api.AnnotationMode, "statefulset-headless", api.AnnotationSearchRewrite, "none"}, enabled, `{"subdomain":"s"}`, true},
		{"default", []string{api.AnnotationMode, "default"}, enabled, `{}`, false},
		{"default, and peers", []string{api.AnnotationMode, "default", api.AnnotationPeers, "zk"}, enabled, `{}`, true},
		{"peers", []string{api.AnnotationPeers, "zk"}, nil, `{}`, true},
		{"peers, nothing rewritten", []string{api.AnnotationPeers, "zk", api.AnnotationSearchRewrite, "none"}, nil, `{}`, true},
		{"nothing", []string{"team", "storm"}, enabled, `{}`, false},
		{"inherited", []string{"team", "storm"}, map[string]string{api.LabelMode: "hostnetwork"}, `{}`, true},
		{"inherited, and cannot serve the pod", []string{"team", "storm"}, map[string]string{api.LabelMode: "hostnetwork"}, `{"hostUsers":false}`, false},
		{"inherited, and cannot serve the pod, which has peers", []string{api.AnnotationPeers, "zk"}, map[string]string{api.LabelMode: "hostnetwork"}, `{"hostUsers":false}`, true},
		{"the pod says it", []string{api.AnnotationMode, "hostnetwork"}, nil, `{"dnsConfig":{"options":[{"name":"ndots","value":"1"}]}}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cluster := &snapshot{labels: tt.labels, policies: policies(t, "p", givesNdots)}
			raw := annotated(tt.spec, tt.annotations...)
			p := decidePeers(t, raw, cluster)
			if got := slices.Contains(describeAll(p), gives); got != tt.want || p.Refused() {
				t.Errorf("given %t, want %t: %q", got, tt.want, describeAll(p))
			}
			after := patched(t, raw, p)
			if got := strings.Contains(after, `{"name":"ndots","value":"2"}`); got != tt.want || strings.Count(after, `"ndots"`) > 1 {
				t.Errorf("the pod is %s", after)
			}
			if again := decidePeers(t, after, cluster); len(again.Mutations) > 0 {
				t.Errorf("again: %v", again.Mutations)
			}
		})
	}
}

// The policy of the highest priority gives the options, whole.
func TestWhichPolicyGivesResolverOptions(t *testing.T) {
	set := policies(t, "low", givesNdots, "high", `{"namespaceSelector":{},"priority":1,"resolver":{"options":[{"name":"rotate"},{"name":"timeout","value":"1"}]}}`,
		"other", `{"namespaceSelector":{},"priority":2,"searchRewrite":{"strategy":"append"}}`,
		"of-others", `{"namespaceSelector":{},"priority":3,"podSelector":{"matchLabels":{"app":"another"}},"resolver":{"options":[{"name":"edns0"}]}}`)
	p := decidePod(t, annotated(`{}`, api.AnnotationPeers, "zk"), &snapshot{policies: set})
	var told []string
	for _, f := range p.Trace {
		if f.Reason == plan.ResolverOption {
			told = append(told, p.Message(&f))
		}
	}
	want := []string{"spec.dnsConfig.options: rotate, which policy high gives (ResolverOption)", "spec.dnsConfig.options: timeout 1, which policy high gives (ResolverOption)"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A status stays that says what an earlier call gave: nothing else in the pod tells it.
func TestStatusOfOptionsAlone(t *testing.T) {
	cluster := &snapshot{policies: policies(t, "p", givesNdots)}
	raw := annotated(`{}`, api.AnnotationPeers, "zk", api.AnnotationSearchRewrite, "none")
	p := decidePod(t, raw, cluster)
	const want = `{"mode":"","source":"","strategy":"none","reasons":["NothingAsked","SearchNone","PeersUnused","ResolverOption"]}`
	if got := statusOf(t, p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := decidePod(t, patched(t, raw, p), cluster); len(again.Mutations) > 0 {
		t.Errorf("again: %v", again.Mutations)
	}
}
