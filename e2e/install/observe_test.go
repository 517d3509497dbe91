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
	acts, watches := deployment(t, base, "netmode-policies"), deployment(t, observe, "netmode-policies")
	if have := watches.Spec.Template.Spec.Containers[0].Args; !slices.Equal(have, append(acts.Spec.Template.Spec.Containers[0].Args, "--observe-only")) {
		t.Errorf("arguments %q", have)
	}
	entries, promises := 0, 0
	for _, o := range observe {
		switch c := strict(t, o).(type) {
		case *admissionv1.MutatingWebhookConfiguration:
			for i := range c.Webhooks {
				entries++
				if w := &c.Webhooks[i]; w.FailurePolicy == nil || *w.FailurePolicy != admissionv1.Ignore || len(w.Rules) == 0 {
					t.Errorf("%s: failurePolicy %v with %d rules, want Ignore and the rules of base", w.Name, w.FailurePolicy, len(w.Rules))
				}
			}
		case *admissionv1.ValidatingAdmissionPolicy:
			promises++
		case *admissionv1.ValidatingAdmissionPolicyBinding:
			t.Errorf("%s is bound", c.Name)
		}
	}
	if entries != 4 || promises != 3 {
		t.Errorf("%d webhook entries and %d promises, want those of base", entries, promises)
	}
}
