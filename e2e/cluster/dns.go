package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/e2e/nodeimage"
)

// checkDNS proves that pods can look up names: a pod on each node asks each CoreDNS pod, so
// that a question goes from every node to every node that has one, and then the Service.
func (c *Cluster) checkDNS(ctx context.Context) error {
	dns, err := c.client.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"})
	if err != nil {
		return err
	}
	var servers []string
	for i := range dns.Items {
		if pod := &dns.Items[i]; pod.DeletionTimestamp == nil && pod.Status.PodIP != "" {
			servers = append(servers, pod.Status.PodIP)
		}
	}
	if len(servers) == 0 {
		return errors.New("CoreDNS has no pod with an address")
	}

	pods := c.client.CoreV1().Pods(system)
	for _, node := range c.Nodes {
		// One from an earlier try may be there.
		err := pods.Delete(ctx, checkName(node), metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	for _, node := range c.Nodes {
		// The namespace's ServiceAccount, or the earlier pod, may still be on its way.
		err := until(ctx, func(ctx context.Context) (bool, string) {
			_, err := pods.Create(ctx, checkPod(node, servers), metav1.CreateOptions{})
			return err == nil, fmt.Sprintf("pod %s: %v", checkName(node), err)
		})
		if err != nil {
			return err
		}
	}
	for _, node := range c.Nodes {
		if err := c.checked(ctx, node); err != nil {
			return err
		}
		if err := pods.Delete(ctx, checkName(node), metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			return err
		}
	}
	return nil
}

// checked waits for the answer of the pod on a node.
func (c *Cluster) checked(ctx context.Context, node Node) error {
	var failed error
	err := until(ctx, func(ctx context.Context) (bool, string) {
		pod, err := c.client.CoreV1().Pods(system).Get(ctx, checkName(node), metav1.GetOptions{})
		if err != nil {
			return false, err.Error()
		}
		switch pod.Status.Phase {
		case corev1.PodSucceeded:
			return true, ""
		case corev1.PodFailed:
			failed = fmt.Errorf("pods on node %s cannot look up names: %s", node.Name, messages(pod))
			return true, ""
		}
		return false, fmt.Sprintf("pod %s on node %s is %s: %s", pod.Name, node.Name, pod.Status.Phase, messages(pod))
	})
	if err != nil {
		return err
	}
	return failed
}

// messages is what the containers of a pod said when they ended, or why they have not begun.
func messages(pod *corev1.Pod) string {
	var all strings.Builder
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.State.Terminated != nil && status.State.Terminated.ExitCode != 0:
			fmt.Fprintf(&all, " %s: %s", status.Name, status.State.Terminated.Message)
		case status.State.Waiting != nil:
			fmt.Fprintf(&all, " %s: %s %s", status.Name, status.State.Waiting.Reason, status.State.Waiting.Message)
		}
	}
	return all.String()
}

func checkName(node Node) string { return "dns-check-" + node.Name }

// checkPod asks each server, and the cluster's DNS Service, in a container each.
func checkPod(node Node, servers []string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: checkName(node), Namespace: system},
		Spec: corev1.PodSpec{
			NodeName:                     node.Name,
			RestartPolicy:                corev1.RestartPolicyNever,
			AutomountServiceAccountToken: new(bool),
			Tolerations:                  []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	}
	for i, server := range append([]string{""}, servers...) {
		args := []string{"resolve", "--retry-for", "60s"}
		name := "service"
		if server != "" {
			name = fmt.Sprintf("server-%d", i)
			args = append(args, "--server", server)
		}
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: name, Image: nodeimage.PeercheckImage, ImagePullPolicy: corev1.PullNever,
			Args:                     append(args, "kubernetes.default.svc.cluster.local"),
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		})
	}
	return pod
}
