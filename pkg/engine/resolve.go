package engine

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// resolvePodMode decides which mode a pod has, and records where it came from:
//
//	annotation  namespace label  mode        source
//	m           anything         m           annotation (asked)
//	default     anything         default     annotation: opts out of what is inherited
//	none        m                m           namespace (inherited)
//	none        not a mode       none        nobody: a warning
//	none        none             none        nobody
//
// The label is netmode.io/mode on the pod's Namespace.
func resolvePodMode(p *plan.Plan, asked api.Asked, namespaceLabels map[string]string) {
	p.Rule("mode")
	if asked.Mode != "" {
		p.Mode, p.Source = asked.Mode, plan.SourceAnnotation
		p.Pass()
		return
	}
	label, labelled := namespaceLabels[api.LabelMode]
	if !labelled {
		p.Keep(plan.NothingAsked, "", "neither the pod nor its namespace asks for a mode")
		return
	}
	path := field.NewPath("namespace", "metadata").Child("labels").Key(api.LabelMode)
	inherited, err := api.ParseMode(label, path)
	if err != nil {
		p.Warn(plan.LabelInvalid, path.String(), err.ErrorBody())
		return
	}
	p.Mode, p.Source = inherited, plan.SourceNamespace
	p.Keep(plan.ModeInherited, path.String(), string(inherited))
}

// setAside leaves a pod alone that an inherited mode cannot serve: a namespace
// of one application has other pods, too. The findings of the mode's rules
// begin at index from.
func setAside(p *plan.Plan, from int) {
	p.Mutations = nil
	p.Service, p.Strategy = "", ""
	for i := from; i < len(p.Trace); i++ {
		switch p.Trace[i].Verdict {
		case plan.Changed, plan.Warned, plan.Refused:
			p.Trace[i].Verdict = plan.Kept
		}
	}
	p.Rule("mode")
	p.Keep(plan.NotApplicable, "", "mode "+string(p.Mode)+" is inherited and cannot serve this pod, which stays as it is")
}
