package integration

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netmode-io/netmode/pkg/api"
)

// scaleVariable set to 1 adds TestScale, which takes minutes and leaves its objects to the tests
// after it: NETMODE_SCALE=1 go test ./integration -run TestScale -v
const scaleVariable = "NETMODE_SCALE"

// What a large cluster has, and what netmode may need there.
const (
	manyNamespaces = 10_000
	manyServices   = 20_000
	manyPolicies   = 100

	readyWithin = 5 * time.Second
	mostMemory  = 96 << 20
)

// TestScale: in a large cluster a webhook is ready soon after its start, and small.
func TestScale(t *testing.T) {
	if os.Getenv(scaleVariable) != "1" {
		t.Skipf("it takes two minutes, and leaves its objects: make scale, or set %s=1", scaleVariable)
	}
	began := time.Now()
	if err := shared.fill(t); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Namespaces, %d Services and %d policies made in %s", manyNamespaces, manyServices, manyPolicies, time.Since(began).Round(time.Second))

	kubeconfig, err := shared.kubeconfig(t.Context(), "netmode-webhook")
	if err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	webhook, err := shared.serve(t.Context(), kubeconfig, "127.0.0.1:0", shared.usual...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := webhook.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := shared.poll(t.Context(), "not ready", webhook.ready); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	now, peak := memory(t, webhook)
	t.Logf("ready after %s; resident set %d MiB, at most %d MiB", took.Round(time.Millisecond), now>>20, peak>>20)
	if took > readyWithin {
		t.Errorf("ready after %s, want %s at most", took, readyWithin)
	}
	if peak > mostMemory {
		t.Errorf("resident set of %d MiB, want %d at most", peak>>20, mostMemory>>20)
	}
}

// fill makes the objects of a large cluster.
func (w *world) fill(t *testing.T) error {
	policies := w.policies(t)
	namespace := func(i int) string { return fmt.Sprintf("scale-%d", i) }
	team := func(i int) string { return fmt.Sprintf("team-%d", i%manyPolicies) }
	ctx := t.Context()
	return errors.Join(
		each(manyNamespaces, func(i int) error {
			_, err := w.admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name:        namespace(i),
				Labels:      map[string]string{"team": team(i), api.LabelPolicy: api.PolicyEnabled, "pod-security.kubernetes.io/enforce": "baseline"},
				Annotations: map[string]string{"example.com/owner": "somebody@example.com"},
			}}, metav1.CreateOptions{})
			return err
		}),
		each(manyServices, func(i int) error {
			app := fmt.Sprintf("app-%d", i/manyNamespaces)
			_, err := w.admin.CoreV1().Services(namespace(i%manyNamespaces)).Create(ctx, &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Name: app, Labels: map[string]string{"app": app, "app.kubernetes.io/managed-by": "Helm"}},
				Spec: corev1.ServiceSpec{
					ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": app, "app.kubernetes.io/instance": "one"},
					Ports: []corev1.ServicePort{{Name: "http", Port: 8080, TargetPort: intstr.FromString("http")}, {Name: "metrics", Port: 9090}},
				},
			}, metav1.CreateOptions{})
			return err
		}),
		// The last, so that the API server judges none of the others by them.
		each(manyPolicies, func(i int) error {
			policy := newPolicy(t, fmt.Sprintf("scale-%d", i), fmt.Sprintf(
				`{namespaceSelector: {matchLabels: {team: %s}}, allowedModes: [headless], hostNetwork: {portRange: {min: 20000, max: 29999}}}`, team(i)))
			_, err := policies.Create(ctx, policy, metav1.CreateOptions{})
			return err
		}),
	)
}

// each calls f with all numbers below n, many at once, and returns the first error.
func each(n int, f func(int) error) error {
	const atOnce = 32
	var running sync.WaitGroup
	var first error
	var once sync.Once
	for side := range atOnce {
		running.Go(func() {
			for i := side; i < n; i += atOnce {
				if err := f(i); err != nil {
					once.Do(func() { first = err })
					return
				}
			}
		})
	}
	running.Wait()
	return first
}

// memory is the resident set of a process in bytes, now and at its largest.
func memory(t *testing.T, p *process) (now, peak int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		into := map[string]*int{"VmRSS": &now, "VmHWM": &peak}[key]
		if into == nil {
			continue
		}
		kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(value, "kB")))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		*into = kilobytes << 10
	}
	return now, peak
}
