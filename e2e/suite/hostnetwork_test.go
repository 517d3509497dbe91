package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// Ports of the nodes that tests use. The tests run at the same time, so each has its own.
const (
	hostPort         = 18080
	hostPortShared   = 18081
	hostPortLabel    = 18082
	hostPortWorkload = 18083
	hostPortDaemon   = 18084
	hostPortJob      = 18085
)

func testHostNetwork(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "hostnetwork")
	host := pod("host", mode(api.ModeHostNetwork), distrolessContainer(hostPort), shellContainer())
	c.create(ctx, t, host, service("echo", nil), pod("echo", nil, distrolessContainer(), shellContainer()))
	replicas := int32(1) // more than there are nodes
	for range s.cluster.Nodes {
		replicas++
	}
	c.create(ctx, t, deployment("shared", replicas, template("shared", mode(api.ModeHostNetwork), distrolessContainer(hostPortShared))))

	t.Run("the pod's address is the node's", func(t *testing.T) {
		got := c.pod(ctx, t, "host")
		if got.Status.PodIP != got.Status.HostIP {
			t.Errorf("podIP %s, hostIP %s", got.Status.PodIP, got.Status.HostIP)
		}
		if addresses := c.mustExec(ctx, t, "host", shell, "ip", "-4", "-o", "address"); !strings.Contains(addresses, " "+got.Status.HostIP+"/") {
			t.Errorf("the pod has not its node's address %s:\n%s", got.Status.HostIP, addresses)
		}
		// Others reach it there. On the host network its hostname is the node's.
		echo := c.pod(ctx, t, "echo")
		c.eventually(ctx, t, patience, got.Spec.NodeName+" sees "+echo.Status.PodIP, "echo", shell, fetch(got.Status.HostIP, hostPort)...)
	})
	t.Run("it resolves a Service", func(t *testing.T) {
		c.pod(ctx, t, "host")
		echo, err := s.client.CoreV1().Services(c.namespace).Get(ctx, "echo", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.eventually(ctx, t, patience, echo.Spec.ClusterIP, "host", distroless, resolve("echo")...)
		c.pod(ctx, t, "echo")
		// What address it comes from is the container engine's affair: between nodes it may be the engine's own.
		until(ctx, t, patience, func(ctx context.Context) (bool, string) {
			answer, err := c.exec(ctx, "host", shell, fetch("echo", servePort)...)
			return strings.HasPrefix(answer, "echo sees "), "have " + answer + errorText(err)
		})
	})
	t.Run("one port, one pod a node", func(t *testing.T) { c.checkOnePodANode(ctx, t, "shared") })
	t.Run("conflicts", func(t *testing.T) { c.checkHostNetworkConflicts(ctx, t) })
}

// checkOnePodANode waits until all nodes have a pod of the app, and the one that is too many
// waits for a node with a free port.
func (s *scene) checkOnePodANode(ctx context.Context, t *testing.T, app string) {
	t.Helper()
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		pods, err := s.pods(ctx, appLabel(app))
		if err != nil {
			return false, err.Error()
		}
		var nodes []string
		var waiting string
		for i := range pods {
			condition := podCondition(&pods[i], corev1.PodScheduled)
			switch {
			case isReady(&pods[i]):
				nodes = append(nodes, pods[i].Spec.NodeName)
			case condition != nil && condition.Status == corev1.ConditionFalse:
				waiting = condition.Message
			}
		}
		slices.Sort(nodes)
		if distinct := len(slices.Compact(slices.Clone(nodes))); distinct != len(nodes) {
			t.Errorf("two pods with one port are on one node: %s", nodes)
			return true, ""
		}
		return len(nodes) == len(s.cluster.Nodes) && strings.Contains(waiting, "free ports"),
			fmt.Sprintf("%d of %d pods are ready, and one waits: %q", len(nodes), len(s.cluster.Nodes), waiting)
	})
}

// checkHostNetworkConflicts checks that pods which cannot be on the host network are refused
// with field, value and cure.
func (s *scene) checkHostNetworkConflicts(ctx context.Context, t *testing.T) {
	t.Helper()
	for name, test := range map[string]struct {
		change func(*corev1.PodSpec)
		want   string
	}{
		"hostPort differs": {
			func(spec *corev1.PodSpec) { spec.Containers[0].Ports[0].HostPort = 81 },
			"spec.containers[0].ports[0].hostPort: Invalid value: 81: differs from containerPort 18080: set hostPort to the containerPort, or leave hostPort out",
		},
		"port twice": {
			func(spec *corev1.PodSpec) {
				second := distrolessContainer(hostPort)
				second.Name = "second"
				spec.Containers = append(spec.Containers, second)
			},
			"spec.containers[1].ports[0].containerPort: Invalid value: 18080: TCP port 18080 is taken by spec.containers[0].ports[0]: give one of them another port",
		},
		"port twice in an init container": {
			func(spec *corev1.PodSpec) {
				first := distrolessContainer(80)
				first.Name = "first"
				first.Ports = append(first.Ports, corev1.ContainerPort{ContainerPort: 80})
				spec.InitContainers = []corev1.Container{first}
			},
			"spec.initContainers[0].ports[1].containerPort: Invalid value: 80: TCP port 80 is taken by spec.initContainers[0].ports[0]: give one of them another port",
		},
		"user namespace": {
			func(spec *corev1.PodSpec) { spec.HostUsers = new(false) },
			"spec.hostUsers: Invalid value: false: a pod in a user namespace cannot use the host network: remove hostUsers: false, or choose another mode",
		},
		"hostnameOverride": {
			func(spec *corev1.PodSpec) { spec.HostnameOverride = new("other") },
			`spec.hostnameOverride: Invalid value: "other": replaces the pod's hostname and drops its subdomain: remove hostnameOverride, or remove netmode.io/mode`,
		},
		"sysctl": {
			func(spec *corev1.PodSpec) {
				spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net.core.somaxconn", Value: "1024"}}}
			},
			`spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": would change the node's own network`,
		},
		"mesh": {
			func(spec *corev1.PodSpec) {
				spec.InitContainers = []corev1.Container{{Name: "istio-init", Image: "mesh"}}
			},
			`spec.initContainers[0].name: Invalid value: "istio-init": a service mesh was injected already`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conflicting := pod("conflict", mode(api.ModeHostNetwork), distrolessContainer(hostPort))
			test.change(&conflicting.Spec)
			s.checkRefused(ctx, t, conflicting, test.want)
			s.checkRefused(ctx, t, conflicting, `admission webhook "asked.mutate.netmode.io" denied the request: `)
		})
	}
}
