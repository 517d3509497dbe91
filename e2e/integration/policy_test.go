package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// policed is a namespace whose pods are sent to netmode, and which tests give policies.
type policed struct{ name string }

func (w *world) policed(t *testing.T) *policed {
	t.Helper()
	return &policed{name: w.namespace(t, map[string]string{api.LabelPolicy: api.PolicyEnabled})}
}

// policy makes a policy for the namespace alone, named after it; the spec is in YAML, without
// namespaceSelector. It returns the name when the API server holds it.
func (p *policed) policy(t *testing.T, name, spec string) string {
	t.Helper()
	name = p.name + "-" + name
	object := newPolicy(t, name, spec)
	object.Object["spec"].(map[string]any)["namespaceSelector"] = map[string]any{ //nolint:errcheck // newPolicy makes it so
		"matchLabels": map[string]any{corev1.LabelMetadataName: p.name},
	}
	policies := shared.policies(t)
	if _, err := policies.Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := policies.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	if err := shared.poll(t.Context(), name+" is not enforced", func(ctx context.Context) error {
		seen, err := shared.seePolicy(ctx, t, name)
		if err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(seen.Status.Conditions, policy.ConditionEnforced) {
			return fmt.Errorf("its conditions are %+v", seen.Status.Conditions)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	shared.waitUntilPoliciesSeen(t, p.name)
	return name
}

func (p *policed) post(t *testing.T, manifest string) *answer {
	t.Helper()
	return shared.post(t.Context(), p.name, "pods", toJSON(t, manifest), dryRun)
}

const (
	setAnother    = ": set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)"
	chooseAnother = "; mode default is allowed, too" + setAnother // what the webhook says
	removeHost    = ": remove hostNetwork (PolicyHostNetworkUnmanaged)"
	chooseInRange = ": choose a port of that range, and have the program listen on it where the pod is on the host network (PolicyPortOutOfRange)"
	byHand        = `{metadata: {name: hand}, spec: {hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 20000}]}]}}`
	asksForHost   = `{metadata: {name: asks, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 20000}]}]}}`
	asksNothing   = `{metadata: {name: plain}, spec: {containers: [{name: c, image: i}]}}`
)

// How the refusals of policies begin, before their names.
const (
	noHostMode      = `metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy `
	noHostNetwork   = "spec.hostNetwork: Invalid value: true: policy "
	portsOutOfRange = "spec.containers[*].ports[*].hostPort: Forbidden: policy "
)

// forPods and forServices name what the API server holds of a policy.
func forPods(name string) string     { return "netmode-policy-" + name }
func forServices(name string) string { return "netmode-service-policy-" + name }

// warningOf is the API server's own warning.
func warningOf(name, text string) string {
	return "Validation failed for ValidatingAdmissionPolicy '" + name + "' with binding '" + name + "': " + text
}

// TestDeny: a pod that breaks a policy is refused, with the policy's name and what is allowed,
// also one that asks for nothing, and one that wants to be ignored.
func TestDeny(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	modes := p.policy(t, "modes", `{allowedModes: [headless, statefulset-headless]}`)
	wantForbidden(t, p.post(t, asksForHost), forPods(modes), noHostMode+modes+" allows headless or statefulset-headless"+setAnother)
	wantForbidden(t, p.post(t, byHand), forPods(modes), noHostNetwork+modes+" allows the host network to no pod"+removeHost)
	stored[corev1.Pod](t, p.post(t, asksNothing))

	managed := shared.policed(t)
	host := managed.policy(t, "host", `{hostNetwork: {allowUnmanaged: false}}`)
	for _, manifest := range []string{byHand, strings.Replace(byHand, "name: hand", "name: hand, labels: {netmode.io/ignore: 'true'}", 1)} {
		wantForbidden(t, managed.post(t, manifest), forPods(host), noHostNetwork+host+" allows the host network only in mode hostnetwork"+removeHost)
	}
	for _, manifest := range []string{asksForHost, asksNothing} {
		stored[corev1.Pod](t, managed.post(t, manifest))
	}
	required := managed.policy(t, "required", `{requireMode: true}`)
	wantForbidden(t, managed.post(t, asksNothing), forPods(required), "metadata.annotations[netmode.io/mode]: Required value: policy "+required+
		" requires a mode: hostnetwork, headless or statefulset-headless: "+plan.PolicyModeRequired.Doc().Cure+" (PolicyModeRequired)")

	// No policy is for the pods of another namespace.
	other := shared.policed(t)
	stored[corev1.Pod](t, other.post(t, byHand))
}

// TestNothingInCommon: of two policies that allow nothing in common each refuses, and only where
// workloads ask is told that no mode is left.
func TestNothingInCommon(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	one, two := p.policy(t, "one", `{allowedModes: [headless]}`), p.policy(t, "two", `{allowedModes: [statefulset-headless]}`)
	wantForbidden(t, p.post(t, strings.Replace(asksForHost, "hostnetwork", "statefulset-headless, netmode.io/service: db", 1)), forPods(one),
		strings.Replace(noHostMode, "hostnetwork", "statefulset-headless", 1)+one+" allows headless"+setAnother)
	wantForbidden(t, p.post(t, strings.Replace(asksForHost, "hostnetwork", "headless, netmode.io/service: db", 1)), forPods(two),
		strings.Replace(noHostMode, "hostnetwork", "headless", 1)+two+" allows statefulset-headless"+setAnother)

	common := "; the policies " + one + ", " + two + " allow nothing in common" + chooseAnother
	wantDenied(t, testWorkload{"Deployment", p.name}.create(t, "{netmode.io/mode: hostnetwork}", "{}", ""), workloadsEntry,
		"2 problems: "+noHostMode+one+" allows headless"+common+"; "+noHostMode+two+" allows statefulset-headless"+common)
}

// TestWarn: a pod that breaks a policy is accepted, with a warning.
func TestWarn(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "watch", `{enforcement: Warn, allowedModes: [headless], hostNetwork: {portRange: {min: 30000, max: 30010}}}`)
	a := p.post(t, asksForHost)
	stored[corev1.Pod](t, a)
	wantWarnings(t, a, "netmode: "+nodeHostname, warningOf(forPods(name), noHostMode+name+" allows headless"+setAnother),
		warningOf(forPods(name), portsOutOfRange+name+" allows ports 30000 to 30010 of a node"+chooseInRange))
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
		refusal           func(policy string) string
	}{
		{
			"host network by another webhook", `{hostNetwork: {allowUnmanaged: false}}`, asksNothing,
			func(*corev1.Pod) []string {
				return []string{`{"op": "add", "path": "/spec/hostNetwork", "value": true}`}
			},
			func(name string) string {
				return noHostNetwork + name + " allows the host network only in mode hostnetwork" + removeHost
			},
		},
		{
			"a port by another webhook", `{hostNetwork: {portRange: {min: 20000, max: 29999}}}`, asksForHost,
			addSidecar(`[{"containerPort": 9090}]`),
			func(name string) string {
				return portsOutOfRange + name + " allows ports 20000 to 29999 of a node" + chooseInRange
			},
		},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			p := shared.policed(t)
			rules := p.policy(t, "rules", tt.policy)
			stored[corev1.Pod](t, p.post(t, tt.pod))
			shared.secondWebhook(t, p.name, registrationv1.IfNeededReinvocationPolicy, tt.change)
			wantForbidden(t, p.post(t, tt.pod), forPods(rules), tt.refusal(rules))
		})
	}
}
