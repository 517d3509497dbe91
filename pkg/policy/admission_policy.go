package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
)

// AdmissionPolicy is what the API server itself enforces of a policy, for one
// kind of object. Source: KEP-3488.
type AdmissionPolicy struct {
	Policy  *admissionregistrationv1.ValidatingAdmissionPolicy
	Binding *admissionregistrationv1.ValidatingAdmissionPolicyBinding
}

// AdmissionSettings are what the AdmissionPolicies of a cluster have in common.
type AdmissionSettings struct {
	// ExemptNamespaces are those in which no policy holds.
	ExemptNamespaces []string
	// SystemNamespaces are those whose system-critical pods pass.
	SystemNamespaces []string
	// ObserveOnly has every policy do no more than tell the audit log.
	ObserveOnly bool
}

// AdmissionPolicies returns what forbids in the API server what the policy
// forbids: one AdmissionPolicy for Pods, and one for Services where the policy
// judges them. There is none where it forbids nothing. They are the policy's own:
// an owner's uid makes them go with it; "" leaves them without owner.
//
// Everything that the policy says is written into them as constants, and only
// the rules that it sets. Their selectors are the API server's own. Whatever
// loops over what a pod holds stands behind the variable small: comprehensions
// are quadratic in cel-go, and its cost limit does not stop them.
func (p *Policy) AdmissionPolicies(settings *AdmissionSettings, uid types.UID) []AdmissionPolicy {
	var all []AdmissionPolicy
	for _, c := range []*expressions{p.podExpressions(settings), p.serviceExpressions()} {
		if len(c.validations) > 0 {
			all = append(all, p.admissionPolicy(settings, uid, c))
		}
	}
	return all
}

// AdmissionLabels are those of what AdmissionPolicies returns.
func AdmissionLabels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": "netmode", "app.kubernetes.io/component": "policies"}
}

// expressions are what an AdmissionPolicy for one kind of object has of its own.
type expressions struct {
	resource, prefix string
	objectSelector   *metav1.LabelSelector
	conditions       []admissionregistrationv1.MatchCondition
	variables        []admissionregistrationv1.Variable
	validations      []admissionregistrationv1.Validation
	audit            []admissionregistrationv1.AuditAnnotation
}

func (c *expressions) variable(name, expression string) {
	c.variables = append(c.variables, admissionregistrationv1.Variable{Name: name, Expression: expression})
}

// validation holds where the expression is true. Its message is what the Go
// judgement says of the same.
func (c *expressions) validation(p *Policy, expression string, reason plan.Reason, path *field.Path, value any, detail string) {
	var said plan.Plan
	said.RefuseError(reason, fault(path, value, p.says(detail)))
	invalid := metav1.StatusReasonInvalid
	c.validations = append(c.validations, admissionregistrationv1.Validation{
		Expression: expression, Message: said.Message(&said.Trace[0]), Reason: &invalid,
	})
}

func (p *Policy) admissionPolicy(settings *AdmissionSettings, uid types.UID, c *expressions) AdmissionPolicy {
	meta := metav1.ObjectMeta{
		Name:   admissionName(c.prefix, p.Name),
		Labels: AdmissionLabels(),
	}
	if uid != "" {
		meta.OwnerReferences = []metav1.OwnerReference{{APIVersion: api.PolicyAPIVersion, Kind: api.PolicyKind, Name: p.Name, UID: uid}}
	}
	failurePolicy, matchPolicy, scope := admissionregistrationv1.Fail, admissionregistrationv1.Equivalent, admissionregistrationv1.NamespacedScope
	objects := c.objectSelector
	if objects == nil {
		objects = &metav1.LabelSelector{}
	}
	return AdmissionPolicy{
		Policy: &admissionregistrationv1.ValidatingAdmissionPolicy{
			TypeMeta:   metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicy"},
			ObjectMeta: *meta.DeepCopy(),
			Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
				FailurePolicy: &failurePolicy,
				MatchConstraints: &admissionregistrationv1.MatchResources{
					NamespaceSelector: p.namespacesBut(settings.ExemptNamespaces),
					ObjectSelector:    objects,
					MatchPolicy:       &matchPolicy,
					ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
						Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
						Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{c.resource}, Scope: &scope},
					}}},
				},
				MatchConditions:  c.conditions,
				Variables:        c.variables,
				Validations:      c.validations,
				AuditAnnotations: c.audit,
			},
		},
		Binding: &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: admissionregistrationv1.SchemeGroupVersion.String(), Kind: "ValidatingAdmissionPolicyBinding"},
			ObjectMeta: meta,
			Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
				PolicyName:        meta.Name,
				ValidationActions: []admissionregistrationv1.ValidationAction{p.action(settings.ObserveOnly)},
			},
		},
	}
}

