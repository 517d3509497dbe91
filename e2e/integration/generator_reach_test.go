package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// TestGeneratedPolicies: every combination of rules is made, as a policy that is none to refuse.
func TestGeneratedPolicies(t *testing.T) {
	t.Parallel()
	g := newGenerator(1)
	all := combinations()
	if len(all) != 288 {
		t.Errorf("%d combinations", len(all))
	}
	for i, r := range all {
		if slices.Contains(all[:i], r) {
			t.Errorf("twice: %+v", r)
		}
		spec := g.policy(r)
		spec["namespaceSelector"] = members{}
		text := encoded(t, members{"metadata": members{"name": "p"}, "spec": spec})
		decoded, err := api.DecodePolicy(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if _, errs := policy.Compile(decoded); len(errs) > 0 {
			t.Errorf("%v in\n%s", errs, text)
		}
		host := decoded.Spec.HostNetwork
		if host == nil {
			host = &api.HostNetwork{}
		}
		got := rules{
			allowedModes: decoded.Spec.AllowedModes != nil, requireMode: decoded.Spec.RequireMode, podSelector: decoded.Spec.PodSelector != nil,
			requireDeclaredPorts: host.RequireDeclaredPorts, portRange: host.PortRange != nil, allowUnmanaged: absent{}, enforcement: decoded.Spec.Enforcement,
		}
		if host.AllowUnmanaged != nil {
			got.allowUnmanaged = *host.AllowUnmanaged
		}
		if got != r {
			t.Errorf("got %+v, want %+v of\n%s", got, r, text)
		}
	}
}

// TestGeneratedPods: pods are such as Kubernetes knows, and all that rules look at is among them,
// again and again.
func TestGeneratedPods(t *testing.T) {
	t.Parallel()
	const pods = 2000
	g := newGenerator(1)
	seen := map[string]int{}
	for range pods {
		text := encoded(t, g.pod())
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict(text, &pod); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		for _, trait := range traits(&pod) {
			seen[trait]++
		}
	}
	for _, trait := range []string{
		"host network", "no host network", "mode ", "mode hostnetwork", "mode headless", "mode statefulset-headless", "mode default", "mode hostnet", "mode none",
		"forged status of source namespace", "forged status of source policy", "forged status of source annotation", "status that is none",
		"ignored", "no labels", "no annotations", "more than 500 annotations", "hostPort off the host network", "hostPort apart from containerPort",
		"no port", "port in an init container", "port in a sidecar", "100 containers", "101 containers", "100 init containers", "101 init containers", "1,000 ports", "1,001 ports",
	} {
		if seen[trait] < pods/500 {
			t.Errorf("%d pods of %d: %s", seen[trait], pods, trait)
		}
	}
}

// traits are what rules may see in a pod.
func traits(pod *corev1.Pod) []string {
	var all []string
	is := func(yes bool, trait string) {
		if yes {
			all = append(all, trait)
		}
	}
	is(pod.Spec.HostNetwork, "host network")
	is(!pod.Spec.HostNetwork, "no host network")
	mode, asks := pod.Annotations[api.AnnotationMode]
	is(asks, "mode "+mode)
	is(!asks, "mode none")
	status, has := pod.Annotations[api.AnnotationStatus]
	for _, source := range []string{"namespace", "policy", "annotation"} {
		is(!asks && strings.HasPrefix(status, `{"mode":"hostnetwork","source":"`+source+`"`), "forged status of source "+source)
	}
	is(has && !strings.HasPrefix(status, `{"mode":"`), "status that is none")
	is(pod.Labels[api.LabelIgnore] == "true", "ignored")
	is(pod.Labels == nil, "no labels")
	is(pod.Annotations == nil, "no annotations")
	is(len(pod.Annotations) > 500, "more than 500 annotations")
	is(len(pod.Spec.Containers) == 100 || len(pod.Spec.Containers) == 101, fmt.Sprintf("%d containers", len(pod.Spec.Containers)))
	is(len(pod.Spec.InitContainers) == 100 || len(pod.Spec.InitContainers) == 101, fmt.Sprintf("%d init containers", len(pod.Spec.InitContainers)))
	ports := 0
	for kind, containers := range map[string][]corev1.Container{"": pod.Spec.Containers, "init": pod.Spec.InitContainers} {
		for i := range containers {
			c := &containers[i]
			ports += len(c.Ports)
			is(len(c.Ports) > 0 && kind == "init", map[bool]string{true: "port in a sidecar", false: "port in an init container"}[c.RestartPolicy != nil])
			for _, port := range c.Ports {
				is(port.HostPort != 0 && !pod.Spec.HostNetwork, "hostPort off the host network")
				is(port.HostPort != 0 && port.HostPort != port.ContainerPort, "hostPort apart from containerPort")
			}
		}
	}
	is(ports == 0, "no port")
	is(ports == 1000, "1,000 ports")
	is(ports == 1001, "1,001 ports")
	return all
}
