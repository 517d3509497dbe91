package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// reviewLine is the part of the log line of a request that tests read.
type reviewLine struct {
	Message    string `json:"msg"`
	Namespace  string `json:"namespace"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Phase      string `json:"phase"`
	Decision   string `json:"decision"`
	Reason     string `json:"message"`
	Warnings   string `json:"warnings"`
	Violations string `json:"violations"`
}

// reviews are the webhook's log lines about the namespace, by kind, name and phase.
func (w *world) reviews(namespace string) (map[string]reviewLine, error) {
	all := map[string]reviewLine{}
	for line := range strings.Lines(w.webhook.log.about(namespace)) {
		var review reviewLine
		if err := json.Unmarshal([]byte(line), &review); err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if review.Message == "review" && review.Namespace == namespace {
			all[review.Kind+" "+review.Name+" "+review.Phase] = review
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
	})
	if err := shared.restartWebhook(t.Context(), append([]string{"--observe-only"}, shared.usual...)...); err != nil {
		t.Fatal(err)
	}
	pod := func(name, annotations, spec string) *answer {
		return p.post(t, fmt.Sprintf("{metadata: {name: %s, annotations: %s}, spec: {%s}}", name, annotations, spec))
	}
	asks := pod("asks", "{netmode.io/mode: hostnetwork}", "containers: [{name: c, image: i, ports: [{containerPort: 80}]}]")
	hand := pod("hand", "null", "hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]")
	service := shared.post(t.Context(), p.name, "services", toJSON(t, headlessService))
	workload := workload{"Deployment", p.name}
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
		onHost   = `"path":"/spec/hostNetwork"`
		headless = `"path":"/spec/clusterIP"`
		copies   = `/annotations/netmode.io~1copied`
	)
	for _, tt := range []struct {
		kind, resource, name, phase, entry   string
		decision                             string // "": the audit log has none, as no mode is asked
		patch, refusal, warnings, violations string
	}{
		{"Pod", "pods", "asks", "mutate", "asked.mutate.netmode.io", "would-patch", onHost, "", node, ""},
		{"Pod", "pods", "asks", "validate", "asked.validate.netmode.io", "would-refuse", "", "Invalid value: 80: policy " + deny + " allows ports 8000 to 9000", "", ""},
		{"Pod", "pods", "hand", "mutate", "policy.mutate.netmode.io", "", "", "", "", ""},
		{"Pod", "pods", "hand", "validate", "policy.validate.netmode.io", "unchanged", "", "", "policy " + warn + " allows the host network only", "policy " + audit + " requires a mode"},
		{"Service", "services", "db", "mutate", "asked.mutate.netmode.io", "would-patch", headless, "", "", ""},
		{"Service", "services", "db", "validate", "asked.validate.netmode.io", "unchanged", "", "", "", ""},
		{"Deployment", "deployments", "web", "mutate", "workloads.mutate.netmode.io", "would-patch", copies, "", node, ""},
	} {
		t.Run(tt.kind+" "+tt.name+" "+tt.phase, func(t *testing.T) {
			if err := shared.poll(t.Context(), "it is not told", func(context.Context) error {
				reviews, err := shared.reviews(p.name)
				if err != nil {
					return err
				}
				line, logged := reviews[tt.kind+" "+tt.name+" "+tt.phase]
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
	text, err := fetch(t.Context(), "http://"+shared.webhook.started.Ops+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]float64{`decision="would-patch"`: 3, `decision="would-refuse"`: 1, `decision="patched"`: 0, `decision="refused"`: 0} {
		if n, err := sum(text, "netmode_admission_reviews_total", label); err != nil || n != want {
			t.Errorf("%s: %g times, want %g: %v", label, n, want, err)
		}
	}
	for _, reason := range []string{"PolicyHostNetworkUnmanaged", "PolicyModeRequired"} {
		if n, err := sum(text, "netmode_admission_reasons_total", `reason="`+reason+`"`); err != nil || n != 1 {
			t.Errorf("%s is counted %g times, want once: %v", reason, n, err)
		}
	}
}
