package engine

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
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
func (d *decision) resolvePodMode() bool {
	p := d.plan
	ns, _ := d.Snapshot.Namespace(d.Namespace)
	d.labels = ns.Labels
	p.Rule("mode")
	if d.intent.Mode != "" {
		p.Mode, p.Source = d.intent.Mode, plan.SourceAnnotation
		p.Pass()
	} else {
		d.inherit(&ns)
	}
	d.hasMode = p.Mode
	if d.mode, d.found = mode.Find(p.Mode); !d.found {
		d.mode = mode.None()
	}
	return true
}

// inherit resolves the mode of a pod that asks for none.
func (d *decision) inherit(ns *api.Namespace) {
	p, namespace := d.plan, d.plan.About(&plan.Object{Kind: plan.OwnNamespace})
	label, labelled := d.labels[api.LabelMode]
	if labelled {
		inherited, err := api.ParseMode(label, modeLabelPath)
		if err == nil {
			p.Mode, p.Source = inherited, plan.SourceNamespace
			namespace.Keep(plan.ModeInherited, modeLabelPath.String(), string(inherited))
			return
		}
		namespace.Warn(plan.LabelInvalid, modeLabelPath.String(), err.ErrorBody())
	} else if _, annotated := ns.Annotations[api.AnnotationMode]; annotated {
		namespace.Warn(plan.NamespaceAnnotation, annotationsPath.Key(api.AnnotationMode).String(), asAnnotation)
	}
	switch inherited, by := d.policies.Default(); {
	case by == nil:
	case d.labels[api.LabelPolicy] == api.PolicyEnabled:
		p.Mode, p.Source, p.Policy = inherited, plan.SourcePolicy, by.Name
		p.Keep(plan.PolicyDefault, "", string(inherited)+", the default of policy "+by.Name)
		return
	default:
		namespace.Keep(plan.PolicyNamespaceUnlabelled, "metadata.labels["+api.LabelPolicy+"]",
			"is not "+api.PolicyEnabled+", so policy "+by.Name+" does not give its defaultMode "+string(inherited)+": "+plan.PolicyNamespaceUnlabelled.Doc().Cure)
	}
	if !labelled {
		p.Keep(plan.NothingAsked, "", "neither the pod nor its namespace asks for a mode")
	}
}

// resolveServiceMode: a Service has the mode of its own annotation, and inherits
// none.
func (d *decision) resolveServiceMode() bool {
	p := d.plan
	p.Rule("mode")
	p.Mode = d.intent.Mode
	if p.Mode == "" {
		p.Keep(plan.NothingAsked, "", "the Service asks for no mode")
	} else {
		p.Source = plan.SourceAnnotation
		p.Pass()
	}
	d.mode, d.found = mode.Find(p.Mode)
	return true
}

// servable says whether the pod can have the mode, and start with it.
func servable(p *plan.Plan) bool { return !p.Refused() && !rejected(p) }

// rejected says whether Kubernetes itself will refuse the pod for what the mode
// makes it, by the PodSecurity level of its namespace: not for what it was.
func rejected(p *plan.Plan) bool {
	return p.Has(plan.PodSecurityRejects) && slices.ContainsFunc(p.Mutations, func(m plan.Mutation) bool { return m.Pointer == "/spec/hostNetwork" })
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
	p.LacksService = p.Refused() && !slices.ContainsFunc(p.Trace[from:], func(f plan.Finding) bool {
		return f.Verdict == plan.Refused && !aboutServices(&f)
	})
	skipped := plan.Judged(p.Trace[from:], map[plan.Verdict]plan.Verdict{
		plan.Refused: plan.Kept, plan.Changed: plan.Kept, plan.Warned: plan.Kept,
	})
	p.Trace = append(p.Trace[:from], skipped...)
	p.Rule("mode")
	p.Keep(plan.NotApplicable, "", "mode "+string(p.Mode)+" is inherited and cannot serve this pod, which stays as it is")
}
