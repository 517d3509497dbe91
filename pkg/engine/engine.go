// Package engine decides what netmode does with one object: it resolves the
// mode, runs the mode's rules, and returns the plan. The webhook and the CLI
// share it.
//
// The package is pure: no I/O, no clock, no randomness, so that the same
// object and surroundings always give the same plan.
package engine

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Settings are what every decision of one netmode process shares.
type Settings struct {
	// ExemptNamespaces are never touched.
	ExemptNamespaces []string
	// SystemNamespaces have what nodes need, such as a CNI's pods: there a policy
	// lets pods of a system-critical priority class pass.
	SystemNamespaces []string
	Search           resolv.Settings
}

// Snapshot tells a decision about the objects around the one in question. It
// answers from memory: a decision waits for nothing.
type Snapshot interface {
	mode.Snapshot
	// Policies returns the policies that select the namespace.
	Policies(namespace string) policy.Set
}

// EmptySnapshot is the surroundings of a decision about which nothing is known:
// the governing Service is what the pod itself names.
type EmptySnapshot struct{}

// Services knows none.
func (EmptySnapshot) Services(string) ([]api.Service, bool) { return nil, false }

// Namespace knows none.
func (EmptySnapshot) Namespace(string) (api.Namespace, bool) { return api.Namespace{}, false }

// Policies knows none.
func (EmptySnapshot) Policies(string) policy.Set { return policy.Set{} }

// Pod decides about a Pod that is created in the namespace: how its mode changes
// it, and what policies say of it then. The workload is nil unless the pod is
// that of a template.
func Pod(settings *Settings, snapshot Snapshot, namespace string, pod *api.Pod, w *workload.Workload) *plan.Plan {
	p, s := planPod(settings, snapshot, namespace, pod, w)
	if s.policed {
		judgePod(p, s, pod)
	}
	return p
}

// MutatePod is Pod where the API server itself judges the pod later, by the
// policies that forbid something.
func MutatePod(settings *Settings, snapshot Snapshot, namespace string, pod *api.Pod) *plan.Plan {
	p, _ := planPod(settings, snapshot, namespace, pod, nil)
	return p
}

// policyContext is what policies look at beside the pod.
type policyContext struct {
	// policed says whether policies have a say at all.
	policed  bool
	policies policy.Set
	// mode is what the pod has in the end: an inherited mode that cannot serve it
	// is none.
	mode api.Mode
	// critical says that policies let the pod pass.
	critical bool
}

// planPod decides how the pod's mode changes it.
func planPod(settings *Settings, snapshot Snapshot, namespace string, pod *api.Pod, w *workload.Workload) (*plan.Plan, policyContext) {
	p := &plan.Plan{Trace: make([]plan.Finding, 0, 20)}
	p.Rule("scope")
	if outOfReach(p, settings, namespace, &pod.Metadata) {
		return p, policyContext{}
	}
	s := policyContext{policed: true, policies: snapshot.Policies(namespace).ForPod(pod.Metadata.Labels)}
	s.critical = pod.Spec.SystemCritical() && slices.Contains(settings.SystemNamespaces, namespace)
	p.NotAllowed = s.policies.NotAllowed()
	if ignored(p, &pod.Metadata) {
		return p, s
	}
	intent, ok := parseAnnotations(p, &pod.Metadata)
	if !ok {
		return p, s
	}
	ns, _ := snapshot.Namespace(namespace)
	resolvePodMode(p, intent, ns.Labels, s.policies)
	s.mode = p.Mode
	m, found := mode.Find(p.Mode)
	warnUnused(p, intent, m.PodAnnotations)
	if !found {
		if selectedByWebhook(pod, ns.Labels) {
			removeStatus(p, pod.Metadata.Annotations)
		}
		return p, s
	}
	before := len(p.Trace)
	c := &mode.PodCase{
		Pod:             pod,
		Namespace:       namespace,
		NamespaceLabels: ns.Labels,
		Intent:          intent,
		Workload:        w,
		Snapshot:        snapshot,
		Search:          &settings.Search,
		Rewrite:         rewriteOf(s.policies),
		Plan:            p,
	}
	if !refusePodTooLarge(p, pod) {
		m.CheckPod(c)
	}
	switch {
	case p.Source == plan.SourceAnnotation || servable(p):
		writeStatus(p, pod.Metadata.Annotations)
	case applied(&m, c):
		refuseApplied(p)
	default:
		skipInherited(p, before)
		s.mode = ""
		removeStatus(p, pod.Metadata.Annotations)
	}
	return p, s
}

// selectedByWebhook says whether netmode is asked about the pod at all, as the webhook entries
// have it.
func selectedByWebhook(pod *api.Pod, namespaceLabels map[string]string) bool {
	_, hasMode := namespaceLabels[api.LabelMode]
	return hasMode || namespaceLabels[api.LabelPolicy] == api.PolicyEnabled || api.Asks(pod.Metadata.Annotations)
}

// rewriteOf is the one search rewrite that policies give; zero: none.
func rewriteOf(policies policy.Set) resolv.PolicyDefaults {
	if p := policies.SearchRewrite(); p != nil {
		return resolv.PolicyDefaults{Policy: p.Name, PolicyRewrite: *p.Spec.SearchRewrite}
	}
	return resolv.PolicyDefaults{}
}

// RulePolicies is the rule whose findings are the policies'.
const RulePolicies = "policies"

