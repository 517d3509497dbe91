package suite

import (
	"context"
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
)

// testWorkloads annotates workloads, and not their pod templates.
func testWorkloads(ctx context.Context, t *testing.T, s *suite) {
	t.Run("Deployment", func(t *testing.T) {
		t.Parallel()
		c := s.scene(ctx, t, "annotated")
		c.create(ctx, t, deployment("gate", 1, template("gate", nil, distrolessContainer(hostPortWorkload))))
		if gate := c.ready(ctx, t, "gate", 1)[0]; gate.Spec.HostNetwork || gate.Status.PodIP == gate.Status.HostIP {
			t.Errorf("nobody asked, and it has its node's address %s", gate.Status.PodIP)
		}
		c.annotateDeployment(ctx, t, "gate", `"hostnetwork"`)
		if gate := c.rolledOut(ctx, t, "gate", true); gate.Status.PodIP != gate.Status.HostIP {
			t.Errorf("podIP %s, hostIP %s", gate.Status.PodIP, gate.Status.HostIP)
		}
		c.annotateDeployment(ctx, t, "gate", "null")
		gate := c.rolledOut(ctx, t, "gate", false)
		if gate.Status.PodIP == gate.Status.HostIP || gate.Annotations[api.AnnotationCopied] != "" || gate.Spec.DNSPolicy != corev1.DNSClusterFirst {
			t.Errorf("it did not go back: podIP %s, hostIP %s, dnsPolicy %s, annotations %v", gate.Status.PodIP, gate.Status.HostIP, gate.Spec.DNSPolicy, gate.Annotations)
		}
	})
	// The Job in between has no annotation of its own.
	t.Run("CronJob", func(t *testing.T) {
		t.Parallel()
		c := s.scene(ctx, t, "annotated")
		done := shellContainer()
		done.Command = []string{"true"}
		pods := template("minutely", nil, done)
		pods.Spec.RestartPolicy = corev1.RestartPolicyNever
		cron := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "minutely", Annotations: mode(api.ModeHostNetwork)}}
		cron.Spec.Schedule, cron.Spec.JobTemplate.Spec.Template = "* * * * *", pods
		if _, err := s.client.BatchV1().CronJobs(c.namespace).Create(ctx, cron, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			made, err := c.pods(ctx, appLabel("minutely"))
			if err != nil || len(made) == 0 {
				return false, "the CronJob has made no pod" + c.lastEvent(ctx) + errorText(err)
			}
			if !made[0].Spec.HostNetwork {
				t.Errorf("its pod has annotations %v, and is not on the host network", made[0].Annotations)
			}
			return true, ""
		})
	})
}

// annotateDeployment is kubectl annotate; the mode is JSON, and null removes it.
func (s *scene) annotateDeployment(ctx context.Context, t *testing.T, name, mode string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata": {"annotations": {%q: %s}}}`, api.AnnotationMode, mode)
	_, err := s.client.AppsV1().Deployments(s.namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// rolledOut waits until the app's one pod is on the host network, or off it, and ready.
func (s *scene) rolledOut(ctx context.Context, t *testing.T, app string, hostNetwork bool) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		pods, err := s.pods(ctx, appLabel(app))
		if err != nil || len(pods) != 1 {
			return false, fmt.Sprintf("%s has %d pods%s%s", app, len(pods), s.lastEvent(ctx), errorText(err))
		}
		pod = &pods[0]
		return pod.Spec.HostNetwork == hostNetwork && isReady(pod),
			fmt.Sprintf("pod %s: hostNetwork %v, want %v; %s", pod.Name, pod.Spec.HostNetwork, hostNetwork, state(pod))
	})
	return pod
}
