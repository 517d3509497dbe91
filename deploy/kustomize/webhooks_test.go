package kustomize_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// row is one webhook, as the table of entries has it.
type row struct {
	Path, Operations, Resources, FailurePolicy string
}

// webhooks are the entries of both configurations by kind and name; a validating one in the
// mutating type, which has one field more.
func webhooks(t *testing.T) map[string]admissionv1.MutatingWebhook {
	t.Helper()
	all := base(t)
	entries := map[string]admissionv1.MutatingWebhook{}
	for _, w := range named[*admissionv1.MutatingWebhookConfiguration](t, all, "netmode").Webhooks {
		entries["mutating "+w.Name] = w
	}
	for _, w := range named[*admissionv1.ValidatingWebhookConfiguration](t, all, "netmode").Webhooks {
		entries["validating "+w.Name] = admissionv1.MutatingWebhook{
			Name: w.Name, ClientConfig: w.ClientConfig, Rules: w.Rules, FailurePolicy: w.FailurePolicy, MatchPolicy: w.MatchPolicy,
			NamespaceSelector: w.NamespaceSelector, ObjectSelector: w.ObjectSelector, SideEffects: w.SideEffects,
			TimeoutSeconds: w.TimeoutSeconds, AdmissionReviewVersions: w.AdmissionReviewVersions, MatchConditions: w.MatchConditions,
		}
	}
	return entries
}

func TestWebhookEntries(t *testing.T) {
	have := map[string]row{}
	for key, w := range webhooks(t) {
		if len(w.Rules) != 1 {
			t.Fatalf("%s: %d rules", key, len(w.Rules))
		}
		rule := w.Rules[0]
		have[key] = row{*w.ClientConfig.Service.Path, fmt.Sprint(rule.Operations), strings.Join(rule.Resources, " "), string(*w.FailurePolicy)}
		if !slices.Equal(rule.APIGroups, []string{""}) || !slices.Equal(rule.APIVersions, []string{"v1"}) || *rule.Scope != admissionv1.NamespacedScope {
			t.Errorf("%s: rule %+v", key, rule)
		}
	}
	want := map[string]row{
		"mutating asked.mutate.netmode.io":     {"/mutate", "[CREATE]", "pods services", "Fail"},
		"validating asked.validate.netmode.io": {"/validate", "[CREATE]", "pods services", "Fail"},
		"validating services.warn.netmode.io":  {"/validate", "[UPDATE]", "services", "Ignore"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// What is the same for every entry.
func TestWebhookCalls(t *testing.T) {
	service := named[*corev1.Service](t, base(t), webhookName)
	exempt := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{metav1.NamespaceSystem, ownNamespace},
	}}}
	for key, w := range webhooks(t) {
		to := w.ClientConfig.Service
		if to.Namespace != service.Namespace || to.Name != service.Name || *to.Port != service.Spec.Ports[0].Port || w.ClientConfig.CABundle != nil {
			t.Errorf("%s: calls %+v", key, w.ClientConfig)
		}
		if diff := cmp.Diff(exempt, w.NamespaceSelector); diff != "" {
			t.Errorf("%s: namespaceSelector: %s", key, diff)
		}
		// Whoever makes an object sets its labels.
		if w.ObjectSelector != nil {
			t.Errorf("%s: has an objectSelector", key)
		}
		if *w.MatchPolicy != admissionv1.Equivalent || *w.SideEffects != admissionv1.SideEffectClassNone || *w.TimeoutSeconds != 3 ||
			!slices.Equal(w.AdmissionReviewVersions, []string{"v1"}) {
			t.Errorf("%s: %+v", key, w)
		}
		if mutates := strings.HasPrefix(key, "mutating "); mutates != (w.ReinvocationPolicy != nil && *w.ReinvocationPolicy == admissionv1.IfNeededReinvocationPolicy) {
			t.Errorf("%s: reinvocationPolicy %v", key, w.ReinvocationPolicy)
		}
	}
}

// The condition guards against an object without annotations, where CEL would fail and the API
// server refuse the object; what it means is tested against a real one.
func TestWebhookConditions(t *testing.T) {
	want := fmt.Sprintf("has(object.metadata.annotations) && object.metadata.annotations.exists(key, key.startsWith('%s') && !(key in ['%s', '%s']))",
		api.Prefix, api.AnnotationStatus, api.AnnotationCopied)
	for key, w := range webhooks(t) {
		if len(w.MatchConditions) != 1 || w.MatchConditions[0].Name != "asks" {
			t.Fatalf("%s: conditions %+v", key, w.MatchConditions)
		}
		if have := w.MatchConditions[0].Expression; have != want {
			t.Errorf("%s:\nhave %s\nwant %s", key, have, want)
		}
	}
}