// judgePod asks the pod's policies. A refused plan is judged by what it would
// have been.
func judgePod(p *plan.Plan, s policyContext, pod *api.Pod) {
	if len(s.policies.Policies()) == 0 {
		return
	}
	p.Rule(RulePolicies)
	before := p.Found()
	asks, note := origin(p, s.mode)
	s.policies.JudgePod(&policy.Pod{
		Mode: s.mode, ModeField: asks, ModeNote: note, Spec: &pod.Spec,
		HostNetwork: pod.Spec.HostNetwork || s.mode == api.ModeHostNetwork,
		Critical:    s.critical,
	}, p)
	if p.Found() == before {
		p.Pass()
	}
}

// Service decides about a Service that is being created in the namespace.
func Service(settings *Settings, snapshot Snapshot, namespace string, service *api.Service) *plan.Plan {
	p := MutateService(settings, namespace, service)
	judgeService(p, settings, snapshot, namespace, service)
	return p
}

// judgeService asks the policies that are for Services.
func judgeService(p *plan.Plan, settings *Settings, snapshot Snapshot, namespace string, service *api.Service) {
	policies := snapshot.Policies(namespace).ForService()
	if p.Mode == "" || len(policies.Policies()) == 0 || slices.Contains(settings.ExemptNamespaces, namespace) || service.Metadata.DeletionTimestamp != nil {
		return
	}
	p.Rule(RulePolicies)
	before := p.Found()
	policies.JudgeService(p.Mode, annotationsPath.Key(api.AnnotationMode), p)
	if p.Found() == before {
		p.Pass()
	}
}

// MutateService is Service where the API server itself judges the Service later.
func MutateService(settings *Settings, namespace string, service *api.Service) *plan.Plan {
	p := &plan.Plan{Trace: make([]plan.Finding, 0, 12)}
	p.Rule("scope")
	if outOfReach(p, settings, namespace, &service.Metadata) || ignored(p, &service.Metadata) {
		return p
	}
	intent, ok := parseAnnotations(p, &service.Metadata)
	if !ok {
		return p
	}
	p.Rule("mode")
	p.Mode = intent.Mode
	if intent.Mode == "" {
		p.Keep(plan.NothingAsked, "", "the Service asks for no mode")
	} else {
		p.Source = plan.SourceAnnotation
		p.Pass()
	}
	m, found := mode.Find(p.Mode)
	warnUnused(p, intent, m.ServiceAnnotations)
	if !found {
		return p
	}
	if !refuseServiceTooLarge(p, service) {
		m.CheckService(&mode.ServiceCase{Service: service, Namespace: namespace, Intent: intent, Plan: p})
	}
	if p.Changes() {
		writeStatus(p, service.Metadata.Annotations)
	}
	return p
}

// outOfReach reports whether the object is one that netmode leaves alone,
// policies included, whatever it asks for.
func outOfReach(p *plan.Plan, settings *Settings, namespace string, meta *api.ObjectMeta) bool {
	switch {
	case slices.Contains(settings.ExemptNamespaces, namespace):
		p.Keep(plan.ExemptNamespace, "metadata.namespace", namespace+" is never touched")
		return true
	case meta.DeletionTimestamp != nil:
		p.Keep(plan.BeingDeleted, "metadata.deletionTimestamp", "the object is being deleted")
		return true
	}
	return false
}

// ignored reports whether the object's label keeps netmode from changing it. It
// does not keep policies away: whoever makes a pod sets its labels.
func ignored(p *plan.Plan, meta *api.ObjectMeta) bool {
	const path = "metadata.labels[" + api.LabelIgnore + "]"
	switch value, labelled := meta.Labels[api.LabelIgnore]; {
	case value == "true":
		p.Keep(plan.IgnoreLabel, path, "the object is to be left alone")
		return true
	case labelled && value != "false":
		p.Warn(plan.IgnoreLabelValue, path, `"`+plan.Clip(value, maxShown)+`" counts as false`)
	}
	return false
}

var (
	specPath        = field.NewPath("spec")
	annotationsPath = field.NewPath("metadata").Child("annotations")
	namespaceLabel  = field.NewPath("namespace", "metadata").Child("labels").Key(api.LabelMode)
)

// maxShown is the most bytes of a key or a value of the author's in a text.
const maxShown = 512

func parseAnnotations(p *plan.Plan, meta *api.ObjectMeta) (intent api.Intent, ok bool) {
	p.Rule("annotations")
	path := annotationsPath
	intent, errs := api.ParseAnnotations(meta.Annotations, path)
	for i, unknown := range intent.Unknown {
		if i == api.MaxNearest {
			p.Warn(plan.AnnotationUnknown, path.String(), fmt.Sprintf("%d more keys mean nothing to netmode", len(intent.Unknown)-i))
			break
		}
		p.Warn(plan.AnnotationUnknown, path.Key(plan.Clip(unknown.Key, maxShown)).String(), "the key means nothing to netmode; the nearest that does is "+unknown.Nearest)
	}
	for _, err := range errs {
		p.RefuseError(plan.AnnotationInvalid, err)
	}
	return intent, len(errs) == 0
}

// warnUnused warns of the author's annotations that do nothing in the mode.
func warnUnused(p *plan.Plan, intent api.Intent, used []string) {
	p.Rule("annotations")
	for _, key := range intent.Keys {
		if key == api.AnnotationMode || slices.Contains(used, key) {
			continue
		}
		text := "it does nothing here without a mode"
		if p.Mode != "" {
			text = "it does nothing here in mode " + string(p.Mode)
		}
		p.Warn(plan.AnnotationUnused, annotationsPath.Key(key).String(), text)
	}
}

// neverRefuse turns refusals to warnings.
func neverRefuse(p *plan.Plan) {
	for i := range p.Trace {
		if p.Trace[i].Verdict == plan.Refused {
			p.Trace[i].Verdict = plan.Warned
		}
	}
}
