package mode

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

var specPath = field.NewPath("spec")

// hostNetwork puts a pod on its node's network. What it refuses, the API
// server would refuse later and at another person (corev1 validation of
// hostNetwork pods), or would change the node itself.
func hostNetwork() Mode {
	return Mode{
		Name:      api.ModeHostNetwork,
		Summary:   "a program that must have its node's address",
		OnPod:     "`hostNetwork: true`, `dnsPolicy: ClusterFirstWithHostNet`; with `netmode.io/service` also what `statefulset-headless` does, and `NETMODE_HOSTNAME`",
		OnService: "nothing",
		PodRules: slices.Concat([]PodRule{
			{"host network", setHostNetwork},
			{"hostname override", refuseHostnameOverride},
			{"Windows", refuseWindows},
			{"pod names", checkPodNames},
		}, only((*PodCase).asksForNames, nameRules()...), only((*PodCase).rewrites, PodRule{"search rewrite", rewriteOnHost}), hostRules()),
		ServiceRules: []ServiceRule{{"Service", func(c *ServiceCase) {
			c.Plan.Keep(plan.NothingToChange, "", "a Service stays as it is in mode hostnetwork")
		}}},
		Applied:         func(c *PodCase, _ string) bool { return c.Pod.Spec.HostNetwork },
		Rewrites:        true,
		PodAnnotations:  []string{api.AnnotationService, api.AnnotationPeers},
		NameAnnotations: []string{api.AnnotationSearchRewrite, api.AnnotationHostname, api.AnnotationWait, api.AnnotationWaitTimeout},
		Promise: Promise{Variable: "hostnetwork", Pod: []Held{
			heldOfPod("object.spec.?hostNetwork.orValue(false)", "spec.hostNetwork: Invalid value: false: is not as mode hostnetwork needs it"),
			heldOfPod("object.spec.?dnsPolicy.orValue('ClusterFirst') != 'ClusterFirst'",
				`spec.dnsPolicy: Invalid value: "ClusterFirst": is not as mode hostnetwork needs it`),
		}},
	}
}

// hostRules are those of every pod on its node's network. They come behind the names,
// whose search rewrite may write the DNS policy itself.
func hostRules() []PodRule {
	return []PodRule{
		{"DNS policy", setHostNetDNSPolicy},
		{"hostPort equals containerPort", refuseHostPortMismatch},
		{"no port twice", refuseHostPortConflict},
		{"user namespace", refuseUserNamespace},
		{"net sysctls", refuseNetSysctls},
		{"mesh sidecar", refuseMeshSidecar},
		{"mesh injection", warnMeshInjection},
		{"node's network rules", warnInitNetAdmin},
		{"declared ports", warnNoDeclaredPort},
		{"rolling update", warnPortsSurge},
		{"hostname(1)", warnNodeHostname},
		{"PodSecurity level", warnPodSecurity},
	}
}

// asksForNames says that the pod names the Service of its peers: mode hostnetwork gives
// names to no others.
func (c *PodCase) asksForNames() bool { return c.Intent.Service != "" }

// rewrites says that mode hostnetwork has something to put into the search list.
func (c *PodCase) rewrites() bool { return c.Plan.Service != "" || len(c.peers()) > 0 }

// rewriteOnHost is the search rewrite for the pod's own domain, if it asks for names,
// and for its peers'. It may write the DNS policy.
func rewriteOnHost(c *PodCase) { resolv.Rewrite(c.search(c.Plan.Service), c.Intent.SearchRewrite) }

// onHost says that the pod is, or will be, on its node's network.
func (c *PodCase) onHost() bool {
	return c.Pod.Spec.HostNetwork || c.Plan.Mode == api.ModeHostNetwork
}

func setHostNetwork(c *PodCase) {
	if !c.Pod.Spec.HostNetwork {
		c.Plan.Change(plan.Mutation{Pointer: "/spec/hostNetwork", Value: true}, plan.HostNetworkSet, "spec.hostNetwork", "true")
	}
}

// setHostNetDNSPolicy keeps cluster DNS. The policy None is a person's, unless the search
// list is as the search rewrite writes it with that policy.
func setHostNetDNSPolicy(c *PodCase) {
	switch policy := c.Pod.Spec.DNSPolicy; {
	case policy == "" || policy == api.DNSClusterFirst:
		if c.Plan.Strategy == api.SearchPrepend {
			return // which writes None
		}
		c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsPolicy", Value: api.DNSClusterFirstWithHostNet},
			plan.DNSPolicySet, "spec.dnsPolicy", api.DNSClusterFirstWithHostNet)
	case policy == api.DNSDefault, policy == api.DNSNone && !(c.rewrites() && c.search(c.Plan.Service).Prepended()):
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
