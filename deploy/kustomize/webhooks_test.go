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
	"k8s.io/apimachinery/pkg/labels"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// row is one webhook, as the table of entries has it.
type row struct {
	Path, Operations, Resources, FailurePolicy string
}

// webhooks are the entries by name.
func webhooks(t *testing.T) map[string]admissionv1.MutatingWebhook {
	t.Helper()
	all := base(t)
	if validating := only[*admissionv1.ValidatingWebhookConfiguration](all); len(validating) > 0 {
		t.Errorf("%d ValidatingWebhookConfigurations", len(validating))
	}
	entries := map[string]admissionv1.MutatingWebhook{}
	for _, w := range named[*admissionv1.MutatingWebhookConfiguration](t, all, "netmode").Webhooks {
		entries[w.Name] = w
	}
	return entries
}

// asksNothing is the condition of entries for pods that no other entry is for.
const asksNothing = "asks-nothing"

// workloads is the entry for the objects that make pods.
const workloads = "workloads.mutate.netmode.io"

func TestWebhookEntries(t *testing.T) {
	have := map[string]row{}
	for name, w := range webhooks(t) {
		if len(w.Rules) != 1 {
			t.Fatalf("%s: %d rules", name, len(w.Rules))
		}
		rule := w.Rules[0]
		have[name] = row{*w.ClientConfig.Service.Path, fmt.Sprint(rule.Operations), strings.Join(rule.Resources, " "), string(*w.FailurePolicy)}
		groups := []string{""}
		if name == workloads {
			groups = []string{"apps", "batch"}
		}
		if !slices.Equal(rule.APIGroups, groups) || !slices.Equal(rule.APIVersions, []string{"v1"}) || *rule.Scope != admissionv1.NamespacedScope {
			t.Errorf("%s: rule %+v", name, rule)
		}
	}
	want := map[string]row{
		"asked.mutate.netmode.io":     {"/mutate/asked", "[CREATE]", "pods services", "Fail"},
		"namespace.mutate.netmode.io": {"/mutate/namespace", "[CREATE]", "pods", "Fail"},
		"policy.mutate.netmode.io":    {"/mutate/policy", "[CREATE]", "pods", "Ignore"},

		workloads: {"/mutate/workloads", "[CREATE UPDATE]", "deployments statefulsets daemonsets jobs cronjobs", "Fail"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// What is the same for every entry.
func TestWebhookCalls(t *testing.T) {
	service := named[*corev1.Service](t, base(t), webhookName)
	exempt := metav1.LabelSelectorRequirement{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: []string{metav1.NamespaceSystem, ownNamespace},
	}
	for key, w := range webhooks(t) {
		to := w.ClientConfig.Service
		if to.Namespace != service.Namespace || to.Name != service.Name || *to.Port != service.Spec.Ports[0].Port || w.ClientConfig.CABundle != nil {
			t.Errorf("%s: calls %+v", key, w.ClientConfig)
		}
		want := &metav1.LabelSelector{MatchExpressions: append([]metav1.LabelSelectorRequirement{exempt}, selected()[key]...)}
		if diff := cmp.Diff(want, w.NamespaceSelector); diff != "" {
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
		if *w.ReinvocationPolicy != admissionv1.IfNeededReinvocationPolicy {
			t.Errorf("%s: reinvocationPolicy %v", key, *w.ReinvocationPolicy)
		}
	}
}

// selected says which namespaces an entry is for, by their labels, where it is not for all.
func selected() map[string][]metav1.LabelSelectorRequirement {
	hasMode := metav1.LabelSelectorRequirement{Key: api.LabelMode, Operator: metav1.LabelSelectorOpExists}
	noMode := metav1.LabelSelectorRequirement{Key: api.LabelMode, Operator: metav1.LabelSelectorOpDoesNotExist}
	enabled := metav1.LabelSelectorRequirement{Key: api.LabelPolicy, Operator: metav1.LabelSelectorOpIn, Values: []string{api.PolicyEnabled}}
	return map[string][]metav1.LabelSelectorRequirement{
		"namespace.mutate.netmode.io": {hasMode},
		"policy.mutate.netmode.io":    {enabled, noMode},
	}
}

// No two entries are sent one pod: those for pods that ask for nothing differ in their namespaces.
func TestWebhooksAreDisjoint(t *testing.T) {
	all := webhooks(t)
	for _, namespace := range []labels.Set{
		nil, {api.LabelMode: "headless"}, {api.LabelMode: ""}, {api.LabelPolicy: api.PolicyEnabled}, {api.LabelPolicy: "disabled"},
		{api.LabelMode: "headless", api.LabelPolicy: api.PolicyEnabled}, {api.LabelMode: "headless", api.LabelPolicy: "disabled"},
	} {
		var sent []string
		for name, w := range all {
			selector, err := metav1.LabelSelectorAsSelector(w.NamespaceSelector)
			if err != nil {
				t.Fatal(err)
			}
			if w.MatchConditions[0].Name == asksNothing && selector.Matches(namespace) {
				sent = append(sent, name)
			}
		}
		_, hasMode := namespace[api.LabelMode]
		want := 0
		if hasMode || namespace[api.LabelPolicy] == api.PolicyEnabled {
			want = 1
		}
		if len(sent) != want {
			t.Errorf("namespace with labels %v: pods are sent to %v, want %d", namespace, sent, want)
		}
	}
}

// The conditions guard against an object without annotations, where CEL would fail and the API
// server refuse the object, and against one with so many that CEL would take seconds; what they
// mean is tested against a real one.
func TestWebhookConditions(t *testing.T) {
	asks := fmt.Sprintf("has(object.metadata.annotations) && (object.metadata.annotations.size() > 500 || "+
		"object.metadata.annotations.exists(key, key.startsWith('%s') && !(key in ['%s', '%s'])))",
		api.Prefix, api.AnnotationStatus, api.AnnotationCopied)
	// The resources of the rule are those of the kinds that netmode knows.
	if have, want := len(webhooks(t)[workloads].Rules[0].Resources), len(workload.Kinds()); have != want {
		t.Errorf("%d resources, and %d kinds", have, want)
	}
	ofWorkloads := []admissionv1.MatchCondition{
		{Name: "is-not-being-deleted", Expression: "!has(object.metadata.deletionTimestamp)"},
		{Name: "asks-or-asked", Expression: fmt.Sprintf("[object, oldObject].exists(o, o != null && [o.metadata.?annotations, o.?spec.?template.?metadata.?annotations, "+
			"o.?spec.?jobTemplate.?spec.?template.?metadata.?annotations].exists(a, "+
			"a.orValue({}).size() > 500 || a.orValue({}).exists(key, key.startsWith('%s') && key != '%s'))) && "+
			"(oldObject == null || object.metadata.?annotations != oldObject.metadata.?annotations || "+
			"object.metadata.?labels != oldObject.metadata.?labels || object.?spec.?suspend != oldObject.?spec.?suspend || "+
			"object.?spec.?template != oldObject.?spec.?template || object.?spec.?jobTemplate != oldObject.?spec.?jobTemplate)",
			api.Prefix, api.AnnotationStatus)},
	}
	for name, w := range webhooks(t) {
		want := []admissionv1.MatchCondition{{Name: "asks", Expression: asks}}
		switch {
		case name == workloads:
			want = ofWorkloads
		case len(selected()[name]) > 0:
			want = []admissionv1.MatchCondition{{Name: asksNothing, Expression: "!(" + asks + ")"}}
		}
		if diff := cmp.Diff(want, w.MatchConditions); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
