package engine

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// resolvePodMode decides which mode a pod has, and records where it came from:
//
//	annotation  namespace label  policy   mode        source
//	m           anything         any      m           annotation (asked)
//	default     anything         any      default     annotation: opts out of what is inherited
//	none        m                any      m           namespace (inherited)
//	none        not a mode       m        m           policy (inherited), with a warning
//	none        not a mode       none     none        nobody: a warning
//	none        none             m        m           policy (inherited)
//	none        none             none     none        nobody
//
// The label is netmode.io/mode on the pod's Namespace, the policy's mode the
// defaultMode of the first that has one.
func resolvePodMode(p *plan.Plan, intent api.Intent, namespaceLabels map[string]string, policies policy.Set) {
	p.Rule("mode")
	if intent.Mode != "" {
		p.Mode, p.Source = intent.Mode, plan.SourceAnnotation
		p.Pass()
		return
	}
	label, labelled := namespaceLabels[api.LabelMode]
	if labelled {
		inherited, err := api.ParseMode(label, namespaceLabel)
		if err == nil {
			p.Mode, p.Source = inherited, plan.SourceNamespace
			p.Keep(plan.ModeInherited, namespaceLabel.String(), string(inherited))
			return
		}
		p.Warn(plan.LabelInvalid, namespaceLabel.String(), err.ErrorBody())
	}
	switch inherited, by := policies.Default(); {
	case by == nil:
	case namespaceLabels[api.LabelPolicy] == api.PolicyEnabled:
		p.Mode, p.Source, p.Policy = inherited, plan.SourcePolicy, by.Name
		p.Keep(plan.PolicyDefault, "", string(inherited)+", the default of policy "+by.Name)
		return
	default:
		p.Keep(plan.PolicyNamespaceUnlabelled, "namespace.metadata.labels["+api.LabelPolicy+"]",
			"is not "+api.PolicyEnabled+", so policy "+by.Name+" does not give its defaultMode "+string(inherited)+": "+plan.PolicyNamespaceUnlabelled.Doc().Cure)
	}
	if !labelled {
		p.Keep(plan.NothingAsked, "", "neither the pod nor its namespace asks for a mode")
	}
}

// origin is the field that gives the pod its mode, or could give it one, and
// what there is to say of a mode that the pod does not ask for:
//
//	source                   the pod has   field
//	annotation, nobody       any           the pod's annotation
//	namespace                it            the namespace's label
//	policy                   it            the policy's defaultMode
//	namespace, policy        none: it was  the pod's annotation
//	                         set aside
func origin(p *plan.Plan, has api.Mode) (path *field.Path, note string) {
	annotation := annotationsPath.Key(api.AnnotationMode)
	var from string
	switch p.Source {
	case plan.SourceNamespace:
		path, from = namespaceLabel, "the label of the namespace"
	case plan.SourcePolicy:
		path, from = field.NewPath("policy "+p.Policy+" spec").Child("defaultMode"), "the default of policy "+p.Policy
	default:
		return annotation, ""
	}
	if has == "" {
		return annotation, string(p.Mode) + ", from " + from + ", cannot serve the pod"
	}
	return path, "the mode comes from " + from
}

// servable says whether the pod can have the mode, and start with it.
func servable(p *plan.Plan) bool { return !p.Refused() && !(p.Changes() && rejected(p)) }

// rejected says whether Kubernetes itself will refuse the pod as the mode makes
// it, by the PodSecurity level of its namespace.
func rejected(p *plan.Plan) bool {
	return p.Has(plan.PodSecurityRejects)
}

// applied reports whether netmode has given the pod its inherited mode before:
// its status says so, and the pod holds what the mode writes. The status alone
// counts for nothing, since anybody can write or copy it.
func applied(m *mode.Mode, c *mode.PodCase) bool {
	status, ok := parseStatus(c.Pod.Metadata.Annotations[api.AnnotationStatus])
	inherited := status.Source == plan.SourceNamespace || status.Source == plan.SourcePolicy
	return ok && inherited && status.Mode == m.Name && m.Applied != nil && m.Applied(c, status.Service)
}

// refuseApplied refuses a pod that has an inherited mode and was then made one
// that the mode cannot serve. What was given cannot be taken back, since nobody
// knows what the pod was before.
func refuseApplied(p *plan.Plan) {
	if !p.Refused() {
		return // Kubernetes will refuse it
	}
	_, note := origin(p, p.Mode)
	p.Rule("mode")
	p.RefuseError(plan.NoLongerApplicable, field.Forbidden(annotationsPath.Key(api.AnnotationStatus),
		"mode "+string(p.Mode)+" was given to the pod, and another webhook made it one that the mode cannot serve; "+note))
}

// skipInherited leaves a pod alone that an inherited mode cannot serve: a namespace
// of one application has other pods, too. The findings of the mode's rules
// begin at index from.
func skipInherited(p *plan.Plan, from int) {
	p.Mutations = nil
	p.Service, p.Strategy = "", ""
	p.LacksService = p.Refused()
	for i := from; i < len(p.Trace); i++ {
		f := &p.Trace[i]
		switch f.Verdict {
		case plan.Refused:
			p.LacksService = p.LacksService && aboutServices(f)
			f.Verdict = plan.Kept
		case plan.Changed, plan.Warned:
			f.Verdict = plan.Kept
		}
	}
	p.Rule("mode")
	p.Keep(plan.NotApplicable, "", "mode "+string(p.Mode)+" is inherited and cannot serve this pod, which stays as it is")
}
