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
	// Asked is where the workload has annotations of netmode; the webhook leaves it empty.
	Asked workload.Asked
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

// Meta is the workload's own.
func (c *WorkloadCase) Meta() *api.ObjectMeta { return c.Metadata }

func (d *decision) workload() *WorkloadCase {
	c, _ := d.Object.(*WorkloadCase)
	return c
}

// copyAnnotations brings what the workload's annotations ask for to its template.
// The mutations and fields of the plan are the workload's, its findings are about
// the workload and the first pod.
func (d *decision) copyAnnotations() bool {
	c := d.workload()
	if !c.Workload.Copies() {
		return d.warnNotCopied()
	}
	if !d.honourIgnoreLabel() {
		return true
	}
	d.warnModeLabel()
	if !d.parseAnnotations() {
		return false
	}
	annotations, ok := c.copy(d.plan)
	if ok {
		pod := *c.Pod
		pod.Metadata.Annotations = annotations
		d.firstPod = &pod
	}
	return ok
}

// tryFirstPod tells the workload's author what its pods would get and be told.
func (d *decision) tryFirstPod() bool {
	c, p := d.workload(), d.plan
	trial := podRules.decide(Request{
		Settings: d.Settings, Snapshot: d.Snapshot, Namespace: d.Namespace, Object: d.firstPod, Workload: c.Workload, Judge: true,
	})
	p.Mode, p.Source, p.Policy, p.Service, p.Strategy = trial.Mode, trial.Source, trial.Policy, trial.Service, trial.Strategy
	p.LacksService, p.NotAllowed = trial.LacksService, trial.NotAllowed
	copied := workload.CopiedKeys(d.firstPod.Metadata.Annotations)
	p.Adopt(trial, func(f plan.Finding) plan.Finding { return c.place(f, copied) })
	return true
}

// downgradeOnUpdate lets an update pass that did not ask for what would be
// refused. Only a creation is refused, and an update that changes the template or
// an annotation of netmode. Any other is let through with a warning, and copies
// nothing.
func (d *decision) downgradeOnUpdate() {
	c, p := d.workload(), d.plan
	if p.Refused() && !c.asks() {
		p.Mutations = nil
		p.Trace = plan.Judged(p.Trace, map[plan.Verdict]plan.Verdict{plan.Refused: plan.Warned})
		d.firstPod = c.Pod
	}
	p.FirstPod = d.firstPod
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

// place moves a finding about the first pod to where the workload's author reads
// it.
func (c *WorkloadCase) place(f plan.Finding, copied []string) plan.Finding {
	w := c.Workload
	switch {
	case f.Field == "" || f.Object != nil:
	case f.Field == "spec.subdomain" && w.SubdomainField != "":
		f.Field = w.SubdomainField
	case f.Field == "spec.subdomain" && w.LacksSubdomain != "" && c.Old == nil:
		f.Field = w.LacksSubdomain
	case slices.ContainsFunc(copied, func(key string) bool { return f.Field == annotationsPath.Key(key).String() }):
		// the workload's own annotation
	default:
		f.Field = w.Template + "." + f.Field
	}
	return f
}
