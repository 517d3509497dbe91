package engine

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// WorkloadCase is a workload that is created or updated.
type WorkloadCase struct {
	// Metadata is the workload's own.
	Metadata *api.ObjectMeta
	Workload *workload.Workload
	// Pod is the first pod that would be made of the template as it stands. Its
	// annotations are the template's.
	Pod *api.Pod
	// Old is what the workload was; nil when it is created.
	Old *OldWorkload
}

// OldWorkload is a workload before an update.
type OldWorkload struct {
	// Annotations are its own, and TemplateAnnotations those of its pod template.
	Annotations         map[string]string
	TemplateAnnotations map[string]string
	Workload            *workload.Workload
	// SameTemplate says that the update leaves the pod template as it was.
	SameTemplate bool
}

// Workload decides about a workload: which annotations are copied to its pod
// template, and what its pods would get and be told then. The plan's mutations
// and fields are the workload's, its findings are about the workload and the
// first pod. The pod that comes back is the first one of the template as the
// plan leaves it.
//
// Only a creation is refused, and an update that changes the template or an
// annotation of netmode. Any other update is let through with a warning, and
// copies nothing that would be refused.
func Workload(settings *Settings, snapshot Snapshot, namespace string, c *WorkloadCase) (*plan.Plan, *api.Pod) {
	p := &plan.Plan{Trace: make([]plan.Finding, 0, 24)}
	p.Rule("scope")
	if outOfReach(p, settings, namespace, c.Metadata) {
		return p, c.Pod
	}
	pod := *c.Pod
	if c.Workload.Copies() && !ignored(p, c.Metadata) {
		if _, ok := parseAnnotations(p, c.Metadata); !ok {
			return c.downgradeOnUpdate(p, c.Pod)
		}
		annotations, ok := c.copy(p)
		if !ok {
			return c.downgradeOnUpdate(p, c.Pod)
		}
		pod.Metadata.Annotations = annotations
	}
	trial := Pod(settings, snapshot, namespace, &pod, c.Workload)
	p.Mode, p.Source, p.Policy, p.Service, p.Strategy = trial.Mode, trial.Source, trial.Policy, trial.Service, trial.Strategy
	p.LacksService = trial.LacksService
	copied := workload.CopiedKeys(pod.Metadata.Annotations)
	p.Adopt(trial, func(f string) string { return c.field(f, copied) })
	return c.downgradeOnUpdate(p, &pod)
}

// downgradeOnUpdate lets an update pass that did not ask for what would be refused.
func (c *WorkloadCase) downgradeOnUpdate(p *plan.Plan, pod *api.Pod) (*plan.Plan, *api.Pod) {
	if !p.Refused() || c.asks() {
		return p, pod
	}
	p.Mutations = nil
	neverRefuse(p)
	return p, c.Pod
}

// asks reports whether the request changes what pods the workload makes.
func (c *WorkloadCase) asks() bool {
	return c.Old == nil || !c.Old.SameTemplate || !sameOwn(c.Old.Annotations, c.Metadata.Annotations)
}

// sameOwn reports whether two objects have the same annotations of netmode.
func sameOwn(a, b map[string]string) bool {
	return ownIn(a, b) && ownIn(b, a)
}

func ownIn(a, b map[string]string) bool {
	for key, value := range a {
		if other, ok := b[key]; strings.HasPrefix(key, api.Prefix) && (!ok || other != value) {
			return false
		}
	}
	return true
}

// field is the path of a finding about the first pod, in the workload.
func (c *WorkloadCase) field(f string, copied []string) string {
	w := c.Workload
	switch {
	case f == "" || f == w.ReplicasField || f == w.SurgeField || strings.HasPrefix(f, "namespace."), strings.HasPrefix(f, "policy "):
		return f // another object's
	case f == "spec.subdomain" && w.SubdomainField != "":
		return w.SubdomainField
	case slices.ContainsFunc(copied, func(key string) bool { return f == annotationsPath.Key(key).String() }):
		return f // the workload's own annotation
	default:
		return w.Template + "." + f
	}
}
