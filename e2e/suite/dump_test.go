package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/flags"
)

// dumps is the folder of what failed tests leave to look at, made with the first of them.
type dumps struct {
	mu  sync.Mutex
	dir string
}

// folder makes a folder in it.
func (d *dumps) folder(name string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "netmode-e2e-")
		if err != nil {
			return "", err
		}
		d.dir = dir
	}
	dir := filepath.Join(d.dir, name)
	return dir, os.MkdirAll(dir, 0o750)
}

// dump writes what there is in the scene, and around it, to the dumps, and the gist of it to
// the test's log. What cannot be read is said there too: a dump is no reason to fail.
func (s *scene) dump(ctx context.Context, t *testing.T) {
	t.Helper()
	dir, err := s.dumps.folder(s.namespace)
	if err != nil {
		t.Log(err)
		return
	}
	t.Logf("namespace %s, netmode's logs and CoreDNS's are in %s", s.namespace, dir)
	s.dumpObjects(ctx, t, dir)
	if events, err := s.client.CoreV1().Events(s.namespace).List(ctx, metav1.ListOptions{}); err != nil {
		t.Log(err)
	} else {
		var text strings.Builder
		for i := range events.Items {
			e := &events.Items[i]
			line := fmt.Sprintf("%s %s/%s %s: %s (%d)\n", e.Type, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, e.Message, max(e.Count, 1))
			text.WriteString(line)
			if e.Type == corev1.EventTypeWarning {
				t.Log(strings.TrimSpace(line))
			}
		}
		write(t, filepath.Join(dir, "events.txt"), text.String())
	}
	s.dumpLogs(ctx, t, s.namespace, "", dir, 0)
	s.dumpLogs(ctx, t, flags.DefaultNamespace, "", dir, 0)
	s.dumpLogs(ctx, t, metav1.NamespaceSystem, dnsSelector, dir, 500)
}

// dumpNetmode is dump of an installation that failed.
func (s *suite) dumpNetmode(ctx context.Context, t *testing.T) {
	t.Helper()
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	(&scene{suite: s, namespace: flags.DefaultNamespace}).dump(clean, t)
}

// dumpObjects writes one file for each kind.
func (s *scene) dumpObjects(ctx context.Context, t *testing.T, dir string) {
	t.Helper()
	core, apps, all := s.client.CoreV1(), s.client.AppsV1(), metav1.ListOptions{}
	for name, list := range map[string]func() (runtime.Object, error){
		"pods":         func() (runtime.Object, error) { return core.Pods(s.namespace).List(ctx, all) },
		"services":     func() (runtime.Object, error) { return core.Services(s.namespace).List(ctx, all) },
		"deployments":  func() (runtime.Object, error) { return apps.Deployments(s.namespace).List(ctx, all) },
		"replicasets":  func() (runtime.Object, error) { return apps.ReplicaSets(s.namespace).List(ctx, all) },
		"statefulsets": func() (runtime.Object, error) { return apps.StatefulSets(s.namespace).List(ctx, all) },
		"jobs":         func() (runtime.Object, error) { return s.client.BatchV1().Jobs(s.namespace).List(ctx, all) },
		"endpointslices": func() (runtime.Object, error) {
			return s.client.DiscoveryV1().EndpointSlices(s.namespace).List(ctx, all)
		},
		"mutating": func() (runtime.Object, error) {
			return s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, all)
		},
		"validatingadmissionpolicies": func() (runtime.Object, error) {
			return s.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, all)
		},
	} {
		object, err := list()
		if err != nil {
			t.Log(err)
			continue
		}
		if pods, ok := object.(*corev1.PodList); ok {
			for i := range pods.Items {
				t.Logf("pod %s on %s: %s", pods.Items[i].Name, pods.Items[i].Spec.NodeName, state(&pods.Items[i]))
			}
		}
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Log(err)
			continue
		}
		write(t, filepath.Join(dir, name+".yaml"), string(text))
	}
}

// dumpLogs writes the log of every container, and that of the run before it, if there is one.
// Tail 0 is all of it.
func (s *suite) dumpLogs(ctx context.Context, t *testing.T, namespace, selector, dir string, tail int64) {
	t.Helper()
	pods, err := s.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Log(err)
		return
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for j := range statuses {
				status := &statuses[j]
				for _, previous := range []bool{false, true} {
					if previous && status.RestartCount == 0 || status.ContainerID == "" {
						continue
					}
					of := &corev1.PodLogOptions{Container: status.Name, Previous: previous}
					name := pod.Name + "." + status.Name
					if previous {
						name += ".previous"
					}
					if tail > 0 {
						of.TailLines = &tail
					}
					text, err := s.client.CoreV1().Pods(namespace).GetLogs(pod.Name, of).DoRaw(ctx)
					if err != nil {
						t.Logf("log of %s: %v", name, err)
						continue
					}
					write(t, filepath.Join(dir, name+".log"), string(text))
				}
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Log(err)
	}
}
