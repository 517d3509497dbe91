package workload

import (
	"maps"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
)

// Outcome is what copying makes of one annotation.
type Outcome int

// The outcomes.
const (
	// Copied says that the template gets the workload's value.
	Copied Outcome = iota
	// CopyRemoved says that the template loses what was copied, which the workload has no more.
	CopyRemoved
	// CopiedByOwner says that what came with the template from the CronJob stays.
	CopiedByOwner
	// TemplateWins says that the template's value stays, though the workload has another.
	TemplateWins
)

// Step is what copying made of one annotation.
type Step struct {
	Outcome Outcome
	Key     string
	// Asked is the workload's value, and Had the template's before.
	Asked, Had string
	// ByOwner says that the template's value came from the CronJob.
	ByOwner bool
}

// Copy brings the author's annotations of a workload to its pod template, which
// has the ones given. It returns the template's annotations as they are then,
// and what it did, in the order of api.AuthorAnnotations. The workload's old
// annotations are nil where it is created.
//
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
func Copy(w *Workload, metadata *api.ObjectMeta, old, template map[string]string) (annotations map[string]string, steps []Step) {
	annotations = maps.Clone(template)
	if annotations == nil {
		annotations = map[string]string{}
	}
	listed := CopiedKeys(template)
	var keys []string
	for _, key := range api.AuthorAnnotations() {
		s := Step{Key: key}
		var asks, there bool
		s.Asked, asks = metadata.Annotations[key]
		s.Had, there = template[key]
		step := func(outcome Outcome) {
			s.Outcome = outcome
			steps = append(steps, s)
		}
		follows := slices.Contains(listed, key)
		if follows && there && fromCronJob(w, metadata, old, key, s.Had) {
			follows, s.ByOwner = false, true
			keys = append(keys, key)
			step(CopiedByOwner)
		}
		switch {
		case asks && there && !follows:
			if s.Had != s.Asked {
				step(TemplateWins)
			}
		case asks:
			keys = append(keys, key)
			if s.Had != s.Asked || !there {
				annotations[key] = s.Asked
				step(Copied)
			}
		case follows && there:
			delete(annotations, key)
			step(CopyRemoved)
		}
	}
	delete(annotations, api.AnnotationCopied)
	if len(keys) > 0 {
		slices.Sort(keys)
		annotations[api.AnnotationCopied] = strings.Join(keys, ",")
	}
	return annotations, steps
}

// CopiedKeys are the author's keys that netmode.io/copied lists. Whatever else
// it holds is nobody's.
func CopiedKeys(annotations map[string]string) []string {
	var keys []string
	for key := range strings.SplitSeq(annotations[api.AnnotationCopied], ",") {
		if slices.Contains(api.AuthorAnnotations(), key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// fromCronJob reports whether what was copied to the template came there with
// it, from the CronJob that made the Job, and not from the Job itself.
func fromCronJob(w *Workload, metadata *api.ObjectMeta, old map[string]string, key, value string) bool {
	if had, asked := old[key]; asked && had == value {
		return false
	}
	return w.Kind == "Job" && slices.ContainsFunc(metadata.OwnerReferences, func(o api.OwnerReference) bool { return o.Kind == "CronJob" })
}
