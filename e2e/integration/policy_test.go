package integration

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// policed is a namespace whose pods are sent to netmode, and which tests give policies.
type policed struct{ name string }

func (w *world) policed(t *testing.T) *policed {
	t.Helper()
	return &policed{name: w.namespace(t, map[string]string{api.LabelPolicy: api.PolicyEnabled})}
}

// policy makes a policy for the namespace alone, named after it; the spec is in YAML, without
// namespaceSelector. It returns the name when the webhook has seen it.
func (p *policed) policy(t *testing.T, name, spec string) string {
	t.Helper()
	name = p.name + "-" + name
	policy := newPolicy(t, name, spec)
	policy.Object["spec"].(map[string]any)["namespaceSelector"] = map[string]any{ //nolint:errcheck // newPolicy makes it so
		"matchLabels": map[string]any{corev1.LabelMetadataName: p.name},
	}
	policies := shared.policies(t)
	if _, err := policies.Create(t.Context(), policy, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := policies.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	shared.waitUntilPoliciesSeen(t, p.name)
	return name
}

func (p *policed) post(t *testing.T, manifest string) *answer {
	t.Helper()
	return shared.post(t.Context(), p.name, "pods", toJSON(t, manifest), dryRun)
}

const (
	chooseAnother = "; mode default is allowed, too: set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)"
	byHand        = `{metadata: {name: hand}, spec: {hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 20000}]}]}}`
	asksForHost   = `{metadata: {name: asks, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 20000}]}]}}`
	asksNothing   = `{metadata: {name: plain}, spec: {containers: [{name: c, image: i}]}}`
)

// TestDeny: a pod that breaks a policy is refused, with the policy's name and what is allowed,
// also one that asks for nothing, and one that wants to be ignored.
func TestDeny(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	modes := p.policy(t, "modes", `{allowedModes: [headless, statefulset-headless]}`)
	wantDenied(t, p.post(t, asksForHost), "asked.validate.netmode.io",
		`metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy `+modes+` allows headless or statefulset-headless`+chooseAnother)
	stored[corev1.Pod](t, p.post(t, byHand))

	host := p.policy(t, "host", `{hostNetwork: {allowUnmanaged: false}}`)
	unmanaged := `spec.hostNetwork: Invalid value: true: policy ` + host + ` allows the host network only in mode hostnetwork: `
	for _, manifest := range []string{byHand, strings.Replace(byHand, "name: hand", "name: hand, labels: {netmode.io/ignore: 'true'}", 1)} {
		a := p.post(t, manifest)
		if want := `admission webhook "policy.validate.netmode.io" denied the request: ` + unmanaged; a.err == nil || !strings.HasPrefix(a.err.Error(), want) {
			t.Errorf("got %v\nwant %s", a.err, want)
		}
	}
	stored[corev1.Pod](t, p.post(t, asksNothing))

	p.policy(t, "required", `{requireMode: true}`)
	if a := p.post(t, asksNothing); a.err == nil || !strings.Contains(a.err.Error(), "requires a mode") || !strings.Contains(a.err.Error(), "(PolicyModeRequired)") {
		t.Errorf("got %v", a.err)
	}

	// No policy is for the pods of another namespace.
	other := shared.policed(t)
	stored[corev1.Pod](t, other.post(t, byHand))
}

// TestNothingInCommon: two policies that allow nothing in common refuse with both names.
func TestNothingInCommon(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	one, two := p.policy(t, "one", `{allowedModes: [headless]}`), p.policy(t, "two", `{allowedModes: [statefulset-headless]}`)
	common := "; the policies " + one + ", " + two + " allow nothing in common" + chooseAnother
	const asks = `metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy `
	wantDenied(t, p.post(t, asksForHost), "asked.validate.netmode.io",
		"2 problems: "+asks+one+" allows headless"+common+"; "+asks+two+" allows statefulset-headless"+common)
}

// TestWarn: a pod that breaks a policy is accepted, with a warning.
func TestWarn(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "watch", `{enforcement: Warn, allowedModes: [headless], hostNetwork: {portRange: {min: 30000, max: 30010}}}`)
	a := p.post(t, asksForHost)
	stored[corev1.Pod](t, a)
	for _, want := range []string{
		"netmode: metadata.annotations[netmode.io/mode]: policy " + name + " allows headless; ",
		"netmode: spec.containers[0].ports[0].hostPort: policy " + name + " allows ports 30000 to 30010 on the host network: ",
	} {
		if !strings.Contains(strings.Join(a.warnings, "\n"), want) {
			t.Errorf("warnings %q, want %q among them", a.warnings, want)
		}
	}
	a = p.post(t, asksNothing)
	stored[corev1.Pod](t, a)
	wantWarnings(t, a)
}

