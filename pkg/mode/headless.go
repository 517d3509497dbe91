package mode

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// headless is for one pod behind one Service: the Service's name resolves to
// the pod's address, and is the pod's hostname as well.
func headless() Mode {
	return Mode{
		Name:      api.ModeHeadless,
		Summary:   "one pod behind one Service, known by the Service's name",
		OnPod:     "`hostname` and `subdomain` become the Service's name",
		OnService: "`clusterIP: None`",
		PodRules: []PodRule{
			{"host network", refuseHostNetworkInUse},
			{"hostname override", refuseHostnameOverride},
			{"hostname as FQDN", refuseHostnameAsFQDN},
			{"Windows", refuseWindows},
			{"own hostnames", refuseNamedPod},
			{"governing Service", findGoverningService},
			{"hostname", setServiceHostname},
			{"subdomain", setSubdomain},
			{"ports", warnPodPorts},
			{"reverse name", tellReverseNames},
			{"replicas", warnSharedHostname},
		},
		ServiceRules: headlessServiceRules(publishNotReadyAsAsked),
		Applied: func(c *PodCase, service string) bool {
			return service != "" && c.Pod.Spec.Hostname == service
		},
		PodAnnotations:     []string{api.AnnotationService, api.AnnotationPeers},
		ServiceAnnotations: []string{api.AnnotationPublishNotReadyAddresses},
		Promise: Promise{Variable: "headless", Service: heldHeadless(), Pod: []Held{
			heldOfPod("variables.hostname != '' && variables.hostname == variables.service",
				"spec.hostname: Invalid value: is not the governing Service, as mode headless needs it"),
			heldSubdomain(),
		}},
	}
}

func refuseHostNetworkInUse(c *PodCase) {
	if c.Pod.Spec.HostNetwork {
		c.Plan.Refuse(plan.HostNetworkInUse, specPath.Child("hostNetwork"), true, "the pod would have its node's name and address")
	}
}

func refuseHostnameAsFQDN(c *PodCase) {
	if fqdn := c.Pod.Spec.SetHostnameAsFQDN; fqdn != nil && *fqdn {
		c.Plan.Refuse(plan.HostnameIsFQDN, specPath.Child("setHostnameAsFQDN"), true, "hostname(1) would be the full name, which peers do not know the pod by")
	}
}

func refuseNamedPod(c *PodCase) {
	if by := namedBy(c.Pod); by != "" {
		c.Plan.Refuse(plan.PodHasOwnName, annotationPath(api.AnnotationMode), string(api.ModeHeadless), "the pods of "+by+" have names of their own")
	}
}

// namedBy is the controller that gives each of its pods a hostname; empty: none does.
func namedBy(pod *api.Pod) string {
	_, indexed := pod.Metadata.Labels[api.LabelCompletionIndex]
	switch kind := pod.Metadata.ControllerKind(); {
	case kind == "StatefulSet":
		return "a StatefulSet"
	case kind == "Job" && indexed:
		return "an Indexed Job"
	}
	return ""
}

func setServiceHostname(c *PodCase) {
	service := c.Plan.Service
	if service == "" {
		return
	}
	switch hostname := c.Pod.Spec.Hostname; hostname {
	case service:
	case "":
		c.Plan.Change(plan.Mutation{Pointer: "/spec/hostname", Value: service}, plan.HostnameSet, "spec.hostname", plan.Shown(service)+", the governing Service's name")
	default:
		if namedBy(c.Pod) == "" {
			c.Plan.Refuse(plan.HostnameTaken, specPath.Child("hostname"), hostname, "differs from the governing Service "+plan.Shown(service))
		}
	}
}

func warnSharedHostname(c *PodCase) {
	w := c.Workload
	if w == nil {
		return
	}
	workload := c.Plan.About(&plan.Object{Kind: plan.OwnWorkload})
	if w.Kind == "DaemonSet" {
		c.Plan.Warn(plan.HostnameShared, "", "a DaemonSet runs a pod on every node, and they would share one hostname")
	}
	if w.Replicas > 1 {
		workload.Warn(plan.HostnameShared, w.ReplicasField, fmt.Sprintf("%d pods would share one hostname", w.Replicas))
	}
	if w.Surges {
		workload.Warn(plan.HostnameSurge, w.SurgeField, "a rolling update runs the old and the new pod at once, and they would share one hostname")
	}
}
