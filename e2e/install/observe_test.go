package install

import (
	"path/filepath"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// Who only observes is never in the way, and changes nothing else of what is installed.
func TestObserveOnly(t *testing.T) {
	base, observe := render(t, filepath.Join(manifests, "base"), Options{}), render(t, filepath.Join(manifests, "observe-only"), Options{})
	acting, watching := deployment(t, base, "netmode-webhook"), deployment(t, observe, "netmode-webhook")
	if have := watching.Spec.Template.Spec.Containers[0].Args; !slices.Equal(have, append(acting.Spec.Template.Spec.Containers[0].Args, "--observe-only")) {
		t.Errorf("arguments %q", have)
	}
	entries := 0
	check := func(name string, policy *admissionv1.FailurePolicyType, rules []admissionv1.RuleWithOperations) {
		entries++
		if policy == nil || *policy != admissionv1.Ignore || len(rules) == 0 {
			t.Errorf("%s: failurePolicy %v with %d rules, want Ignore and the rules of base", name, policy, len(rules))
		}
	}
	for _, o := range observe {
		switch c := strict(t, o).(type) {
		case *admissionv1.MutatingWebhookConfiguration:
			for i := range c.Webhooks {
				check(c.Webhooks[i].Name, c.Webhooks[i].FailurePolicy, c.Webhooks[i].Rules)
			}
		case *admissionv1.ValidatingWebhookConfiguration:
			for i := range c.Webhooks {
				check(c.Webhooks[i].Name, c.Webhooks[i].FailurePolicy, c.Webhooks[i].Rules)
			}
		}
	}
	if entries < 8 {
		t.Errorf("%d webhook entries, want those of base", entries)
	}
}
