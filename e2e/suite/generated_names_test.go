package suite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/netmode-io/netmode/pkg/api"
)

// testGeneratedNames has the pods of a Deployment find each other by the names that kubectl
// shows, and those of a DaemonSet by the names of their nodes.
func testGeneratedNames(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "names")
	c.create(ctx, t, service("maker", mode(api.ModeStatefulSetHeadless)), service("agent", mode(api.ModeStatefulSetHeadless)))
	c.create(ctx, t, deployment("maker", 3, template("maker", mode(api.ModeStatefulSetHeadless), shellContainer(), distrolessContainer())))
	agents := template("agent", mode(api.ModeStatefulSetHeadless, api.AnnotationHostname, string(api.HostnameNode)), shellContainer(), distrolessContainer())
	c.create(ctx, t, &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: "agent"},
		Spec:       appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: appLabel("agent")}, Template: agents},
	})
	c.create(ctx, t, example(t, "workers.yaml")...)
	t.Run("README", func(t *testing.T) {
		shown := c.ready(ctx, t, "worker", 2)
		for i := range shown {
			other := &shown[1-i]
			if said := c.mustExec(ctx, t, shown[i].Name, "worker", "ping", "-c", "1", other.Name); !strings.Contains(said, "64 bytes from "+other.Status.PodIP) {
				t.Errorf("%s pings %s: %s", shown[i].Name, other.Name, said)
			}
		}
	})
	t.Run("Deployment", func(t *testing.T) {
		makers := c.ready(ctx, t, "maker", 3)
		c.checkHostnames(ctx, t, makers, func(pod *corev1.Pod) string { return pod.Name })
		c.checkFetchesAll(ctx, t, makers)
	})
	t.Run("DaemonSet", func(t *testing.T) {
		nodes := 1
		if s.twoNodes() {
			nodes = 2
		}
		found := c.ready(ctx, t, "agent", nodes)
		c.checkHostnames(ctx, t, found, func(pod *corev1.Pod) string { return pod.Spec.NodeName })
		c.checkFetchesAll(ctx, t, found)
	})
}

// example is what a file of docs/examples has.
func example(t *testing.T, file string) []runtime.Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", file)) //nolint:gosec // named by a test
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// checkHostnames wants of each pod that hostname(1) is the name that peers use.
func (s *scene) checkHostnames(ctx context.Context, t *testing.T, pods []corev1.Pod, want func(*corev1.Pod) string) {
	t.Helper()
	for i := range pods {
		pod := &pods[i]
		if said := s.mustExec(ctx, t, pod.Name, shell, "hostname"); said != want(pod) || pod.Spec.Hostname != said {
			t.Errorf("pod %s: hostname(1) is %s, spec.hostname %s, want %s", pod.Name, said, pod.Spec.Hostname, want(pod))
		}
	}
}

// checkFetchesAll has the first pod reach all by their hostnames alone.
func (s *scene) checkFetchesAll(ctx context.Context, t *testing.T, pods []corev1.Pod) {
	t.Helper()
	for i := range pods {
		s.eventually(ctx, t, dnsBound, pods[i].Status.PodIP, pods[0].Name, distroless, resolve(pods[i].Spec.Hostname)...)
	}
}
