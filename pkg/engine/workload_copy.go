package engine

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// copy records what copying annotations to the pod template does, and returns
// the template's annotations as they are then. It is not ok where the template
// of a Job cannot change any more, and nothing is to be tried on it.
func (c *WorkloadCase) copy(p *plan.Plan) (annotations map[string]string, ok bool) {
	p.Rule("copy")
	start := p.Found()
	defer func() {
		if p.Found() == start {
			p.Pass()
		}
	}()
	before := c.Pod.Metadata.Annotations
	var old map[string]string
	if c.Old != nil {
		if old = c.Old.Annotations; c.Old.Workload.TemplateFixed() {
			c.warnTemplateFixed(p)
			return before, false
		}
	}
	after, steps := workload.Copy(c.Workload, c.counted(), old, before)
	for _, s := range steps {
		c.record(p, s)
	}
	c.countTemplate(p, after)
	had, there := before[api.AnnotationCopied]
	switch list, stays := after[api.AnnotationCopied]; {
	case stays && list != had:
		p.Mutations = append(p.Mutations, c.mutation(plan.Set, api.AnnotationCopied, list))
	case there && !stays:
		p.Mutations = append(p.Mutations, c.mutation(plan.Remove, api.AnnotationCopied, nil))
	}
	if len(p.Mutations) > 0 {
		c.warnRollout(p)
	}
	return after, true
}

func (c *WorkloadCase) record(p *plan.Plan, s workload.Step) {
	at, had, asked := c.templateField(s.Key), plan.Shown(s.Had), plan.Shown(s.Asked)
	switch s.Outcome {
	case workload.Copied:
		p.Change(c.mutation(plan.Set, s.Key, s.Asked), plan.AnnotationCopied, at, asked+", as the "+c.Workload.Kind+" says")
	case workload.CopyRemoved:
		p.Change(c.mutation(plan.Remove, s.Key, nil), plan.CopyRemoved, at, "removed, since the "+c.Workload.Kind+" has it no more")
	case workload.CopiedByOwner:
		p.Keep(plan.CopiedByOwner, at, had+" came with the template from the CronJob")
	case workload.TemplateWins:
		from := "the template has by itself"
		if s.ByOwner {
			from = "came from the CronJob"
		}
		p.Warn(plan.TemplateAnnotationWins, at, `"`+had+`" stays, which `+from+`, and the `+c.Workload.Kind+` says "`+asked+`"`)
	}
}

func (c *WorkloadCase) warnTemplateFixed(p *plan.Plan) {
	for _, key := range api.AuthorAnnotations() {
		asked, asks := c.Metadata.Annotations[key]
		had, there := c.Old.Annotations[key]
		if asked != had || asks != there {
			p.Warn(plan.JobTemplateFixed, annotationsPath.Key(key).String(), "the pods of this Job stay as they are")
		}
	}
}

// warnRollout tells why pods that run will not follow, or not as its author may
// expect.
func (c *WorkloadCase) warnRollout(p *plan.Plan) {
	if c.Old == nil {
		return
	}
	p.Rule("rollout")
	if by := c.Workload.HeldBy; by != "" {
		p.Warn(plan.RolloutHeld, by, "the pods that run stay as they are until "+c.Workload.HeldUntil)
	}
	if sameOwn(c.Old.Annotations, c.Metadata.Annotations) && !sameOwn(c.Old.TemplateAnnotations, c.Pod.Metadata.Annotations) {
		p.Warn(plan.CopiedAgain, c.Workload.Template+".metadata.annotations", "they follow those of the "+c.Workload.Kind+" again, which the request left as they were")
	}
}

func (c *WorkloadCase) templateField(key string) string {
	return c.Workload.Template + "." + annotationsPath.Key(key).String()
}

func (c *WorkloadCase) mutation(action plan.Action, key string, value any) plan.Mutation {
	return plan.Mutation{Action: action, Pointer: c.Workload.Pointer() + plan.Pointer("metadata", "annotations", key), Value: value}
}
