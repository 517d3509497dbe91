package kustomize_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// What each policy is for, how it is bound, and what becomes of objects while it fails. What the
// rules mean is tested against a real API server.
func TestPromises(t *testing.T) {
	all := base(t)
	type row struct {
		Resource, Operation string
		Action              admissionv1.ValidationAction
		FailurePolicy       admissionv1.FailurePolicyType
	}
	have := map[string]row{}
	exempt := &metav1.LabelSelector{MatchExpressions: webhooks(t)["asked.mutate.netmode.io"].NamespaceSelector.MatchExpressions}
	for _, p := range only[*admissionv1.ValidatingAdmissionPolicy](all) {
		to := p.Spec.MatchConstraints
		if len(to.ResourceRules) != 1 || len(to.ResourceRules[0].Resources) != 1 || len(to.ResourceRules[0].Operations) != 1 {
			t.Fatalf("%s: rules %+v", p.Name, to.ResourceRules)
		}
		// The same namespaces as the webhook's, and no objectSelector: whoever makes an object sets its labels.
		if diff := cmp.Diff(exempt, to.NamespaceSelector); diff != "" || to.ObjectSelector != nil || p.Spec.ParamKind != nil {
			t.Errorf("%s: %s, objectSelector %v, parameters %v", p.Name, diff, to.ObjectSelector, p.Spec.ParamKind)
		}
		bound := named[*admissionv1.ValidatingAdmissionPolicyBinding](t, all, p.Name).Spec
		if bound.PolicyName != p.Name || len(bound.ValidationActions) != 1 || bound.MatchResources != nil || bound.ParamRef != nil {
			t.Errorf("%s: bound %+v", p.Name, bound)
		}
		have[p.Name] = row{to.ResourceRules[0].Resources[0], string(to.ResourceRules[0].Operations[0]), bound.ValidationActions[0], *p.Spec.FailurePolicy}
	}
	want := map[string]row{
		"promises.pods.netmode.io":     {"pods", "CREATE", admissionv1.Deny, admissionv1.Fail},
		"promises.services.netmode.io": {"services", "CREATE", admissionv1.Deny, admissionv1.Fail},
		"updates.services.netmode.io":  {"services", "UPDATE", admissionv1.Warn, admissionv1.Ignore},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if bindings := only[*admissionv1.ValidatingAdmissionPolicyBinding](all); len(bindings) != len(want) {
		t.Errorf("%d bindings", len(bindings))
	}
}

// The words are the program's: keys, values, caps and reasons. Each message is one line that begins
// with a field and ends with a reason.
func TestPromisesSpeakAsTheProgram(t *testing.T) {
	message := regexp.MustCompile(`^(spec|metadata)[.a-zA-Z]*: (Invalid value|Required value|Too many): .+: .+ \(([A-Za-z]+)\)$`)
	loop := regexp.MustCompile(`\.(all|exists|exists_one|filter|map)\(`)
	keys := regexp.MustCompile(`netmode\.io/[-a-z]+`)
	known := map[string]bool{
		api.AnnotationMode: true, api.AnnotationService: true, api.AnnotationSearchRewrite: true, api.AnnotationStatus: true,
		api.AnnotationPublishNotReadyAddresses: true, api.LabelIgnore: true,
	}
	reasons := map[string]bool{}
	for _, p := range only[*admissionv1.ValidatingAdmissionPolicy](base(t)) {
		var text strings.Builder
		for _, c := range p.Spec.MatchConditions {
			text.WriteString(c.Expression)
			if loop.MatchString(c.Expression) {
				t.Errorf("%s: %s loops, and is no variable", p.Name, c.Name)
			}
		}
		for _, v := range p.Spec.Variables {
			text.WriteString(v.Expression)
			// A loop whose cost is quadratic: not without a bound.
			if loop.MatchString(v.Expression) && !strings.HasPrefix(v.Expression, "variables.small && ") {
				t.Errorf("%s: %s loops without a bound", p.Name, v.Name)
			}
		}
		for _, v := range p.Spec.Validations {
			text.WriteString(v.Expression + v.Message + v.MessageExpression)
			if loop.MatchString(v.Expression + v.MessageExpression) {
				t.Errorf("%s: %q loops, and is no variable", p.Name, v.Expression)
			}
			if *v.Reason != metav1.StatusReasonInvalid {
				t.Errorf("%s: reason %s", p.Name, *v.Reason)
			}
			if v.MessageExpression != "" {
				continue // read where it is evaluated
			}
			found := message.FindStringSubmatch(v.Message)
			if found == nil {
				t.Errorf("%s: message %q", p.Name, v.Message)
				continue
			}
			reasons[found[3]] = true
		}
		for _, key := range keys.FindAllString(text.String(), -1) {
			if !known[key] {
				t.Errorf("%s: unknown key %s", p.Name, key)
			}
		}
	}
	if want := map[string]bool{string(plan.NotAsPromised): true, "PodTooLarge": true}; !cmp.Equal(want, reasons) {
		t.Errorf("reasons %v", reasons)
	}
}
