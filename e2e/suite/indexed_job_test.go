package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// rank asks the other one of two pods who it is, and ends when it is told to: it must be there
// for the other to find.
const rank = `peer=work-$((1 - JOB_COMPLETION_INDEX))
until wget -q -O - "http://$peer:8080/"; do sleep 1; done
until [ -e /tmp/end ]; do sleep 1; done
sleep 1 # for what made the file to end first`

// testIndexedJob has a Job of two pods that find each other by their short names.
func testIndexedJob(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "job")
	c.create(ctx, t, service("work", mode(api.ModeStatefulSetHeadless)))
	worker, server := shellContainer(), distrolessContainer()
	worker.Command = []string{"sh", "-c", rank}
	server.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	pods := template("work", mode(api.ModeStatefulSetHeadless, api.AnnotationService, "work"), worker)
	pods.Spec.InitContainers = []corev1.Container{server}
	pods.Spec.RestartPolicy = corev1.RestartPolicyNever
	if s.twoNodes() {
		apart(&pods.Spec, "app", "work")
	}
	c.create(ctx, t, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "work"},
		Spec: batchv1.JobSpec{
			Completions: new(int32(2)), Parallelism: new(int32(2)), BackoffLimit: new(int32(0)),
			CompletionMode: new(batchv1.IndexedCompletion), Template: pods,
		},
	})

	made := c.ready(ctx, t, "work", 2)
	for i := range made {
		name, own := made[i].Name, made[i].Spec.Hostname
		peer := "work-1"
		if own == peer {
			peer = "work-0"
		}
		until(ctx, t, dnsBound, func(ctx context.Context) (bool, string) {
			said, err := s.client.CoreV1().Pods(c.namespace).GetLogs(name, &corev1.PodLogOptions{Container: shell}).DoRaw(ctx)
			want := peer + " sees " + made[i].Status.PodIP
			// Before, its look-ups may have failed.
			return err == nil && strings.HasSuffix(string(said), want+"\n"), fmt.Sprintf("%s said %q, not %q%s", own, said, want, errorText(err))
		})
	}
	for i := range made {
		c.mustExec(ctx, t, made[i].Name, shell, "touch", "/tmp/end")
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		job, err := s.client.BatchV1().Jobs(c.namespace).Get(ctx, "work", metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return job.Status.Succeeded == 2, fmt.Sprintf("%d of 2 pods have succeeded, %d have failed", job.Status.Succeeded, job.Status.Failed)
	})
}
