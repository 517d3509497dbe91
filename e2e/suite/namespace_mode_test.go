package suite

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// testNamespaceMode has the pods of a namespace get the mode of its label: those that ask for
// nothing, whatever a policy's default is, and that can be served.
func testNamespaceMode(ctx context.Context, t *testing.T, s *suite) {
	c := s.scene(ctx, t, "labelled")
	c.policies(ctx, t).create(ctx, t, "default", `{"defaultMode": "headless"}`)
	c.label(ctx, t, `{"netmode.io/mode": "hostnetwork", "netmode.io/policy": "enabled"}`)
	// The webhook may hear of the label a little later.
	until(ctx, t, patience, func(ctx context.Context) (bool, string) {
		made, _, err := s.admit(ctx, c.namespace, pod("probe", nil, distrolessContainer(hostPortLabel)))
		return err == nil && made.Spec.HostNetwork, "a pod that asks for nothing does not get the namespace's mode" + errorText(err)
	})
	c.create(ctx, t,
		pod("inherits", nil, distrolessContainer(hostPortLabel)),
		pod("opts-out", mode(api.ModeDefault), distrolessContainer(hostPortLabel)))
	if got := c.pod(ctx, t, "inherits"); got.Status.PodIP != got.Status.HostIP {
		t.Errorf("podIP %s, hostIP %s", got.Status.PodIP, got.Status.HostIP)
	}
	if got := c.pod(ctx, t, "opts-out"); got.Status.PodIP == got.Status.HostIP {
		t.Errorf("it opted out, and has its node's address %s", got.Status.PodIP)
	}

	unfit := pod("unfit", nil, distrolessContainer(hostPortLabel))
	unfit.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_local_port_range", Value: "20000 60999"}}}
	if made, _, err := s.admit(ctx, c.namespace, unfit); err != nil || made.Spec.HostNetwork {
		t.Errorf("a pod that the mode cannot serve is not left alone%s", errorText(err))
	}
}
