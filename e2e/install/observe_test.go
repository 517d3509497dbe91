package install

import (
	"path/filepath"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	entries, promises, bindings := 0, 0, 0
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
			// One that is left out would stay where netmode acted before.
			bindings++
			if selector, err := metav1.LabelSelectorAsSelector(c.Spec.MatchResources.NamespaceSelector); err != nil || selector.Matches(labels.Set{corev1.LabelMetadataName: "default"}) {
				t.Errorf("%s is bound, %v", c.Name, err)
			}
		}
	}
	if entries != 4 || promises != 3 || bindings != 3 {
		t.Errorf("%d webhook entries, %d promises and %d bindings, want those of base", entries, promises, bindings)
	}
}
