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

// testWait has pods start only when others, or they themselves, can be found: what asks once,
// as soon as the wait has ended, is answered.
func testWait(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "wait")
	c.create(ctx, t, service("rank", mode(api.ModeStatefulSetHeadless)), service("ring", mode(api.ModeStatefulSetHeadless)),
		service("web", mode(api.ModeStatefulSetHeadless)), service("lost", mode(api.ModeStatefulSetHeadless)))
	once := func(name string) corev1.Container {
		look := distrolessContainer()
		look.Name, look.Args, look.Command, look.ReadinessProbe = "once", nil, resolve(name), nil
		return look
	}

	ranks := template("rank", mode(api.ModeStatefulSetHeadless, api.AnnotationWait, api.WaitAll), shellContainer())
	ranks.Spec.InitContainers = []corev1.Container{once("rank-0"), {
		Name: "other", Image: once("").Image, ImagePullPolicy: corev1.PullNever, Command: resolve("rank-1"),
	}}
	ranks.Spec.RestartPolicy = corev1.RestartPolicyNever
	c.create(ctx, t, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "rank"}, Spec: batchv1.JobSpec{
		Completions: new(int32(2)), Parallelism: new(int32(2)), BackoffLimit: new(int32(0)),
		CompletionMode: new(batchv1.IndexedCompletion), Template: ranks,
	}})
	ring := template("ring", mode(api.ModeStatefulSetHeadless, api.AnnotationWait, "self,ring-0,ring-1"), shellContainer())
	ring.Spec.InitContainers = []corev1.Container{once("ring-1")}
	c.create(ctx, t, statefulSet("ring", "ring", 2, ring))
	c.create(ctx, t, deployment("web", 2, template("web", mode(api.ModeStatefulSetHeadless, api.AnnotationWait, "2"), shellContainer())))
	lost := pod("lost", mode(api.ModeStatefulSetHeadless, api.AnnotationWait, "nobody", api.AnnotationWaitTimeout, "2s"), shellContainer())
	lost.Spec.RestartPolicy = corev1.RestartPolicyNever
	c.create(ctx, t, lost)

	for app, last := range map[string]string{
		"rank": "rank.%s.svc.cluster.local resolves", "ring": "all 2 names resolve", "web": "web.%s.svc.cluster.local resolves",
	} {
		last = strings.ReplaceAll(last, "%s", c.namespace)
		for _, pod := range c.ready(ctx, t, app, 2) {
			for _, status := range pod.Status.InitContainerStatuses {
				if status.RestartCount > 0 {
					t.Errorf("%s: init container %s was started %d times again", pod.Name, status.Name, status.RestartCount)
				}
			}
			said, err := s.client.CoreV1().Pods(c.namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: "netmode-wait"}).DoRaw(ctx)
			if err != nil || !strings.Contains(string(said), last) {
				t.Errorf("%s: netmode-wait said %q, and not %q%s", pod.Name, said, last, errorText(err))
			}
		}
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		lost, err := s.client.CoreV1().Pods(c.namespace).Get(ctx, "lost", metav1.GetOptions{})
		if err != nil || len(lost.Status.InitContainerStatuses) == 0 || lost.Status.InitContainerStatuses[0].State.Terminated == nil {
			return false, "the pod that waits for nobody has not ended" + errorText(err)
		}
		ended := lost.Status.InitContainerStatuses[0].State.Terminated
		want := "after 2s, still waiting for the name; DNS said last:\n  nobody.lost." + c.namespace + ".svc.cluster.local: "
		if ended.ExitCode != 1 || !strings.Contains(ended.Message, want) || lost.Status.Phase != corev1.PodFailed {
			t.Errorf("exit code %d, pod %s, said %q, and not %q", ended.ExitCode, lost.Status.Phase, ended.Message, want)
		}
		return true, ""
	})
	c.checkRefused(ctx, t, pod("odd", mode(api.ModeStatefulSetHeadless, api.AnnotationService, "ring", api.AnnotationWait, "all"), shellContainer()),
		fmt.Sprintf("metadata.annotations[%s]: Invalid value: \"all\": no Indexed Job says how many pods that is", api.AnnotationWait))
}
