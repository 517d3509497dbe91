package integration

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// entryCalls are how often the API server has called each of netmode's webhook entries, by name.
func (w *world) entryCalls(t *testing.T) map[string]int {
	t.Helper()
	text, err := w.admin.RESTClient().Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	for line := range strings.Lines(string(text)) {
		labels, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok || !strings.HasPrefix(labels, "apiserver_admission_webhook_request_total{") {
			continue
		}
		_, entry, _ := strings.Cut(labels, `,name="`)
		entry, _, _ = strings.Cut(entry, `"`)
		count, err := strconv.Atoi(value)
		if err != nil || entry == "" {
			t.Fatalf("%s: %v", line, err)
		}
		if strings.HasSuffix(entry, ".netmode.io") {
			all[entry] += count
		}
	}
	return all
}

// entryCounter counts the calls of entries since it was last asked. Only for tests that run
// alone.
type entryCounter struct {
	world *world
	seen  map[string]int
}

func (w *world) entryCounter(t *testing.T) *entryCounter {
	t.Helper()
	return &entryCounter{w, w.entryCalls(t)}
}

// want holds each request to one call of each of these entries, and of no other.
func (c *entryCounter) want(t *testing.T, want []string, requests ...func()) {
	t.Helper()
	for _, send := range requests {
		send()
	}
	before := c.seen
	c.seen = c.world.entryCalls(t)
	got := maps.Clone(c.seen)
	for entry, count := range before {
		got[entry] -= count
	}
	maps.DeleteFunc(got, func(_ string, count int) bool { return count == 0 })
	once := map[string]int{}
	for _, entry := range want {
		once[entry] = len(requests)
	}
	if diff := cmp.Diff(once, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestCallsOfNamespaces: the labels of a namespace send its pods to netmode, once; elsewhere, a pod that asks for nothing costs nothing. Calls are counted, so it runs alone.
func TestCallsOfNamespaces(t *testing.T) {
	const (
		asked       = "asked.mutate.netmode.io"
		ofNamespace = "namespace.mutate.netmode.io"
		ofPolicies  = "policy.mutate.netmode.io"
	)
	// The API server counts a call before it answers the request.
	for _, tt := range []struct {
		what   string
		labels map[string]string
		want   []string
	}{
		{"no label", nil, nil},
		{"another value", map[string]string{"netmode.io/policy": "disabled"}, nil},
		{"a mode", map[string]string{"netmode.io/mode": "hostnetwork"}, []string{ofNamespace}},
		{"a mode that is none", map[string]string{"netmode.io/mode": "hostnet"}, []string{ofNamespace}},
		{"policies", map[string]string{"netmode.io/policy": "enabled"}, []string{ofPolicies}},
		{"both", map[string]string{"netmode.io/policy": "enabled", "netmode.io/mode": "hostnetwork"}, []string{ofNamespace}},
		{"a mode, and another value", map[string]string{"netmode.io/policy": "no", "netmode.io/mode": "headless"}, []string{ofNamespace}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			ns := shared.namespace(t, tt.labels)
			post := func(resource, manifest string) func() {
				return func() {
					if a := shared.post(t.Context(), ns, resource, toJSON(t, manifest)); a.err != nil {
						t.Error(a.err)
					}
				}
			}
			pod := func(name, annotations string) func() {
				return post("pods", fmt.Sprintf(`{metadata: {name: %s, annotations: %s}, spec: {containers: [{name: c, image: i}]}}`, name, annotations))
			}
			calls := shared.entryCounter(t)
			calls.want(t, tt.want, pod("plain", "null"), pod("others", "{example.com/mode: x}"), pod("written", `{netmode.io/status: "{}"}`))
			calls.want(t, []string{asked}, pod("asks", "{netmode.io/mode: hostnetwork}"), pod("opts-out", "{netmode.io/mode: default}"))
			calls.want(t, nil, post("services", `{metadata: {name: plain}, spec: {ports: [{port: 80}]}}`), func() {
				labelled := []byte(`{"metadata": {"labels": {"a": "b"}}}`)
				if _, err := shared.admin.CoreV1().Pods(ns).Patch(t.Context(), "plain", types.MergePatchType, labelled, metav1.PatchOptions{}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestCallsOfSystemNamespaces: labels do not send the pods of kube-system, and of netmode itself,
// to netmode. Calls are counted, so it runs alone.
func TestCallsOfSystemNamespaces(t *testing.T) {
	const pod = `
metadata: {name: plain}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]`
	for _, ns := range []string{"kube-system", system} {
		label := func(ctx context.Context, mode, policy string) {
			patch := fmt.Sprintf(`{"metadata": {"labels": {"netmode.io/mode": %s, "netmode.io/policy": %s}}}`, mode, policy)
			if _, err := shared.admin.CoreV1().Namespaces().Patch(ctx, ns, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		label(t.Context(), `"hostnetwork"`, `"enabled"`)
		t.Cleanup(func() { label(context.WithoutCancel(t.Context()), "null", "null") })
		shared.entryCounter(t).want(t, nil, func() {
			if a := shared.post(t.Context(), ns, "pods", toJSON(t, pod), dryRun); a.err != nil {
				t.Error(a.err)
			}
		})
	}
}