// TestPolicyDefault: pods that ask for nothing get the mode and the search rewrite of the policy,
// where it can serve them, and their status names the policy.
func TestPolicyDefault(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	p.policy(t, "low", `{defaultMode: headless}`)
	name := p.policy(t, "high", `{priority: 5, defaultMode: statefulset-headless, searchRewrite: {strategy: prepend, extraSearches: [corp.example]}}`)
	pod := stored[corev1.Pod](t, p.post(t, `{metadata: {name: worker-0}, spec: {subdomain: workers, containers: [{name: c, image: i}]}}`))
	want := []string{"workers." + p.name + ".svc.cluster.local", p.name + ".svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"}
	if pod.Spec.DNSConfig == nil || !cmp.Equal(want, pod.Spec.DNSConfig.Searches) || pod.Spec.Hostname != "worker-0" {
		t.Errorf("hostname %q, dnsConfig %+v, want the searches %q", pod.Spec.Hostname, pod.Spec.DNSConfig, want)
	}
	if status := pod.Annotations[api.AnnotationStatus]; !strings.Contains(status, `"source":"policy","policy":"`+name+`"`) {
		t.Errorf("status %s", status)
	}
	plain := stored[corev1.Pod](t, p.post(t, strings.Replace(asksNothing, "name: plain", "generateName: plain-", 1)))
	if plain.Spec.DNSConfig != nil || plain.Spec.Hostname != "" {
		t.Errorf("a pod that the mode cannot serve is changed: %+v", plain.Spec)
	}
	out := stored[corev1.Pod](t, p.post(t, `{metadata: {name: worker-1, annotations: {netmode.io/mode: default}}, spec: {subdomain: workers, containers: [{name: c, image: i}]}}`))
	if out.Spec.DNSConfig != nil {
		t.Errorf("a pod that opts out is changed: %+v", out.Spec.DNSConfig)
	}
}

// TestPolicyHoldsInTheEnd: what other webhooks do to a pod is judged, too.
func TestPolicyHoldsInTheEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what, policy, pod string
		change            func(*corev1.Pod) []string
		entry, want       string
	}{
		{
			"host network by another webhook", `{hostNetwork: {allowUnmanaged: false}}`, asksNothing,
			func(*corev1.Pod) []string {
				return []string{`{"op": "add", "path": "/spec/hostNetwork", "value": true}`}
			},
			"policy.validate.netmode.io", "(PolicyHostNetworkUnmanaged)",
		},
		{
			"a port by another webhook", `{hostNetwork: {portRange: {min: 20000, max: 29999}}}`, asksForHost,
			addSidecar(`[{"containerPort": 9090}]`),
			"asked.validate.netmode.io", "Invalid value: 9090: policy ",
		},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			p := shared.policed(t)
			p.policy(t, "rules", tt.policy)
			stored[corev1.Pod](t, p.post(t, tt.pod))
			shared.secondWebhook(t, p.name, registrationv1.IfNeededReinvocationPolicy, tt.change)
			a := p.post(t, tt.pod)
			if a.err == nil || !strings.Contains(a.err.Error(), `"`+tt.entry+`"`) || !strings.Contains(a.err.Error(), tt.want) {
				t.Errorf("got %v, want a refusal of %s with %s", a.err, tt.entry, tt.want)
			}
		})
	}
}
