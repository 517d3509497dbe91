package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/flags"
)

const (
	// drainedEvery is how often a pod is created in a dry run: fifty a second.
	drainedEvery = 20 * time.Millisecond
	// atOnce bounds the calls that wait for an answer.
	atOnce = 100
	// drainedBound is for one rollout, or one node.
	drainedBound = 3 * time.Minute
)

// testDrained replaces the webhook's pods again and again, by rollouts and by drains of their
// nodes, while pods are created through the API server. No call may be lost.
// NETMODE_ROLLOUTS and NETMODE_DRAINS say how often.
func testDrained(ctx context.Context, t *testing.T, s *suite) {
	rollouts, drains := times(t, "NETMODE_ROLLOUTS", 3), times(t, "NETMODE_DRAINS", 1)
	c := s.scene(ctx, t, "drained")
	load := c.startCalls(ctx)
	defer load.stop()
	before := int64(0)
	report := func(what string, i int) {
		made, lost := load.made.Load(), load.lost.Load()
		t.Logf("%-8s %2d: %5d calls, %d lost in all", what, i, made-before, lost)
		before = made
		if lost > 0 {
			t.Fatalf("%d of %d calls were lost, the first with: %v", lost, made, load.first())
		}
	}
	for i := range rollouts {
		s.rollOut(ctx, t, i)
		report("rollout", i+1)
	}
	for i := range drains {
		node := s.cluster.Nodes[i%len(s.cluster.Nodes)].Name
		c.drain(ctx, t, node)
		report("drain", i+1)
	}
	load.stop()
	report("the end", 0)
	t.Logf("%d rollouts, %d node drains, %d calls, %d lost", rollouts, drains, load.made.Load(), load.lost.Load())
}

// times reads how often from the environment.
func times(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	given := os.Getenv(variable)
	if given == "" {
		return otherwise
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 0 {
		t.Fatalf("%s=%s: write a number", variable, given)
	}
	return n
}

// calls are pods that are created in dry runs, at an even pace.
type calls struct {
	made, lost atomic.Int64
	cause      atomic.Pointer[error]
	cancel     context.CancelFunc
	running    sync.WaitGroup
}

func (c *calls) first() error {
	if cause := c.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// stop returns when every call that was made has its answer.
func (c *calls) stop() {
	c.cancel()
	c.running.Wait()
}

func (s *scene) startCalls(ctx context.Context) *calls {
	pace, cancel := context.WithCancel(ctx)
	c := &calls{cancel: cancel}
	room := make(chan struct{}, atOnce)
	c.running.Go(func() {
		ticker := time.NewTicker(drainedEvery)
		defer ticker.Stop()
		for {
			select {
			case <-pace.Done():
				return
			case <-ticker.C:
			}
			room <- struct{}{}
			c.running.Go(func() {
				defer func() { <-room }()
				c.count(s.call(ctx))
			})
		}
	})
	return c
}

func (c *calls) count(err error) {
	if err != nil {
		c.lost.Add(1)
		err = fmt.Errorf("at %s: %w", time.Now().Format(time.TimeOnly), err)
		c.cause.CompareAndSwap(nil, &err)
	}
	c.made.Add(1)
}

// call is lost where the pod is refused, and where it comes back as it was.
func (s *scene) call(ctx context.Context) error {
	made, err := s.client.CoreV1().Pods(s.namespace).Create(ctx, pod("made", mode(api.ModeHostNetwork), distrolessContainer(hostPort)),
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil && !made.Spec.HostNetwork {
		err = errors.New("the pod was not changed")
	}
	return err
}

// rollOut replaces the webhook's pods, as kubectl rollout restart does.
func (s *suite) rollOut(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	old := s.webhookPods(ctx, t)
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"netmode.test/rollout":"%d-%d"}}}}}`, time.Now().Unix(), n)
	if _, err := s.client.AppsV1().Deployments(flags.DefaultNamespace).Patch(ctx, "netmode-webhook", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.replaced(ctx, t, old)
}

// replaced waits until none of the pods is there, and as many others are ready.
func (s *suite) replaced(ctx context.Context, t *testing.T, old []corev1.Pod) {
	t.Helper()
	gone := map[types.UID]bool{}
	for i := range old {
		gone[old[i].UID] = true
	}
	until(ctx, t, drainedBound, func(ctx context.Context) (bool, string) {
		ready := 0
		for _, p := range s.webhookPods(ctx, t) {
			if gone[p.UID] {
				return false, "pod " + p.Name + " has not gone"
			}
			if isReady(&p) && p.DeletionTimestamp == nil {
				ready++
			}
		}
		return ready >= 2, fmt.Sprintf("%d pods of the webhook are ready, not 2", ready)
	})
}

func (s *suite) webhookPods(ctx context.Context, t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods(flags.DefaultNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=webhook"})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// drain does what kubectl drain does, and lets pods come back to the node then.
func (s *scene) drain(ctx context.Context, t *testing.T, node string) {
	t.Helper()
	if err := s.cordon(ctx, node, true); err != nil {
		t.Fatal(err)
	}
	uncordon := func(ctx context.Context) error { return s.cordon(ctx, node, false) }
	cleanUp(ctx, t, uncordon)
	var old []corev1.Pod
	for _, p := range s.webhookPods(ctx, t) {
		if p.Spec.NodeName == node {
			old = append(old, p)
		}
	}
	list, err := s.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		if p := &list.Items[i]; drainable(p) {
			s.evict(ctx, t, p)
		}
	}
	s.replaced(ctx, t, old)
	if err := uncordon(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d pods of the webhook were evicted", node, len(old))
}

// drainable are the pods that another node, or nobody, starts again.
func drainable(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return p.Annotations[corev1.MirrorPodAnnotationKey] == "" && (owner == nil || owner.Kind != "DaemonSet")
}

// evict asks until a disruption budget lets the pod go.
func (s *suite) evict(ctx context.Context, t *testing.T, p *corev1.Pod) {
	t.Helper()
	until(ctx, t, drainedBound, func(ctx context.Context) (bool, string) {
		err := s.client.PolicyV1().Evictions(p.Namespace).Evict(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace}})
		return err == nil || apierrors.IsNotFound(err), fmt.Sprintf("evict %s/%s: %v", p.Namespace, p.Name, err)
	})
}

func (s *suite) cordon(ctx context.Context, node string, on bool) error {
	_, err := s.client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, on), metav1.PatchOptions{})
	return err
}
