package integration

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// TestPoliciesChangedUnderLoad: while a policy comes and goes under load, every decision is made
// with it or without it, and none half so. The answers to one object must show either state, and
// both are seen again and again.
func TestPoliciesChangedUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what, stays, comes string
		post               func(ctx context.Context, t *testing.T, namespace string) *answer
		// state is which of the two an answer shows, without or with the policy that comes; "" is
		// neither.
		state func(t *testing.T, a *answer, stays, comes string) string
	}{
		// One call gives the pod its mode and its search domains. Of two states, the pod would say
		// that its mode is one policy's, and have the domain of the other.
		{
			"what a pod gets",
			`{defaultMode: statefulset-headless, searchRewrite: {strategy: prepend, extraSearches: [stays.example]}}`,
			`{priority: 1, defaultMode: statefulset-headless, searchRewrite: {strategy: prepend, extraSearches: [comes.example]}}`,
			func(ctx context.Context, t *testing.T, namespace string) *answer {
				t.Helper()
				return shared.post(ctx, namespace, "pods", toJSON(t, `{metadata: {name: worker-0}, spec: {subdomain: workers, containers: [{name: c, image: i}]}}`), dryRun)
			},
			func(t *testing.T, a *answer, stays, comes string) string {
				if a.err != nil {
					return ""
				}
				pod := stored[corev1.Pod](t, a)
				searches := "none"
				if pod.Spec.DNSConfig != nil {
					searches = strings.Join(pod.Spec.DNSConfig.Searches, " ")
				}
				gave := func(policy, domain string) bool {
					return strings.Contains(pod.Annotations[api.AnnotationStatus], `"policy":"`+policy+`"`) && strings.HasSuffix(searches, " "+domain)
				}
				switch {
				case gave(stays, "stays.example"):
					return without
				case gave(comes, "comes.example"):
					return with
				}
				return ""
			},
		},
		// One call judges the template by each policy, and by what all of them leave. Of two states, one
		// problem would name both policies, or two problems would not know of each other.
		{
			"what a workload is told",
			`{allowedModes: [headless]}`, `{allowedModes: [statefulset-headless]}`,
			func(ctx context.Context, t *testing.T, namespace string) *answer {
				t.Helper()
				w := testWorkload{"Deployment", namespace}
				return w.send(ctx, w.client().Post(), &metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}, toJSON(t, w.manifest("{netmode.io/mode: hostnetwork}", "{}", "")))
			},
			func(_ *testing.T, a *answer, stays, comes string) string {
				if a.err == nil {
					return ""
				}
				said := a.err.Error()
				const problem = `Invalid value: "hostnetwork": policy `
				switch [3]int{strings.Count(said, problem), strings.Count(said, stays), strings.Count(said, comes)} {
				case [3]int{1, 1, 0}:
					return without
				case [3]int{2, 3, 3}:
					return with
				}
				return ""
			},
		},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			const rounds = 30
			p := shared.policed(t)
			stays, comes := p.policy(t, "stays", tt.stays), p.name+"-comes"
			seen := map[string]*atomic.Int64{without: {}, with: {}}
			load := startLoadBy(t, func(ctx context.Context) *answer { return tt.post(ctx, t, p.name) }, func(a *answer) error {
				state := tt.state(t, a, stays, comes)
				if seen[state] == nil {
					shown := string(a.object)
					if a.err != nil {
						shown = a.err.Error()
					}
					return fmt.Errorf("neither without %s nor with it: %s", comes, shown)
				}
				seen[state].Add(1)
				return nil
			})
			defer load.stop(t)
			wait := func(state string) {
				t.Helper()
				before := seen[state].Load()
				if err := shared.poll(t.Context(), "no decision "+state+" the policy", func(context.Context) error {
					if n := seen[state].Load(); n == before {
						return fmt.Errorf("%d so far", n)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			policies := shared.policies(t)
			for range rounds {
				policy := newPolicy(t, comes, `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+p.name+`}}, `+strings.TrimPrefix(tt.comes, "{"))
				if _, err := policies.Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				wait(with)
				if err := policies.Delete(t.Context(), comes, metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				wait(without)
			}
		})
	}
}

// The states of TestPoliciesChangedUnderLoad.
const without, with = "without", "with"
