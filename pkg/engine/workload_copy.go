package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// copy brings the author's annotations of the workload to its pod template and
// returns the template's annotations as they are then. It is not ok where the
// template of a Job cannot change any more, and nothing is to be tried on it.
// What netmode.io/copied lists follows the workload; what it does not list is
// the template author's and stays:
//
//	workload  template  listed   the template gets   listed then
//	m         none      any      m                   yes
//	m         m         no       m                   no
//	m         t         no       t, and a warning    no
//	m         m or t    yes      m                   yes
//	none      t         no       t                   no
//	none      any       yes      none                no
//
// What a CronJob copied to its jobTemplate is listed in the template of its Jobs
// without being theirs, and stays there:
//
//	Job   template  listed by the CronJob  the template gets   listed then
//	none  t         yes                    t                   yes
//	t     t         yes                    t                   yes
//	m     t         yes                    t, and a warning    yes
//
// netmode.io/status, and keys that mean nothing to netmode, are never copied.
func (c *WorkloadCase) copy(p *plan.Plan) (annotations map[string]string, ok bool) {
	p.Rule("copy")
	start := p.Found()
	defer func() {
		if p.Found() == start {
			p.Pass()
		}
	}()
	before := c.Pod.Metadata.Annotations
	if c.templateFixed() {
		c.warnTemplateFixed(p)
		return before, false
	}
	listed := copiedKeys(before)
	after := maps.Clone(before)
	if after == nil {
		after = map[string]string{}
	}
	var keys []string
	for _, key := range api.AuthorAnnotations() {
		asked, asks := c.Metadata.Annotations[key]
		has, there := before[key]
		follows, from := slices.Contains(listed, key), "the template has by itself"
		if follows && there && c.ofCronJob(key, has) {
			follows, from = false, "came from the CronJob"
			keys = append(keys, key)
			p.Keep(plan.CopiedByOwner, c.templateField(key), plan.Clip(has, maxShown)+" came with the template from the CronJob")
		}
		switch {
		case asks && there && !follows:
			if has != asked {
				p.Warn(plan.TemplateAnnotationWins, c.templateField(key), `"`+plan.Clip(has, maxShown)+`" stays, which `+from+`, and the `+c.Workload.Kind+` says "`+plan.Clip(asked, maxShown)+`"`)
			}
		case asks:
			keys = append(keys, key)
			if has != asked || !there {
				after[key] = asked
				p.Change(c.mutation(plan.Set, key, asked), plan.AnnotationCopied, c.templateField(key), plan.Clip(asked, maxShown)+", as the "+c.Workload.Kind+" says")
			}
		case follows && there:
			delete(after, key)
			p.Change(c.mutation(plan.Remove, key, nil), plan.CopyRemoved, c.templateField(key), "removed, since the "+c.Workload.Kind+" has it no more")
		}
	}
	c.list(p, before, after, keys)
	if len(p.Mutations) > 0 {
		c.warnRollout(p)
	}
	return after, true
}

// list writes netmode.io/copied: the keys that were copied, sorted.
func (c *WorkloadCase) list(p *plan.Plan, before, after map[string]string, keys []string) {
	slices.Sort(keys)
	value := strings.Join(keys, ",")
	had, there := before[api.AnnotationCopied]
	switch {
	case len(keys) > 0 && had != value:
		after[api.AnnotationCopied] = value
		p.Mutations = append(p.Mutations, c.mutation(plan.Set, api.AnnotationCopied, value))
	case len(keys) == 0 && there:
		delete(after, api.AnnotationCopied)
		p.Mutations = append(p.Mutations, c.mutation(plan.Remove, api.AnnotationCopied, nil))
	}
}

// copiedKeys are the author's keys that netmode.io/copied lists. Whatever else
// it holds is nobody's.
func copiedKeys(annotations map[string]string) []string {
	var keys []string
	for key := range strings.SplitSeq(annotations[api.AnnotationCopied], ",") {
		if slices.Contains(api.AuthorAnnotations(), key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// templateFixed reports whether the API server lets nobody change the template
// any more: a Job's is fixed once it has made pods (batch/v1).
func (c *WorkloadCase) templateFixed() bool {
	return c.Workload.Kind == "Job" && c.Old != nil && (!c.Old.Workload.Suspended || c.Old.Workload.Started)
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

// ofCronJob reports whether what was copied to the template came there with it,
// from the CronJob that made the Job, and not from the Job itself.
func (c *WorkloadCase) ofCronJob(key, value string) bool {
	if c.Old != nil {
		if had, asked := c.Old.Annotations[key]; asked && had == value {
			return false
		}
	}
	return c.Workload.Kind == "Job" && slices.ContainsFunc(c.Metadata.OwnerReferences, func(o api.OwnerReference) bool { return o.Kind == "CronJob" })
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
	return plan.Mutation{
		Action:  action,
		Pointer: "/" + strings.ReplaceAll(c.Workload.Template, ".", "/") + plan.Pointer("metadata", "annotations", key),
		Value:   value,
	}
}