// action is what becomes of an object that breaks the policy.
func (p *Policy) action(observeOnly bool) admissionregistrationv1.ValidationAction {
	switch {
	case observeOnly || p.Enforcement == api.EnforcementAudit:
		return admissionregistrationv1.Audit
	case p.Enforcement == api.EnforcementWarn:
		return admissionregistrationv1.Warn
	default:
		return admissionregistrationv1.Deny
	}
}

// namespacesBut is the policy's namespaceSelector without the exempt namespaces.
func (p *Policy) namespacesBut(exempt []string) *metav1.LabelSelector {
	selector := p.Spec.NamespaceSelector.LabelSelector()
	selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: slices.Clone(exempt),
	})
	return selector
}

// admissionName is a name of its own for each policy: what is too long is cut,
// with a hash of the whole.
func admissionName(prefix, policy string) string {
	name := prefix + policy
	if len(name) <= validation.DNS1123SubdomainMaxLength {
		return name
	}
	const digits = 16
	sum := sha256.Sum256([]byte(policy))
	cut := strings.TrimRight(name[:validation.DNS1123SubdomainMaxLength-digits-1], ".-")
	return cut + "-" + hex.EncodeToString(sum[:digits/2])
}

// podExpressions are the rules for Pods.
func (p *Policy) podExpressions(settings *AdmissionSettings) *expressions {
	c := &expressions{
		resource: "pods", prefix: "netmode-policy-", objectSelector: p.Spec.PodSelector.LabelSelector(),
		conditions: []admissionregistrationv1.MatchCondition{{Name: "no-mirror-pod", Expression: noMirrorPod}},
	}
	pass := "" // what lets a pod pass whatever it holds
	if len(settings.SystemNamespaces) > 0 {
		c.variable("critical", fmt.Sprintf(
			"object.spec.?priorityClassName.orValue('') in %s && request.namespace in %s", list(api.SystemCriticalClasses()), list(settings.SystemNamespaces)))
		c.audit = []admissionregistrationv1.AuditAnnotation{{
			Key: "system-critical", ValueExpression: "variables.critical ? '" + p.says("lets a system-critical pod pass") + "' : ''",
		}}
		pass = "variables.critical || "
	}
	forbidden := p.forbiddenModes()
	unmanaged := !p.allowsUnmanaged()
	rules := p.Spec.HostNetwork
	if rules == nil {
		rules = &api.HostNetwork{}
	}
	if len(forbidden) > 0 || p.Spec.RequireMode || unmanaged {
		c.mode()
	}
	if unmanaged || rules.RequireDeclaredPorts {
		c.variable("hostNetwork", "object.spec.?hostNetwork.orValue(false)")
	}
	if rules.RequireDeclaredPorts || rules.PortRange != nil {
		c.variable("containers", "object.spec.?containers.orValue([])")
		c.variable("initContainers", "object.spec.?initContainers.orValue([])")
		c.variable("small", small())
	}
	p.validateModes(c, pass, forbidden)
	if p.Spec.RequireMode {
		c.validation(p, pass+"variables.mode != ''", plan.PolicyModeRequired, modePath, nil, p.requiresMode())
		if !p.permits(api.ModeDefault) {
			c.validation(p, pass+"variables.mode != 'default'", plan.PolicyModeRequired, modePath, string(api.ModeDefault), p.requiresMode())
		}
	}
	if unmanaged {
		c.validation(p, pass+"!variables.hostNetwork || variables.mode == 'hostnetwork'",
			plan.PolicyHostNetworkUnmanaged, hostNetworkPath, true, p.allowsHostNetwork())
	}
	p.validatePorts(c, pass, rules)
	return c
}

// serviceExpressions are the rules for Services: those of a policy that chooses
// no pods.
func (p *Policy) serviceExpressions() *expressions {
	c := &expressions{resource: "services", prefix: "netmode-service-policy-"}
	forbidden := p.forbiddenModes()
	if p.Spec.PodSelector != nil || len(forbidden) == 0 {
		return c
	}
	c.variable("mode", ignored+" ? '' : "+asked+".orValue('')")
	p.validateModes(c, "", forbidden)
	return c
}

// validateModes has a validation for each mode that is not allowed, so that
// each message names it.
func (p *Policy) validateModes(c *expressions, pass string, forbidden []api.Mode) {
	for _, m := range forbidden {
		c.validation(p, pass+"variables.mode != "+quote(string(m)), plan.PolicyModeNotAllowed, modePath, string(m), p.allowsModes())
	}
}

