package suite

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/e2e/await"
)

const pollEvery = 300 * time.Millisecond

// scene is the namespace of one test.
type scene struct {
	*suite
	namespace string
}

// scene makes a namespace for a test. When the test has ended, and what it left has been
// dumped if it failed, the namespace is deleted without waiting for its end.
func (s *suite) scene(ctx context.Context, t *testing.T, name string) *scene {
	t.Helper()
	namespaces := s.client.CoreV1().Namespaces()
	made, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := &scene{suite: s, namespace: made.Name}
	cleanUp(ctx, t, func(ctx context.Context) error {
		if t.Failed() {
			c.dump(ctx, t)
		}
		return namespaces.Delete(ctx, made.Name, metav1.DeleteOptions{})
	})
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		_, err := s.client.CoreV1().ServiceAccounts(made.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, fmt.Sprintf("ServiceAccount default: %v", err)
	})
	return c
}

// cleanUp does something when the test has ended, before what was put to be cleaned up earlier,
// and even when ctx has ended.
func cleanUp(ctx context.Context, t *testing.T, do func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
		defer cancel()
		if err := do(ctx); err != nil {
			t.Error(err)
		}
	})
}

// until asks again and again until done says yes. What done says is missing is the failure.
func until(ctx context.Context, t *testing.T, within time.Duration, done func(context.Context) (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not within %s", within))
	defer cancel()
	if err := await.Until(ctx, pollEvery, done); err != nil {
		t.Fatal(err)
	}
}

// create makes the objects in the scene's namespace.
func (s *scene) create(ctx context.Context, t *testing.T, objects ...runtime.Object) {
	t.Helper()
	for _, object := range objects {
		var err error
		options := metav1.CreateOptions{}
		switch o := object.(type) {
		case *corev1.Pod:
			_, err = s.client.CoreV1().Pods(s.namespace).Create(ctx, o, options)
		case *corev1.Service:
			_, err = s.client.CoreV1().Services(s.namespace).Create(ctx, o, options)
		case *corev1.Secret:
			_, err = s.client.CoreV1().Secrets(s.namespace).Create(ctx, o, options)
		case *appsv1.Deployment:
			_, err = s.client.AppsV1().Deployments(s.namespace).Create(ctx, o, options)
		case *appsv1.StatefulSet:
			_, err = s.client.AppsV1().StatefulSets(s.namespace).Create(ctx, o, options)
		case *appsv1.DaemonSet:
			_, err = s.client.AppsV1().DaemonSets(s.namespace).Create(ctx, o, options)
		case *batchv1.Job:
			_, err = s.client.BatchV1().Jobs(s.namespace).Create(ctx, o, options)
		default:
			t.Fatalf("create does not know %T", object)
		}
		if err != nil {
			t.Fatalf("%T: %v", object, err)
		}
	}
}

// warnings collects what the API server warns of.
type warnings struct {
	mu   sync.Mutex
	said []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

// admit asks the API server in a dry run what it would make of the pod, with the warnings that
// a person at the keyboard would read.
func (s *suite) admit(ctx context.Context, namespace string, pod *corev1.Pod) (*corev1.Pod, string, error) {
	said := &warnings{}
	config := rest.CopyConfig(s.config)
	config.WarningHandler = said
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, "", err
	}
	made, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return made, strings.Join(said.said, "\n"), err
}

// checkRefused checks that the pod is refused with this text in the message.
func (s *scene) checkRefused(ctx context.Context, t *testing.T, pod *corev1.Pod, want string) {
	t.Helper()
	if _, _, err := s.admit(ctx, s.namespace, pod); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("have %v\nwant %s", err, want)
	}
}

// pods lists the pods with these labels that nobody deletes.
func (s *scene) pods(ctx context.Context, with map[string]string) ([]corev1.Pod, error) {
	list, err := s.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.FormatLabels(with)})
	if err != nil {
		return nil, err
	}
	var pods []corev1.Pod
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			pods = append(pods, list.Items[i])
		}
	}
	return pods, nil
}

// ready waits until the app has so many pods, all of them ready, and returns them by name.
func (s *scene) ready(ctx context.Context, t *testing.T, app string, count int) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		var err error
		if pods, err = s.pods(ctx, appLabel(app)); err != nil {
			return false, err.Error()
		}
		if len(pods) != count {
			return false, fmt.Sprintf("%s has %d pods, not %d%s", app, len(pods), count, s.lastEvent(ctx))
		}
		for i := range pods {
			if !isReady(&pods[i]) {
				return false, "pod " + pods[i].Name + " is not ready: " + state(&pods[i])
			}
		}
		return true, ""
	})
	return pods
}

// pod waits until the pod of this name is ready.
func (s *scene) pod(ctx context.Context, t *testing.T, name string) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		var err error
		pod, err = s.client.CoreV1().Pods(s.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return isReady(pod) && pod.DeletionTimestamp == nil, "pod " + name + " is not ready: " + state(pod)
	})
	return pod
}

func isReady(pod *corev1.Pod) bool {
	condition := podCondition(pod, corev1.PodReady)
	return condition != nil && condition.Status == corev1.ConditionTrue
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// state says in a line how far a pod is.
func state(pod *corev1.Pod) string {
	text := string(pod.Status.Phase)
	if c := podCondition(pod, corev1.PodScheduled); c != nil && c.Status != corev1.ConditionTrue {
		text += ", " + c.Message
	}
	for _, all := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range all {
			switch s := &all[i]; {
			case s.State.Waiting != nil:
				text += fmt.Sprintf(", %s: %s %s", s.Name, s.State.Waiting.Reason, s.State.Waiting.Message)
			case s.State.Terminated != nil:
				text += fmt.Sprintf(", %s: ended with %d %s", s.Name, s.State.Terminated.ExitCode, s.State.Terminated.Message)
			case !s.Ready:
				text += fmt.Sprintf(", %s: not ready", s.Name)
			}
		}
	}
	return text
}

// lastEvent is the last warning of the namespace, behind a colon.
func (s *scene) lastEvent(ctx context.Context) string {
	events, err := s.client.CoreV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning"})
	if err != nil || len(events.Items) == 0 {
		return ""
	}
	last := &events.Items[len(events.Items)-1]
	return fmt.Sprintf(": %s %s: %s", last.InvolvedObject.Kind, last.InvolvedObject.Name, last.Message)
}
