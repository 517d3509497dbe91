package engine

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// rule looks at one thing, and says whether the rules after it are to look as
// well.
type rule func(*decision) (more bool)

// rules are what looks at one kind of objects.
type rules struct {
	inOrder []rule
	// last looks at whatever came of the others; it may be nil.
	last func(*decision)
	// findings is how many are usual.
	findings int
}

// The rules, by the kind of object that they look at; read-only.
var (
	podRules = rules{[]rule{
		(*decision).selectPolicies,
		(*decision).honourIgnoreLabel,
		(*decision).warnModeLabel,
		(*decision).parseAnnotations,
		(*decision).resolvePodMode,
		(*decision).warnUnusedOnPod,
		(*decision).applyPodMode,
	}, (*decision).judgePod, 20}

	serviceRules = rules{[]rule{
		(*decision).honourIgnoreLabel,
		(*decision).warnModeLabel,
		(*decision).parseAnnotations,
		(*decision).resolveServiceMode,
		(*decision).warnUnusedOnService,
		(*decision).applyServiceMode,
	}, (*decision).judgeService, 12}

	workloadRules = rules{[]rule{
		(*decision).copyAnnotations,
		(*decision).tryFirstPod,
		(*decision).nameSubdomain,
		(*decision).warnOverwritten,
		(*decision).tellOfJobs,
	}, (*decision).downgradeOnUpdate, 24}

	otherRules = rules{[]rule{
		(*decision).warnNamespaceAnnotations,
		(*decision).warnOldVersion,
		(*decision).warnMisplaced,
		(*decision).tellNotRendered,
	}, nil, 4}
)

func rulesFor(object Object) *rules {
	switch object.(type) {
	case *api.Service:
		return &serviceRules
	case *WorkloadCase:
		return &workloadRules
	case *Other:
		return &otherRules
	default:
		return &podRules
	}
}

// decide has the rules look at an object.
func (r *rules) decide(request Request) *plan.Plan {
	d := &decision{Request: request, plan: &plan.Plan{Trace: make([]plan.Finding, 0, r.findings)}}
	if c := d.workload(); c != nil {
		d.firstPod, d.plan.FirstPod = c.Pod, c.Pod
	}
	if !d.inScope() {
		return d.plan
	}
	for _, rule := range r.inOrder {
		if !rule(d) {
			break
		}
	}
	if r.last != nil {
		r.last(d)
	}
	return d.plan
}

// decision is one that is being made.
type decision struct {
	Request
	plan *plan.Plan

	intent api.Intent
	// labels are those of the object's Namespace.
	labels map[string]string
	// mode is None where the object has none.
	mode  mode.Mode
	found bool

	// policies are those that select a Pod, and hasMode the mode that it has in the
	// end for them: an inherited one that cannot serve it is none.
	policies policy.Set
	hasMode  api.Mode
	// firstPod is the first of a workload's template, as it is now.
	firstPod *api.Pod
}

func (d *decision) pod() *api.Pod {
	pod, _ := d.Object.(*api.Pod)
	return pod
}

func (d *decision) service() *api.Service {
	service, _ := d.Object.(*api.Service)
	return service
}

// inScope reports whether the object is one that netmode looks at, policies
// included, whatever it asks for.
func (d *decision) inScope() bool {
	d.plan.Rule("scope")
	switch {
	case slices.Contains(d.Settings.ExemptNamespaces, d.Namespace):
		d.plan.Keep(plan.ExemptNamespace, "metadata.namespace", d.Namespace+" is never touched")
		return false
	case d.Object.Meta().DeletionTimestamp != nil:
		d.plan.Keep(plan.BeingDeleted, "metadata.deletionTimestamp", "the object is being deleted")
		return false
	}
	return true
}

