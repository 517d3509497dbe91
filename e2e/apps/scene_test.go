package apps

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/netmode-io/netmode/e2e/await"
	"github.com/netmode-io/netmode/e2e/example"
	"github.com/netmode-io/netmode/e2e/install"
)

const (
	// execTimeout is for one program in a pod.
	execTimeout = 60 * time.Second
	// namespaceLabel marks what is in no namespace, and belongs to one.
	namespaceLabel = "netmode.test/namespace"
	// clientPod stands beside the example, without any annotation.
	clientPod = "client"
)

// scene is the namespace of one run of a program.
type scene struct {
	*world
	namespace string
}

// scene makes a namespace with a client in it. All of it is removed when the test has ended, and
// shown before if it failed.
func (w *world) scene(ctx context.Context, t *testing.T, name string) *scene {
	t.Helper()
	namespaces := w.kube.CoreV1().Namespaces()
	made, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := &scene{world: w, namespace: made.Name}
	cleanUp(ctx, t, func(ctx context.Context) error {
		if t.Failed() {
			c.show(ctx, t)
		}
		return c.remove(ctx)
	})
	until(ctx, t, func(ctx context.Context) (bool, string) {
		_, err := w.kube.CoreV1().ServiceAccounts(made.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, fmt.Sprintf("ServiceAccount default: %v", err)
	})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: clientPod}, Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(0)),
		Containers:                    []corev1.Container{{Name: clientPod, Image: w.image, Command: []string{"sleep", "100000"}}},
	}}
	if _, err := w.kube.CoreV1().Pods(made.Name).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.ready(ctx, t, clientPod)
	return c
}

// remove removes the namespace, and when its pods are gone, the volumes.
func (s *scene) remove(ctx context.Context) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
	namespaces := s.kube.CoreV1().Namespaces()
	if err := namespaces.Delete(ctx, s.namespace, now); err != nil {
		return err
	}
	if err := s.kube.CoreV1().Pods(s.namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
		return err
	}
	err := await.Until(ctx, pollEvery, func(ctx context.Context) (bool, string) {
		_, err := namespaces.Get(ctx, s.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), "namespace " + s.namespace + " is still there"
	})
	if err != nil {
		return err
	}
	return s.removeVolumes(ctx)
}

// exchange applies an example, with volumes for its claims, and prints what it exchanged. Without
// netmode it takes netmode's annotations away.
func (s *scene) exchange(ctx context.Context, t *testing.T, file string, netmode bool) {
	t.Helper()
	objects, err := example.Read("../../deploy/examples/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !netmode {
		example.WithoutNetmode(objects)
	}
	said := example.Exchanges{Image: s.image, StorageClass: s.namespace, CPU: "10m", Memory: "32Mi"}.Apply(objects)
	if netmode {
		t.Logf("%s: exchanged:\n  %s", file, strings.Join(said, "\n  "))
	}
	s.volumes(ctx, t, example.Claims(objects))
	for _, o := range objects {
		o.SetNamespace(s.namespace)
	}
	if err := install.Apply(ctx, s.config, objects); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) secret(ctx context.Context, t *testing.T, name string, kind corev1.SecretType, data map[string]string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Type: kind, StringData: data}
	if _, err := s.kube.CoreV1().Secrets(s.namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// cleanUp does something when the test has ended, and even when ctx has ended.
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
func until(ctx context.Context, t *testing.T, done func(context.Context) (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not within %s", patience))
	defer cancel()
	if err := await.Until(ctx, pollEvery, done); err != nil {
		t.Fatal(err)
	}
}

// exec runs a program in a pod's only container and returns what it wrote.
func (s *scene) exec(ctx context.Context, pod string, args ...string) (string, error) {
	return s.execIn(ctx, pod, "", args...)
}

// execIn is exec in one container of several.
func (s *scene) execIn(ctx context.Context, pod, container string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, execTimeout, fmt.Errorf("not ended within %s", execTimeout))
	defer cancel()
	url := s.kube.CoreV1().RESTClient().Post().Resource("pods").Namespace(s.namespace).Name(pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: container, Command: args, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(s.config, http.MethodGet, url.String())
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	out := strings.TrimSpace(stdout.String())
	if err != nil {
		return out, fmt.Errorf("%s in %s: %w: %s %s", strings.Join(args, " "), pod, err, out, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// bash is exec of a script.
func (s *scene) bash(ctx context.Context, pod, script string) (string, error) {
	return s.exec(ctx, pod, "bash", "-c", script)
}

// client runs a program in the client, which must not fail.
func (s *scene) client(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := s.exec(ctx, clientPod, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eventually waits until a script in a pod writes what holds the wanted text, and returns it.
func (s *scene) eventually(ctx context.Context, t *testing.T, pod, script, want string) string {
	t.Helper()
	var out string
	until(ctx, t, func(ctx context.Context) (bool, string) {
		var err error
		if out, err = s.bash(ctx, pod, script); err != nil {
			return false, err.Error()
		}
		return strings.Contains(out, want), fmt.Sprintf("%s in %s: want %q in %s", script, pod, want, out)
	})
	return out
}
