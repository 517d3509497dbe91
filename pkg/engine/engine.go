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
	"github.com/netmode-io/netmode/pkg/resolv"
)

// Settings are what every decision of one netmode process shares.
type Settings struct {
	// ExemptNamespaces are never touched.
	ExemptNamespaces []string
	Search           resolv.Settings
}

// NoCluster is the surroundings of a decision about which nothing is known:
// the governing Service is what the pod itself names.
type NoCluster struct{}

// Services knows none.
func (NoCluster) Services(string) ([]api.Service, bool) { return nil, false }

// Namespace knows none.
func (NoCluster) Namespace(string) (api.Namespace, bool) { return api.Namespace{}, false }

// Pod decides about a Pod that is being created in the namespace. The workload
// is nil unless the pod is that of a template.
func Pod(settings *Settings, cluster mode.Cluster, namespace string, pod *api.Pod, workload *api.Workload) *plan.Plan {
	p := &plan.Plan{Trace: make([]plan.Finding, 0, 20)}
	p.Rule("scope")
	switch {
	case untouched(p, settings, namespace, &pod.Metadata):
		return p
	case pod.Metadata.Annotations[api.AnnotationMirror] != "":
		p.Keep(plan.MirrorPod, "metadata.annotations["+api.AnnotationMirror+"]", "the pod is its kubelet's")
		return p
	}
	asked, ok := parseAnnotations(p, &pod.Metadata)
	if !ok {
		return p
	}
	ns, _ := cluster.Namespace(namespace)
	resolvePodMode(p, asked, ns.Labels)
	m, found := mode.Find(p.Mode)
	warnUnused(p, asked, m.PodAnnotations)
	if !found {
		return p
	}
	before := len(p.Trace)
	m.CheckPod(&mode.PodCase{
		Pod:             pod,
		Namespace:       namespace,
		NamespaceLabels: ns.Labels,
		Asked:           asked,
		Workload:        workload,
		Cluster:         cluster,
		Search:          &settings.Search,
		Plan:            p,
	})
	if p.Source != plan.SourceAnnotation && p.Refused() {
		setAside(p, before)
	}
	addStatus(p, pod.Metadata.Annotations)
	return p
}

// Service decides about a Service that is being created, or updated, in the
// namespace.
func Service(settings *Settings, namespace string, service *api.Service, update bool) *plan.Plan {
	p := &plan.Plan{Trace: make([]plan.Finding, 0, 12)}
	p.Rule("scope")
	if untouched(p, settings, namespace, &service.Metadata) {
		return p
	}
	asked, ok := parseAnnotations(p, &service.Metadata)
	if !ok {
		if update {
			neverRefuse(p)
		}
		return p
	}
	p.Rule("mode")
	p.Mode = asked.Mode
	if asked.Mode == "" {
		p.Keep(plan.NothingAsked, "", "the Service asks for no mode")
	} else {
		p.Source = plan.SourceAnnotation
		p.Pass()
	}
	m, found := mode.Find(p.Mode)
	warnUnused(p, asked, m.ServiceAnnotations)
	if !found {
		return p
	}
	c := &mode.ServiceCase{Service: service, Namespace: namespace, Asked: asked, Plan: p}
	if update {
		m.CheckServiceUpdate(c)
		return p
	}
	m.CheckService(c)
	addStatus(p, service.Metadata.Annotations)
	return p
}

// untouched reports whether the object is one that netmode leaves alone
// whatever it asks for.
func untouched(p *plan.Plan, settings *Settings, namespace string, meta *api.ObjectMeta) bool {
	switch {
	case slices.Contains(settings.ExemptNamespaces, namespace):
		p.Keep(plan.ExemptNamespace, "metadata.namespace", namespace+" is never touched")
		return true
	case meta.DeletionTimestamp != nil:
		p.Keep(plan.BeingDeleted, "metadata.deletionTimestamp", "the object is being deleted")
		return true
	}
	const path = "metadata.labels[" + api.LabelIgnore + "]"
	switch value, labelled := meta.Labels[api.LabelIgnore]; {
	case value == "true":
		p.Keep(plan.IgnoreLabel, path, "the object is to be left alone")
		return true
	case labelled && value != "false":
		p.Warn(plan.IgnoreLabelValue, path, `"`+value+`" counts as false`)
	}
	return false
}

// maxUnknown is how many unknown keys get a warning of their own.
const maxUnknown = 10

func parseAnnotations(p *plan.Plan, meta *api.ObjectMeta) (asked api.Asked, ok bool) {
	p.Rule("annotations")
	path := field.NewPath("metadata").Child("annotations")
	asked, errs := api.ParseAnnotations(meta.Annotations, path)
	for i, unknown := range asked.Unknown {
		if i == maxUnknown {
			p.Warn(plan.AnnotationUnknown, path.String(), fmt.Sprintf("%d more keys mean nothing to netmode", len(asked.Unknown)-i))
			break
		}
		p.Warn(plan.AnnotationUnknown, path.Key(unknown.Key).String(), "the key means nothing to netmode; the nearest that does is "+unknown.Nearest)
	}
	for _, err := range errs {
		p.RefuseError(plan.AnnotationInvalid, err)
	}
	return asked, len(errs) == 0
}

// warnUnused warns of the author's annotations that do nothing in the mode.
func warnUnused(p *plan.Plan, asked api.Asked, used []string) {
	p.Rule("annotations")
	for _, key := range asked.Keys {
		if key == api.AnnotationMode || slices.Contains(used, key) {
			continue
		}
		text := "it does nothing here without a mode"
		if p.Mode != "" {
			text = "it does nothing here in mode " + string(p.Mode)
		}
		p.Warn(plan.AnnotationUnused, field.NewPath("metadata").Child("annotations").Key(key).String(), text)
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