// forbiddenModes are those besides default that the policy does not allow.
func (p *Policy) forbiddenModes() []api.Mode {
	return slices.DeleteFunc(api.Modes(), func(m api.Mode) bool { return m == api.ModeDefault || p.permits(m) })
}

func (p *Policy) validatePorts(c *expressions, pass string, rules *api.HostNetwork) {
	switch {
	case rules.PortRange != nil:
		c.validation(p, pass+"variables.small", plan.PodTooLarge, containersPath, anyValue{}, looksAt())
	case rules.RequireDeclaredPorts:
		c.validation(p, pass+"!variables.hostNetwork || variables.small", plan.PodTooLarge, containersPath, anyValue{}, looksAt())
	}
	if rules.RequireDeclaredPorts {
		const hasPorts = "size(c.?ports.orValue([])) > 0"
		c.validation(p, pass+"!variables.hostNetwork || !variables.small || variables.containers.exists(c, "+hasPorts+") || "+
			"variables.initContainers.exists(c, c.?restartPolicy.orValue('') == 'Always' && "+hasPorts+")",
			plan.PolicyPortsUndeclared, containersPath, nil, requiresPorts)
	}
	if r := rules.PortRange; r != nil {
		for _, containers := range []string{"initContainers", "containers"} {
			inRange := fmt.Sprintf("%s!variables.small || variables.%s.all(c, c.?ports.orValue([]).all(p, "+
				"p.?hostPort.orValue(0) == 0 || p.hostPort >= %d && p.hostPort <= %d))", pass, containers, r.Min, r.Max)
			path := field.NewPath("spec", containers+"[*]", "ports[*]", "hostPort")
			c.validation(p, inRange, plan.PolicyPortOutOfRange, path, anyValue{}, allowsPorts(r))
		}
	}
}

const (
	asked   = "object.metadata.?annotations[?'" + api.AnnotationMode + "']"
	ignored = "object.metadata.?labels[?'" + api.LabelIgnore + "'].orValue('') == 'true'"

	// noMirrorPod lets kubelets, and nobody else, make mirror pods.
	noMirrorPod = "!('" + api.AnnotationMirror + "' in object.metadata.?annotations.orValue({}) && " +
		"'" + api.GroupNodes + "' in request.userInfo.?groups.orValue([]))"
)

// mode is the variable mode: what the pod's annotation asks for, else what its
// status says, which anybody can write, and which therefore counts only where
// the namespace gives such modes; empty where there is none. Its beginning is all
// that CEL can read of it, and the order of its members is fixed.
func (c *expressions) mode() {
	modes := list(api.Modes())
	begins := func(name string, source plan.Source) string {
		return "variables.status.startsWith('" + mode.StatusBegins(name, source) + "')"
	}
	c.variable("asked", asked+".orValue('')")
	c.variable("status", "object.metadata.?annotations[?'"+api.AnnotationStatus+"'].orValue('')")
	c.variable("label", "namespaceObject.metadata.?labels[?'"+api.LabelMode+"'].orValue('')")
	var inherited strings.Builder
	inherited.WriteString("variables.label in " + modes + " && " + begins("' + variables.label + '", plan.SourceNamespace) + " ? variables.label :\n" +
		"namespaceObject.metadata.?labels[?'" + api.LabelPolicy + "'].orValue('') != '" + api.PolicyEnabled + "' ? '' :\n")
	for _, m := range api.Modes() {
		inherited.WriteString(begins(string(m), plan.SourcePolicy) + " ? " + quote(string(m)) + " :\n")
	}
	c.variable("mode", ignored+" ? '' :\n"+
		asked+".hasValue() ? (variables.asked in "+modes+" ? variables.asked : '') :\n"+inherited.String()+"''")
}

// small is whether the rules look at the pod's ports.
func small() string {
	const ports = "map(c, size(c.?ports.orValue([]))).sum()"
	return fmt.Sprintf("size(variables.containers) <= %d && size(variables.initContainers) <= %d &&\nvariables.containers.%s + variables.initContainers.%s <= %d",
		api.MaxContainers, api.MaxInitContainers, ports, ports, api.MaxPorts)
}

// list writes a list of words in CEL.
func list[T ~string](words []T) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(string(w))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a word in CEL. Modes and names of namespaces hold nothing that
// would have to be escaped.
func quote(word string) string { return "'" + word + "'" }