// honourIgnoreLabel leaves an object alone that its label keeps netmode from
// changing. It does not keep policies away: whoever makes a pod sets its labels.
func (d *decision) honourIgnoreLabel() bool {
	const path = "metadata.labels[" + api.LabelIgnore + "]"
	switch value, labelled := d.Object.Meta().Labels[api.LabelIgnore]; {
	case value == "true":
		d.plan.Keep(plan.IgnoreLabel, path, "the object is to be left alone")
		return false
	case labelled && value != "false":
		d.plan.Warn(plan.IgnoreLabelValue, path, `"`+plan.Shown(value)+`" counts as false`)
	}
	return true
}

// applyPodMode runs the rules of the pod's mode, or those for a pod that has none in
// the end, and writes its status.
func (d *decision) applyPodMode() bool {
	pod := d.pod()
	written, _ := parseStatus(pod.Metadata.Annotations[api.AnnotationStatus])
	c := &mode.PodCase{
		Pod:             pod,
		Namespace:       d.Namespace,
		NamespaceLabels: d.labels,
		Intent:          d.intent,
		UID:             d.UID,
		Workload:        d.Workload,
		Snapshot:        d.Snapshot,
		Search:          &d.Settings.Search,
		Written:         written.Strategy,
		Rewrite:         rewriteOf(d.policies),
		Options:         optionsOf(d.policies),
		Plan:            d.plan,
	}
	if d.found {
		d.serveMode(c)
	}
	if d.hasMode == "" {
		d.serveWithoutMode(c)
	}
	return d.found
}

func (d *decision) serveMode(c *mode.PodCase) {
	p, annotations := d.plan, c.Pod.Metadata.Annotations
	before := len(p.Trace)
	nothing := p.Mode == api.ModeDefault && !d.asksMore()
	if nothing || !refusePodTooLarge(p, c.Pod) {
		d.mode.CheckPod(c)
	}
	switch {
	case p.Source == plan.SourceAnnotation || servable(p):
		writeStatus(p, annotations)
	case applied(&d.mode, c):
		refuseApplied(p)
	default:
		skipInherited(p, before)
		d.hasMode = ""
	}
}

// asksMore reports whether the pod asks for something that it may have without a mode.
func (d *decision) asksMore() bool { return len(d.intent.Peers) > 0 }

// serveWithoutMode gives the pod what it asks for beside a mode.
func (d *decision) serveWithoutMode(c *mode.PodCase) {
	p, annotations := d.plan, c.Pod.Metadata.Annotations
	if d.asksMore() {
		if !refusePodTooLarge(p, c.Pod) {
			mode.None().CheckPod(c)
		}
		if p.Refused() || writeStatusAlone(p, annotations) {
			return
		}
	}
	if api.EntryOfPod(annotations, d.labels) != "" {
		removeStatus(p, annotations)
	}
}

// rewriteOf is the one search rewrite that policies give; zero: none.
func rewriteOf(policies policy.Set) resolv.PolicyDefaults {
	if p := policies.SearchRewrite(); p != nil {
		return resolv.PolicyDefaults{Policy: p.Name, PolicyRewrite: *p.Spec.SearchRewrite}
	}
	return resolv.PolicyDefaults{}
}

// optionsOf are the resolver options that policies give; zero: none.
func optionsOf(policies policy.Set) resolv.GivenOptions {
	if p := policies.Resolver(); p != nil {
		return resolv.GivenOptions{Policy: p.Name, Options: p.Spec.Resolver.Options}
	}
	return resolv.GivenOptions{}
}

// applyServiceMode runs the rules of the Service's mode, and writes its status.
func (d *decision) applyServiceMode() bool {
	p, service := d.plan, d.service()
	if !d.found {
		return false
	}
	if !refuseServiceTooLarge(p, service) {
		d.mode.CheckService(&mode.ServiceCase{Service: service, Namespace: d.Namespace, Intent: d.intent, Snapshot: d.Snapshot, Plan: p})
	}
	if p.Changes() {
		writeStatus(p, service.Metadata.Annotations)
	}
	return true
}
