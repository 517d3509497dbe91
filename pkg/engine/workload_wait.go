package engine

import (
	"maps"
	"strconv"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// countedAll is what all stands for in the annotation netmode.io/wait: how many pods an
// Indexed Job makes. Nobody knows it at the pod. It is empty where that is not known,
// and where so many never run at once. A CronJob leaves it to its Jobs.
func (c *WorkloadCase) countedAll() string {
	w := c.Workload
	if w.Kind != "Job" || w.Completions == 0 || w.Completions > w.Replicas || w.Completions > api.MaxWaitAddresses {
		return ""
	}
	return strconv.Itoa(int(w.Completions))
}

// counted is the workload's metadata, with all counted.
func (c *WorkloadCase) counted() *api.ObjectMeta {
	n := c.countedAll()
	if n == "" || c.Metadata.Annotations[api.AnnotationWait] != api.WaitAll {
		return c.Metadata
	}
	counted := *c.Metadata
	counted.Annotations = maps.Clone(c.Metadata.Annotations)
	counted.Annotations[api.AnnotationWait] = n
	return &counted
}

// countTemplate counts all where the author wrote it in the template.
func (c *WorkloadCase) countTemplate(p *plan.Plan, annotations map[string]string) {
	n := c.countedAll()
	if n == "" || annotations[api.AnnotationWait] != api.WaitAll {
		return
	}
	annotations[api.AnnotationWait] = n
	p.Change(c.mutation(plan.Set, api.AnnotationWait, n), plan.WaitAllCounted, c.templateField(api.AnnotationWait), n+", the Job's completions")
}
