package engine

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// RulePolicies is the rule whose findings are the policies'.
const RulePolicies = "policies"

// selectPolicies finds the policies that have a say about the pod.
func (d *decision) selectPolicies() bool {
	d.policies = d.Snapshot.Policies(d.Namespace).ForPod(d.pod().Metadata.Labels)
	d.plan.NotAllowed = d.policies.NotAllowed()
	return true
}

// judgePod asks the pod's policies. A refused plan is judged by what it would
// have been.
func (d *decision) judgePod() {
	if !d.Judge || len(d.policies.Policies()) == 0 {
		return
	}
	pod := d.pod()
	from, note := origin(d.plan, d.hasMode)
	d.judge(func() {
		d.policies.JudgePod(&policy.Pod{
			Mode: d.hasMode, ModeObject: from.object, ModeField: from.path, ModeNote: note, Spec: &pod.Spec,
			HostNetwork: pod.Spec.HostNetwork || d.hasMode == api.ModeHostNetwork,
			Critical:    pod.Spec.SystemCritical() && slices.Contains(d.Settings.SystemNamespaces, d.Namespace),
		}, d.plan)
	})
}

// judgeService asks the policies that are for Services.
func (d *decision) judgeService() {
	if !d.Judge || d.plan.Mode == "" {
		return
	}
	policies := d.Snapshot.Policies(d.Namespace).ForService()
	if len(policies.Policies()) == 0 {
		return
	}
	d.judge(func() {
		policies.JudgeService(d.plan.Mode, annotationsPath.Key(api.AnnotationMode), d.plan)
	})
}

func (d *decision) judge(ask func()) {
	d.plan.Rule(RulePolicies)
	before := d.plan.Found()
	ask()
	if d.plan.Found() == before {
		d.plan.Pass()
	}
}

// place is a field of an object.
type place struct {
	object *plan.Object
	path   *field.Path
}

// origin is the field that gives the pod its mode, or could give it one, and
// what there is to say of a mode that the pod does not ask for:
//
//	source                   the pod has   field
//	annotation, nobody       any           the pod's annotation
//	namespace                it            the namespace's label
//	policy                   it            the policy's defaultMode
//	namespace, policy        none: it was  the pod's annotation
//	                         skipped
func origin(p *plan.Plan, has api.Mode) (from place, note string) {
	annotation := place{path: annotationsPath.Key(api.AnnotationMode)}
	var giver string
	switch p.Source {
	case plan.SourceNamespace:
		from, giver = place{&plan.Object{Kind: plan.OwnNamespace}, modeLabelPath}, "the label of the namespace"
	case plan.SourcePolicy:
		from, giver = place{&plan.Object{Kind: plan.OwnPolicy, Name: p.Policy}, specPath.Child("defaultMode")}, "the default of policy "+p.Policy
	default:
		return annotation, ""
	}
	if has == "" {
		return annotation, string(p.Mode) + ", from " + giver + ", cannot serve the pod"
	}
	return from, "the mode comes from " + giver
}
