package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ready waits until these pods are ready.
func (s *scene) ready(ctx context.Context, t *testing.T, names ...string) {
	t.Helper()
	until(ctx, t, func(ctx context.Context) (bool, string) {
		for _, name := range names {
			pod, err := s.kube.CoreV1().Pods(s.namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			if !isReady(pod) {
				return false, "not ready: " + state(pod)
			}
		}
		return true, ""
	})
}

func isReady(pod *corev1.Pod) bool {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// state says in a line how far a pod is.
func state(pod *corev1.Pod) string {
	text := fmt.Sprintf("%s on %s: %s", pod.Name, pod.Spec.NodeName, pod.Status.Phase)
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			text += ", " + c.Message
		}
	}
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range all {
			switch c := &all[i]; {
			case c.State.Waiting != nil:
				text += fmt.Sprintf(", %s: %s %s", c.Name, c.State.Waiting.Reason, c.State.Waiting.Message)
			case c.State.Terminated != nil:
				text += fmt.Sprintf(", %s: ended with %d", c.Name, c.State.Terminated.ExitCode)
			case !c.Ready:
				text += ", " + c.Name + ": not ready"
			}
		}
	}
	return text
}

// pods lists the pods with this label that nobody deletes.
func (s *scene) pods(ctx context.Context, selector string) ([]corev1.Pod, error) {
	list, err := s.kube.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	var found []corev1.Pod
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			found = append(found, list.Items[i])
		}
	}
	return found, nil
}

// count waits until so many pods with this label are ready, and there are no others.
func (s *scene) count(ctx context.Context, t *testing.T, selector string, want int) []corev1.Pod {
	t.Helper()
	var found []corev1.Pod
	until(ctx, t, func(ctx context.Context) (bool, string) {
		var err error
		if found, err = s.pods(ctx, selector); err != nil || len(found) != want {
			return false, fmt.Sprintf("%d pods with %s, not %d %v", len(found), selector, want, err)
		}
		for i := range found {
			if !isReady(&found[i]) {
				return false, "not ready: " + state(&found[i])
			}
		}
		return true, ""
	})
	return found
}

// recreated waits until the pods of these names are others than before, and ready.
func (s *scene) recreated(ctx context.Context, t *testing.T, before ...corev1.Pod) {
	t.Helper()
	until(ctx, t, func(ctx context.Context) (bool, string) {
		for i := range before {
			pod, err := s.kube.CoreV1().Pods(s.namespace).Get(ctx, before[i].Name, metav1.GetOptions{})
			if err != nil {
				return false, err.Error()
			}
			if pod.UID == before[i].UID || !isReady(pod) {
				return false, "not back: " + state(pod)
			}
		}
		return true, ""
	})
}

// delete deletes pods, now or with their grace period.
func (s *scene) delete(ctx context.Context, t *testing.T, options metav1.DeleteOptions, pods ...corev1.Pod) {
	t.Helper()
	for i := range pods {
		if err := s.kube.CoreV1().Pods(s.namespace).Delete(ctx, pods[i].Name, options); err != nil {
			t.Fatal(err)
		}
	}
}

// says waits until the log of a pod, of any of its containers, holds the text, and returns that line.
func (s *scene) says(ctx context.Context, t *testing.T, pod, want string) string {
	t.Helper()
	var found string
	until(ctx, t, func(ctx context.Context) (bool, string) {
		text := s.logs(ctx, pod)
		for line := range strings.Lines(text) {
			if strings.Contains(line, want) {
				found = strings.TrimSpace(line)
				return true, ""
			}
		}
		return false, fmt.Sprintf("want %q in the log of %s: %s", want, pod, text[max(0, len(text)-2000):])
	})
	return found
}

// logs are those of all of a pod's containers, and of their run before. What cannot be read says so
// in its place.
func (s *scene) logs(ctx context.Context, name string) string {
	pod, err := s.kube.CoreV1().Pods(s.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err.Error()
	}
	var text strings.Builder
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range all {
			for _, previous := range []bool{true, false} {
				if previous && all[i].RestartCount == 0 {
					continue
				}
				options := &corev1.PodLogOptions{Container: all[i].Name, Previous: previous}
				log, err := s.kube.CoreV1().Pods(s.namespace).GetLogs(name, options).DoRaw(ctx)
				if err != nil {
					log = []byte(err.Error())
				}
				_, _ = fmt.Fprintf(&text, "--- %s, previous: %t\n%s\n", all[i].Name, previous, log)
			}
		}
	}
	return text.String()
}

// show writes what there is, and what it last said, to the test's log.
func (s *scene) show(ctx context.Context, t *testing.T) {
	t.Helper()
	pods, err := s.kube.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Log(err)
		return
	}
	for i := range pods.Items {
		text := s.logs(ctx, pods.Items[i].Name)
		t.Logf("pod %s\n%s", state(&pods.Items[i]), text[max(0, len(text)-3000):])
	}
	events, err := s.kube.CoreV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning"})
	if err != nil {
		t.Log(err)
		return
	}
	for i := range events.Items {
		e := &events.Items[i]
		t.Logf("%s %s: %s: %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message)
	}
}
