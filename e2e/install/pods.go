package install

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// lookAtPods says of each pod of the Deployment that is not ready what holds it up.
func lookAtPods(ctx context.Context, c kubernetes.Interface, d *appsv1.Deployment) ([]string, error) {
	selector := metav1.FormatLabelSelector(d.Spec.Selector)
	pods, err := c.CoreV1().Pods(d.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	events, err := c.CoreV1().Events(d.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(events.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	var found []string
	for i := range pods.Items {
		pod := &pods.Items[i]
		reasons := waiting(pod)
		if reasons == nil {
			continue
		}
		if warning := lastWarning(pod, events.Items); warning != "" {
			reasons = append(reasons, warning)
		}
		found = append(found, fmt.Sprintf("pod %s: %s", pod.Name, strings.Join(reasons, ", ")))
	}
	return found, nil
}

// waiting begins with the phase of a pod that is not ready; nil: it is.
func waiting(pod *corev1.Pod) []string {
	reasons := []string{cmp.Or(string(pod.Status.Phase), "no phase yet")}
	if pod.DeletionTimestamp != nil {
		reasons = append(reasons, "ends")
	}
	for _, condition := range pod.Status.Conditions {
		switch {
		case condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil:
			return nil
		case condition.Type == corev1.PodScheduled && condition.Status != corev1.ConditionTrue:
			reasons = append(reasons, join(condition.Reason, condition.Message))
		}
	}
	for _, status := range pod.Status.ContainerStatuses {
		what := "container " + status.Name
		switch state, last := status.State, status.LastTerminationState.Terminated; {
		case state.Waiting != nil:
			what += " waits: " + join(state.Waiting.Reason, state.Waiting.Message)
		case state.Terminated != nil:
			what += " ended: " + ended(state.Terminated)
		case !status.Ready && last != nil:
			what += " is not ready, and ended before: " + ended(last)
		case !status.Ready:
			what += " is not ready"
		default:
			continue
		}
		reasons = append(reasons, what)
	}
	return reasons
}

func ended(t *corev1.ContainerStateTerminated) string {
	return join(fmt.Sprintf("%s, exit code %d", t.Reason, t.ExitCode), t.Message)
}

func join(reason, message string) string {
	return strings.TrimSuffix(reason+": "+strings.TrimSpace(message), ": ")
}

// lastWarning is of the sorted events.
func lastWarning(pod *corev1.Pod, events []corev1.Event) string {
	for _, e := range slices.Backward(events) {
		if e.Type == corev1.EventTypeWarning && e.InvolvedObject.UID == pod.UID {
			return "last warning: " + join(e.Reason, e.Message)
		}
	}
	return ""
}
