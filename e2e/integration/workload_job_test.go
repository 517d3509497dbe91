package integration

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
)

const jobFixed = "netmode: metadata.annotations[netmode.io/mode]: the pods of this Job stay as they are: " +
	"delete the Job, and create it anew with the annotation (JobTemplateFixed)"

// TestRunningJob: the template of a Job that runs is immutable. Its annotation is accepted, with
// a warning, and nothing is copied.
func TestRunningJob(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Job", shared.namespace(t, nil)}
	w.wantTemplate(t, w.create(t, "{}", "{}", ""), "{}")
	asked := w.annotate(t, "netmode.io/mode: hostnetwork")
	w.wantTemplate(t, asked, "{}")
	wantWarnings(t, asked, jobFixed)
	wantWarnings(t, w.annotate(t, "example.com/a: b"))
	back := w.annotate(t, "netmode.io/mode: null")
	w.wantTemplate(t, back, "{}")
	wantWarnings(t, back, jobFixed)
}

// TestSuspendedJob: a Job that has not made pods follows its annotation, also when the same
// request lets it run; afterwards it does not.
func TestSuspendedJob(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Job", shared.namespace(t, nil)}
	w.wantTemplate(t, w.create(t, "{}", "{}", "{suspend: true}"), "{}")
	w.wantTemplate(t, w.annotate(t, "netmode.io/mode: default"), "{netmode.io/mode: default, "+copiedMode+"}")
	const copied = "{netmode.io/mode: hostnetwork, " + copiedMode + "}"
	w.wantTemplate(t, w.merge(t, "{metadata: {annotations: {netmode.io/mode: hostnetwork}}, spec: {suspend: false}}"), copied)
	late := w.annotate(t, "netmode.io/mode: null")
	w.wantTemplate(t, late, copied)
	wantWarnings(t, late, jobFixed)
}

// TestJobSuspendedLater: a Job that was started and then suspended.
func TestJobSuspendedLater(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Job", shared.namespace(t, nil)}
	w.create(t, "{}", "{}", "")
	if a := w.merge(t, "status: {startTime: '2026-11-24T00:00:00Z'}", "status"); a.err != nil {
		t.Fatal(a.err)
	}
	if job := stored[batchv1.Job](t, w.merge(t, "spec: {suspend: true}")); job.Status.StartTime == nil {
		t.Fatal("the Job was not started")
	}
	asked := w.annotate(t, "netmode.io/mode: hostnetwork")
	w.wantTemplate(t, asked, "{}")
	wantWarnings(t, asked, jobFixed)
}

// TestJobOfCronJob: the Job that a CronJob makes has the copies of its template, and none of the
// annotations that they came from.
func TestJobOfCronJob(t *testing.T) {
	t.Parallel()
	cron := testWorkload{"CronJob", shared.namespace(t, nil)}
	created := cron.create(t, "{netmode.io/mode: hostnetwork}", "{}", "")
	owner := stored[batchv1.CronJob](t, created)
	job := &batchv1.Job{ObjectMeta: owner.Spec.JobTemplate.ObjectMeta, Spec: owner.Spec.JobTemplate.Spec}
	job.Name = "web"
	job.OwnerReferences = append(job.OwnerReferences, *ownedBy(owner))
	w := testWorkload{"Job", cron.namespace}
	w.wantTemplate(t, w.post(t, job), "{netmode.io/mode: hostnetwork, "+copiedMode+"}")
}
