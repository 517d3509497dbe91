package suite

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
)

// testRescheduled checks that names follow pods which are deleted and come back with another
// address, on the other node where there is one.
func testRescheduled(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "rescheduled")
	first, last := s.cluster.Nodes[0].Name, s.cluster.Nodes[len(s.cluster.Nodes)-1].Name
	label := "netmode.test/" + c.namespace
	c.labelNode(ctx, t, first, label)

	pods := template("db", mode(api.ModeStatefulSetHeadless), distrolessContainer())
	pods.Spec.NodeSelector = map[string]string{label: "true"}
	single := template("web", mode(api.ModeHeadless), distrolessContainer())
	single.Spec.NodeSelector = pods.Spec.NodeSelector
	c.create(ctx, t, service("db", mode(api.ModeStatefulSetHeadless)), service("web", mode(api.ModeHeadless)))
	c.create(ctx, t, statefulSet("db", "db", 2, pods), deployment("web", 1, single))
	c.checkMesh(ctx, t, 2)
	web := c.ready(ctx, t, "web", 1)[0]
	c.eventually(ctx, t, dnsBound, web.Status.PodIP, "db-0", distroless, resolve("web")...)

	if s.twoNodes() {
		if err := s.setLabel(ctx, first, label, "null"); err != nil {
			t.Fatal(err)
		}
		c.labelNode(ctx, t, last, label)
	}
	t.Run("StatefulSet", func(t *testing.T) {
		old := c.pod(ctx, t, "db-1")
		c.deletePod(ctx, t, old)
		checkMoved(t, old, c.pod(ctx, t, "db-1"), last)
		c.checkMesh(ctx, t, 2)
	})
	t.Run("Deployment", func(t *testing.T) {
		c.deletePod(ctx, t, &web)
		now := c.ready(ctx, t, "web", 1)[0]
		checkMoved(t, &web, &now, last)
		c.eventually(ctx, t, dnsBound, now.Status.PodIP, "db-0", distroless, resolve("web")...)
	})
}

// checkMoved checks that a pod's successor is on the node, with another address.
func checkMoved(t *testing.T, old, now *corev1.Pod, node string) {
	t.Helper()
	if now.Status.PodIP == old.Status.PodIP || now.Spec.NodeName != node {
		t.Errorf("%s is on %s with %s; it was on %s with %s", now.Name, now.Spec.NodeName, now.Status.PodIP, old.Spec.NodeName, old.Status.PodIP)
	}
}

// deletePod deletes a pod and waits until it is gone.
func (s *scene) deletePod(ctx context.Context, t *testing.T, old *corev1.Pod) {
	t.Helper()
	pods := s.client.CoreV1().Pods(s.namespace)
	if err := pods.Delete(ctx, old.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		now, err := pods.Get(ctx, old.Name, metav1.GetOptions{})
		if err != nil {
			return apierrors.IsNotFound(err), err.Error()
		}
		return now.UID != old.UID, "pod " + old.Name + " has not gone"
	})
}

// labelNode gives a node a label for as long as the test runs.
func (s *scene) labelNode(ctx context.Context, t *testing.T, node, label string) {
	t.Helper()
	cleanUp(ctx, t, func(ctx context.Context) error { return s.setLabel(ctx, node, label, "null") })
	if err := s.setLabel(ctx, node, label, `"true"`); err != nil {
		t.Fatal(err)
	}
}

// setLabel gives a node a label with this value in JSON; null removes it.
func (s *suite) setLabel(ctx context.Context, node, label, value string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s}}}`, label, value)
	_, err := s.client.CoreV1().Nodes().Patch(ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
