package mode

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

var specPath = field.NewPath("spec")

// hostNetwork puts a pod on its node's network. What it refuses, the API
// server would refuse later and at another person (corev1 validation of
// hostNetwork pods), or would change the node itself.
func hostNetwork() Mode {
	return Mode{
		Name:      api.ModeHostNetwork,
		Summary:   "a program that must have its node's address",
		OnPod:     "`hostNetwork: true`, `dnsPolicy: ClusterFirstWithHostNet`",
		OnService: "nothing",
		PodRules: []PodRule{
			{"host network", setHostNetwork},
			{"DNS policy", setHostNetDNSPolicy},
			{"hostPort equals containerPort", refuseHostPortMismatch},
			{"no port twice", refuseHostPortConflict},
			{"user namespace", refuseUserNamespace},
			{"hostname override", refuseHostnameOverride},
			{"net sysctls", refuseNetSysctls},
			{"mesh sidecar", refuseMeshSidecar},
			{"mesh injection", warnMeshInjection},
			{"node's network rules", warnInitNetAdmin},
			{"Windows", refuseWindows},
			{"pod names", checkPodNames},
			{"declared ports", warnNoDeclaredPort},
			{"rolling update", warnPortsSurge},
			{"hostname", warnNodeHostname},
			{"PodSecurity level", warnPodSecurity},
		},
		ServiceRules: []ServiceRule{{"Service", func(c *ServiceCase) {
			c.Plan.Keep(plan.NothingToChange, "", "a Service stays as it is in mode hostnetwork")
		}}},
		Applied:        func(c *PodCase, _ string) bool { return c.Pod.Spec.HostNetwork },
		PodAnnotations: []string{api.AnnotationPeers},
		Promise: Promise{Variable: "hostnetwork", Pod: []Held{
			heldOfPod("object.spec.?hostNetwork.orValue(false)", "spec.hostNetwork: Invalid value: false: is not as mode hostnetwork needs it"),
			heldOfPod("object.spec.?dnsPolicy.orValue('ClusterFirst') != 'ClusterFirst'",
				`spec.dnsPolicy: Invalid value: "ClusterFirst": is not as mode hostnetwork needs it`),
		}},
	}
}

func setHostNetwork(c *PodCase) {
	if !c.Pod.Spec.HostNetwork {
		c.Plan.Change(plan.Mutation{Pointer: "/spec/hostNetwork", Value: true}, plan.HostNetworkSet, "spec.hostNetwork", "true")
	}
}

func setHostNetDNSPolicy(c *PodCase) {
	switch policy := c.Pod.Spec.DNSPolicy; policy {
	case "", api.DNSClusterFirst:
		c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsPolicy", Value: api.DNSClusterFirstWithHostNet},
			plan.DNSPolicySet, "spec.dnsPolicy", api.DNSClusterFirstWithHostNet)
	case api.DNSNone, api.DNSDefault:
		if search := c.search(""); len(search.Peers) > 0 && search.Prepended() {
			return // netmode wrote it
		}
		c.Plan.Warn(plan.DNSPolicyKept, "spec.dnsPolicy", policy+" stays, and the pod may not resolve Service names")
	}
}

func refuseHostPortMismatch(c *PodCase) {
	eachServing(c.Pod, func(path *field.Path, container *api.Container) {
		for i, port := range container.Ports {
			if port.HostPort != 0 && port.HostPort != port.ContainerPort && !c.Plan.Counted(plan.Refused, plan.HostPortMismatch) {
				c.Plan.Refuse(plan.HostPortMismatch, path.Child("ports").Index(i).Child("hostPort"), port.HostPort,
					fmt.Sprintf("differs from containerPort %d", port.ContainerPort))
			}
		}
	})
}

// eachServing visits the containers that listen while the pod runs: the
// restartable init containers and the containers. A plain init container is
// done before they start.
func eachServing(pod *api.Pod, visit func(*field.Path, *api.Container)) {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Restartable() {
			visit(specPath.Child("initContainers").Index(i), &pod.Spec.InitContainers[i])
		}
	}
	for i := range pod.Spec.Containers {
		visit(specPath.Child("containers").Index(i), &pod.Spec.Containers[i])
	}
}

// protocol is what a port speaks: TCP unless it says otherwise.
func protocol(given string) string {
	if given == "" {
		return "TCP"
	}
	return given
}

func refuseUserNamespace(c *PodCase) {
	if users := c.Pod.Spec.HostUsers; users != nil && !*users {
		c.Plan.Refuse(plan.UserNamespace, specPath.Child("hostUsers"), false, "a pod in a user namespace cannot use the host network")
	}
}

func refuseHostnameOverride(c *PodCase) {
	if name := c.Pod.Spec.HostnameOverride; name != nil && *name != "" {
		c.Plan.Refuse(plan.HostnameOverride, specPath.Child("hostnameOverride"), *name, "replaces the pod's hostname and drops its subdomain")
	}
}

func refuseNetSysctls(c *PodCase) {
	if c.Pod.Spec.SecurityContext == nil {
		return
	}
	for i, sysctl := range c.Pod.Spec.SecurityContext.Sysctls {
		// sysctl(8) takes slashes for dots.
		if strings.HasPrefix(sysctl.Name, "net.") || strings.HasPrefix(sysctl.Name, "net/") {
			if c.Plan.Counted(plan.Refused, plan.NetSysctl) {
				continue
			}
			c.Plan.Refuse(plan.NetSysctl, specPath.Child("securityContext", "sysctls").Index(i).Child("name"), sysctl.Name,
				"would change the node's own network")
		}
	}
}

func refuseWindows(c *PodCase) {
	if path := c.Pod.Windows(); path != nil {
		c.Plan.Refuse(plan.WindowsPod, path, "windows", "the mode works on Linux nodes only")
	}
}

func declaresPort(pod *api.Pod) bool {
	declared := false
	eachServing(pod, func(_ *field.Path, container *api.Container) {
		declared = declared || len(container.Ports) > 0
	})
	return declared
}

func warnNoDeclaredPort(c *PodCase) {
	if !declaresPort(c.Pod) {
		c.Plan.Warn(plan.NoDeclaredPort, "spec.containers", "no port is declared, so the scheduler cannot keep two such pods off one node")
	}
}

func warnPortsSurge(c *PodCase) {
	if w := c.Workload; w != nil && w.Surges && declaresPort(c.Pod) {
		c.Plan.About(&plan.Object{Kind: plan.OwnWorkload}).Warn(plan.HostPortsSurge, w.SurgeField, "a rolling update starts a new pod beside the old one, and no node has their ports twice")
	}
}

func warnNodeHostname(c *PodCase) {
	c.Plan.Warn(plan.NodeHostname, "spec.hostNetwork", "hostname(1) in the pod is the node's name")
}

func warnPodSecurity(c *PodCase) {
	switch level := c.NamespaceLabels[api.LabelPodSecurityEnforce]; level {
	case "baseline", "restricted":
		c.Plan.Warn(plan.PodSecurityRejects, "spec.hostNetwork",
			fmt.Sprintf("namespace %s enforces PodSecurity %s, which rejects hostNetwork", c.Namespace, level))
	}
}
