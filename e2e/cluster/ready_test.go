package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/netmode-io/netmode/e2e/nodeimage"
)

func testNode(name, address, podCIDR string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.NodeSpec{PodCIDR: podCIDR},
		Status: corev1.NodeStatus{
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: address}},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, Message: "no network"}},
		},
	}
}

func dnsDeployment(available int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: coreDNS, Namespace: system},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2))},
		Status:     appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: available},
	}
}

func testCluster(objects ...runtime.Object) *Cluster {
	return &Cluster{Name: "netmode", client: fake.NewClientset(objects...)}
}

// soon ends after five seconds of the test's own time.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("too late"))
	t.Cleanup(cancel)
	return ctx
}

func TestListNodes(t *testing.T) {
	c := testCluster(
		testNode("netmode-worker", "10.89.0.3", "10.244.1.0/24", corev1.ConditionFalse),
		testNode("netmode-control-plane", "10.89.0.2", "10.244.0.0/24", corev1.ConditionFalse),
	)
	if err := c.listNodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []Node{
		{Name: "netmode-control-plane", Address: "10.89.0.2", PodCIDR: "10.244.0.0/24"},
		{Name: "netmode-worker", Address: "10.89.0.3", PodCIDR: "10.244.1.0/24"},
	}
	if !slices.Equal(c.Nodes, want) {
		t.Errorf("have %+v, want %+v", c.Nodes, want)
	}
}

func TestNotReady(t *testing.T) {
	good := testNode("n", "10.89.0.2", "10.244.0.0/24", corev1.ConditionTrue)
	tests := map[string]struct {
		objects []runtime.Object
		do      func(*Cluster, context.Context) error
		want    string
	}{
		"no node":            {nil, (*Cluster).listNodes, "too late: there is no node"},
		"no pod range":       {[]runtime.Object{testNode("n", "10.89.0.2", "", corev1.ConditionTrue)}, (*Cluster).listNodes, "too late: node n has no address or no pod range"},
		"node not ready":     {[]runtime.Object{testNode("n", "10.89.0.2", "10.244.0.0/24", corev1.ConditionFalse), dnsDeployment(2)}, (*Cluster).waitReady, "too late: node n is not ready: no network"},
		"node silent":        {[]runtime.Object{&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}}, (*Cluster).waitReady, "too late: node n has not reported yet"},
		"CoreDNS not ready":  {[]runtime.Object{good, dnsDeployment(1)}, (*Cluster).waitReady, "too late: deployment coredns: 1 of 2 replicas are available"},
		"no CoreDNS":         {[]runtime.Object{good}, (*Cluster).waitReady, `too late: deployments.apps "coredns" not found`},
		"CoreDNS has no pod": {[]runtime.Object{good}, (*Cluster).checkDNS, "CoreDNS has no pod with an address"},
		"ready":              {[]runtime.Object{good, dnsDeployment(2)}, (*Cluster).waitReady, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := test.do(testCluster(test.objects...), soon(t)); errorText(err) != test.want {
					t.Errorf("have %v, want %q", err, test.want)
				}
			})
		})
	}
}

func TestLogQueries(t *testing.T) {
	const corefile = ".:53 {\n    errors\n}\n"
	c := testCluster(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: coreDNS, Namespace: system}, Data: map[string]string{"Corefile": corefile}},
		dnsDeployment(2),
	)
	for range 2 {
		if err := c.logQueries(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	config, err := c.client.CoreV1().ConfigMaps(system).Get(t.Context(), coreDNS, metav1.GetOptions{})
	if err != nil || config.Data["Corefile"] != ".:53 {\n    log\n    errors\n}\n" {
		t.Errorf("have %q, %v", config.Data["Corefile"], err)
	}
	deployment, err := c.client.AppsV1().Deployments(system).Get(t.Context(), coreDNS, metav1.GetOptions{})
	if err != nil || deployment.Spec.Template.Annotations[rolledBy] == "" {
		t.Errorf("CoreDNS was not started anew: %v", err)
	}
}

func TestWithLog(t *testing.T) {
	for _, corefile := range []string{"", "example.org:53 {\n}\n", ".:53 {\n    errors\n    log\n}\n"} {
		if got, changed := withLog(corefile); changed || got != corefile {
			t.Errorf("%q: have %q, %t; want it as it was", corefile, got, changed)
		}
	}
}

func TestCheckDNS(t *testing.T) {
	tests := map[string]struct {
		status corev1.PodStatus
		want   string
	}{
		"answered": {corev1.PodStatus{Phase: corev1.PodSucceeded}, ""},
		"failed": {corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "service", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "i/o timeout"}},
		}}}, "pods on node n cannot look up names:  service: i/o timeout"},
		"no image": {corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "service", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: "not present"}},
		}}}, "too late: pod dns-check-n on node n is Pending:  service: ErrImageNeverPull not present"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testCluster(&corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Name: "coredns-1", Namespace: system, Labels: map[string]string{"k8s-app": "kube-dns"}},
					Status:     corev1.PodStatus{PodIP: "10.244.0.2"},
				})
				c.Nodes = []Node{{Name: "n"}}
				ctx := soon(t)
				// It plays kubelet: gives the pod its status.
				go func() {
					pods := c.client.CoreV1().Pods(system)
					_ = until(ctx, func(ctx context.Context) (bool, string) {
						pod, err := pods.Get(ctx, "dns-check-n", metav1.GetOptions{})
						if err != nil {
							return false, err.Error()
						}
						pod.Status = test.status
						_, err = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
						return err == nil, "conflict"
					})
				}()
				if err := c.checkDNS(ctx); errorText(err) != test.want {
					t.Errorf("have %v, want %q", err, test.want)
				}
			})
		})
	}
}

func TestCheckPod(t *testing.T) {
	pod := checkPod(Node{Name: "netmode-worker"}, []string{"10.244.0.2", "10.244.1.2"})
	if pod.Spec.NodeName != "netmode-worker" || pod.Namespace != "kube-system" {
		t.Errorf("have %+v", pod)
	}
	var asked []string
	for _, container := range pod.Spec.Containers {
		if container.Image != nodeimage.PeercheckImage {
			t.Errorf("%s: have image %s", container.Name, container.Image)
		}
		asked = append(asked, container.Name+": "+strings.Join(container.Args, " "))
	}
	want := []string{
		"service: resolve --retry-for 60s kubernetes.default.svc.cluster.local",
		"server-1: resolve --retry-for 60s --server 10.244.0.2 kubernetes.default.svc.cluster.local",
		"server-2: resolve --retry-for 60s --server 10.244.1.2 kubernetes.default.svc.cluster.local",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("have %q\nwant %q", asked, want)
	}
}
