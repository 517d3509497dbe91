package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reviewLine is the part of the log line of a request that tests read.
type reviewLine struct {
	Message    string `json:"msg"`
	Namespace  string `json:"namespace"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Entry      string `json:"entry"`
	Decision   string `json:"decision"`
	Reason     string `json:"message"`
	Warnings   string `json:"warnings"`
	Violations string `json:"violations"`
}

// reviews are the webhook's log lines about the namespace, by kind, name and entry.
func (w *world) reviews(namespace string) (map[string]reviewLine, error) {
	all := map[string]reviewLine{}
	for line := range strings.Lines(w.webhook.log.about(namespace)) {
		var review reviewLine
		if err := json.Unmarshal([]byte(line), &review); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if review.Message == "review" && review.Namespace == namespace {
			all[review.Kind+" "+review.Name+" "+review.Entry] = review
		}
	}
	return all, nil
}

// wantIn holds a text to have this in it, or to be empty where nothing is wanted.
func wantIn(what, text, want string) error {
	if !strings.Contains(text, want) || want == "" && text != "" {
		return fmt.Errorf("%s: %q, want %q in it", what, text, want)
	}
	return nil
}

// TestObserveOnly: a webhook that only observes changes, refuses and says nothing, be it asked by
// annotations, policies or workloads. What would have been is in the audit log, the webhook's log
// and its metrics. It is the webhook of all tests, started anew, so it runs alone.
func TestObserveOnly(t *testing.T) {
	p := shared.policed(t)
	deny := p.policy(t, "deny", `{hostNetwork: {portRange: {min: 8000, max: 9000}}}`)
	warn := p.policy(t, "warn", `{enforcement: Warn, hostNetwork: {allowUnmanaged: false}}`)
	audit := p.policy(t, "audit", `{enforcement: Audit, requireMode: true}`)
	t.Cleanup(func() {
		if err := shared.restartWebhook(context.WithoutCancel(t.Context()), shared.usual...); err != nil {
			t.Fatal(err)
		}
		shared.stopController(t)
		shared.restartController(t)
		shared.bindPromises(t, `{"spec": {"matchResources": null}}`)
	})
	shared.bindPromises(t, `{"spec": {"matchResources": {"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "DoesNotExist"}]}}}}`)
	shared.stopController(t)
	shared.restartController(t, "--observe-only")
	if err := shared.restartWebhook(t.Context(), append([]string{"--observe-only"}, shared.usual...)...); err != nil {
		t.Fatal(err)
	}
	pod := func(name, annotations, spec string) *answer {
		return p.post(t, fmt.Sprintf("{metadata: {name: %s, annotations: %s}, spec: {%s}}", name, annotations, spec))
	}
	const looks = "containers: [{name: c, image: i, ports: [{containerPort: 80}]}]"
	if err := shared.poll(t.Context(), "the API server still refuses or warns", func(context.Context) error {
		a, b := pod("probe-asks", "{netmode.io/mode: hostnetwork}", looks), pod("probe-hand", "null", "hostNetwork: true, "+looks)
		return errors.Join(a.err, b.err, same(len(a.warnings)+len(b.warnings) == 0, "without warnings"))
	}); err != nil {
		t.Fatal(err)
	}
	metrics := "http://" + shared.webhook.started.Ops + "/metrics"
	earlier, err := fetch(t.Context(), metrics)
	if err != nil {
		t.Fatal(err)
	}
	asks := pod("asks", "{netmode.io/mode: hostnetwork}", "containers: [{name: c, image: i, ports: [{containerPort: 80}]}]")
	hand := pod("hand", "null", "hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]")
	service := shared.post(t.Context(), p.name, "services", toJSON(t, headlessService))
	workload := testWorkload{"Deployment", p.name}
	deployment := workload.create(t, "{netmode.io/mode: hostnetwork}", "{}", "")
	for _, a := range []*answer{asks, hand, service, deployment} {
		if a.err != nil {
			t.Error(a.err)
		}
		wantWarnings(t, a)
		if text := string(a.object); strings.Contains(text, "netmode.io/status") || strings.Contains(text, "netmode.io/copied") {
			t.Errorf("changed: %s", text)
		}
	}
	if t.Failed() {
		return
	}
	if stored[corev1.Pod](t, asks).Spec.HostNetwork || stored[corev1.Service](t, service).Spec.ClusterIP == corev1.ClusterIPNone {
		t.Errorf("changed: %s\n%s", asks.object, service.object)
	}
	workload.wantTemplate(t, deployment, "{}")

	const (
		node     = "(NodeHostname)"
		headless = `"path":"/spec/clusterIP"`
		copies   = `/annotations/netmode.io~1copied`
	)
	for _, tt := range []struct {
		kind, resource, name, at, entry      string
		decision                             string // "": the audit log has none, as no mode is asked
		patch, refusal, warnings, violations string
	}{
		{"Pod", "pods", "asks", "asked", "asked.mutate.netmode.io", "would-refuse", "", "Invalid value: 80: policy " + deny + " allows ports 8000 to 9000", node, ""},
		{"Pod", "pods", "hand", "policy", "policy.mutate.netmode.io", "unchanged", "", "", "policy " + warn + " allows the host network only", "policy " + audit + " requires a mode"},
		{"Service", "services", "db", "asked", "asked.mutate.netmode.io", "would-patch", headless, "", "", ""},
		{"Deployment", "deployments", "web", "workloads", "workloads.mutate.netmode.io", "would-patch", copies, "", node, ""},
	} {
		t.Run(tt.kind+" "+tt.name+" "+tt.at, func(t *testing.T) {
			if err := shared.poll(t.Context(), "it is not told", func(context.Context) error {
				reviews, err := shared.reviews(p.name)
				if err != nil {
					return err
				}
				line, logged := reviews[tt.kind+" "+tt.name+" "+tt.at]
				if !logged {
					return fmt.Errorf("not among the log lines %v", reviews)
				}
				events, err := shared.audited(p.name)
				if err != nil {
					return err
				}
				var audited map[string]string
				for _, event := range events {
					if event.ObjectRef.Resource == tt.resource && event.ObjectRef.Name == tt.name {
						audited = event.Annotations
					}
				}
				if audited == nil {
					return fmt.Errorf("not in the audit log: %v", events)
				}
				decision := tt.decision
				if decision == "" {
					decision = "unchanged"
				}
				return errors.Join(
					wantIn("log: decision", line.Decision, decision),
					wantIn("log: message", line.Reason, tt.refusal),
					wantIn("log: warnings", line.Warnings, tt.warnings),
					wantIn("log: violations", line.Violations, tt.violations),
					wantIn("audit: decision", audited[tt.entry+"/decision"], tt.decision),
					wantIn("audit: would-patch", audited[tt.entry+"/would-patch"], tt.patch),
					wantIn("audit: would-refuse", audited[tt.entry+"/would-refuse"], tt.refusal),
					wantIn("audit: would-warn", audited[tt.entry+"/would-warn"], tt.warnings),
					wantIn("audit: violations", audited[tt.entry+"/violations"], tt.violations),
				)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	text, err := fetch(t.Context(), metrics)
	if err != nil {
		t.Fatal(err)
	}
	since := func(metric, label string) (float64, error) {
		before, err := sum(earlier, metric, label)
		after, errAfter := sum(text, metric, label)
		return after - before, errors.Join(err, errAfter)
	}
	for label, want := range map[string]float64{`decision="would-patch"`: 2, `decision="would-refuse"`: 1, `decision="patched"`: 0, `decision="refused"`: 0} {
		if n, err := since("netmode_admission_reviews_total", label); err != nil || n != want {
			t.Errorf("%s: %g times, want %g: %v", label, n, want, err)
		}
	}
	for _, reason := range []string{"PolicyHostNetworkUnmanaged", "PolicyModeRequired"} {
		if n, err := since("netmode_admission_reasons_total", `reason="`+reason+`"`); err != nil || n != 1 {
			t.Errorf("%s is counted %g times, want once: %v", reason, n, err)
		}
	}
}

// bindPromises patches the bindings of the promises, as the overlay for observing does.
func (w *world) bindPromises(t *testing.T, patch string) {
	t.Helper()
	bindings := w.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	for _, name := range []string{"promises.pods.netmode.io", "promises.services.netmode.io"} {
		if _, err := bindings.Patch(context.WithoutCancel(t.Context()), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
