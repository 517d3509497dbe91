package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/e2e/await"
)

const (
	system    = metav1.NamespaceSystem
	coreDNS   = "coredns"
	pollEvery = 500 * time.Millisecond
	// rolledBy marks CoreDNS's pods as started after its configuration was changed.
	rolledBy = "netmode.test/log-queries"
)

func until(ctx context.Context, done func(context.Context) (bool, string)) error {
	return await.Until(ctx, pollEvery, done)
}

// listNodes fills c.Nodes, the control plane first, once each has an address and a pod range.
func (c *Cluster) listNodes(ctx context.Context) error {
	return until(ctx, func(ctx context.Context) (bool, string) {
		list, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		var nodes []Node
		for i := range list.Items {
			n := &list.Items[i]
			node := Node{Name: n.Name, PodCIDR: n.Spec.PodCIDR}
			for _, a := range n.Status.Addresses {
				if a.Type == corev1.NodeInternalIP && node.Address == "" {
					node.Address = a.Address
				}
			}
			if node.Address == "" || node.PodCIDR == "" {
				return false, fmt.Sprintf("node %s has no address or no pod range", n.Name)
			}
			nodes = append(nodes, node)
		}
		// "<name>-control-plane" before "<name>-worker"
		slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
		c.Nodes = nodes
		return len(nodes) > 0, "there is no node"
	})
}

// logQueries has CoreDNS log each query, so that a test can count them.
func (c *Cluster) logQueries(ctx context.Context) error {
	maps := c.client.CoreV1().ConfigMaps(system)
	config, err := maps.Get(ctx, coreDNS, metav1.GetOptions{})
	if err != nil {
		return err
	}
	corefile, changed := withLog(config.Data["Corefile"])
	if !changed {
		return nil
	}
	config.Data["Corefile"] = corefile
	if _, err := maps.Update(ctx, config, metav1.UpdateOptions{}); err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) (bool, string) {
		deployment, err := c.client.AppsV1().Deployments(system).Get(ctx, coreDNS, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		if deployment.Spec.Template.Annotations == nil {
			deployment.Spec.Template.Annotations = map[string]string{}
		}
		deployment.Spec.Template.Annotations[rolledBy] = "true"
		if _, err := c.client.AppsV1().Deployments(system).Update(ctx, deployment, metav1.UpdateOptions{}); err != nil {
			return false, err.Error()
		}
		return true, ""
	})
}

// withLog puts the plugin log first in the root zone's block of a Corefile, and says whether it
// was not there.
func withLog(corefile string) (string, bool) {
	const zone = ".:53 {\n"
	if !strings.Contains(corefile, zone) || slices.Contains(strings.Fields(corefile), "log") {
		return corefile, false
	}
	return strings.Replace(corefile, zone, zone+"    log\n", 1), true
}

// waitReady waits until all nodes and all of CoreDNS are ready.
func (c *Cluster) waitReady(ctx context.Context) error {
	return until(ctx, func(ctx context.Context) (bool, string) {
		nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err.Error()
		}
		for i := range nodes.Items {
			if ok, why := nodeReady(&nodes.Items[i]); !ok {
				return false, why
			}
		}
		deployment, err := c.client.AppsV1().Deployments(system).Get(ctx, coreDNS, metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		return deploymentReady(deployment)
	})
}

func nodeReady(n *corev1.Node) (bool, string) {
	for _, condition := range n.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue, fmt.Sprintf("node %s is not ready: %s", n.Name, condition.Message)
		}
	}
	return false, fmt.Sprintf("node %s has not reported yet", n.Name)
}

// deploymentReady says whether every replica is of the present template and available.
func deploymentReady(d *appsv1.Deployment) (bool, string) {
	s := &d.Status
	if want, ok := await.RolledOut(d); !ok || s.AvailableReplicas != want {
		return false, fmt.Sprintf("deployment %s: %d of %d replicas are available", d.Name, min(s.AvailableReplicas, s.UpdatedReplicas), want)
	}
	return true, ""
}
