package mode

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// statefulSetHeadless is for pods behind one headless Service that know each
// other by hostname: the Service's own domain goes into their search list.
func statefulSetHeadless() Mode {
	return Mode{
		Name:      api.ModeStatefulSetHeadless,
		Summary:   "pods behind one Service that know each other by hostname",
		OnPod:     "`hostname` and `subdomain`; the Service's domain comes first in the search list",
		OnService: "`clusterIP: None`, `publishNotReadyAddresses: true`",
		PodRules: []PodRule{
			{"host network", refuseHostNetworkInUse},
			{"hostname override", refuseHostnameOverride},
			{"hostname as FQDN", refuseHostnameAsFQDN},
			{"Windows", refuseWindows},
			{"governing Service", findGoverningService},
			{"pod names", checkPodNames},
			{"hostname", setOwnHostname},
			{"subdomain", setSubdomain},
			{"ports", warnPodPorts},
			{"search rewrite", rewriteSearch},
		},
		ServiceRules:       headlessServiceRules(publishNotReadyForPeers),
		Applied:            appliedForPeers,
		PodAnnotations:     []string{api.AnnotationService, api.AnnotationSearchRewrite},
		ServiceAnnotations: []string{api.AnnotationPublishNotReadyAddresses},
		Promise: Promise{Variable: "peers", Service: heldHeadless(), Publishes: true, Pod: []Held{
			heldOfPod("variables.hostname != ''", "spec.hostname: Required value: is not set, as mode statefulset-headless needs it"),
			heldSubdomain(),
			{"variables.strategy == 'none' || variables.small", fmt.Sprintf("spec: Too many: a pod has at most %d containers, %d init containers and %d searches "+
				"to be looked at: make it smaller, or ask for no mode (%s)", api.MaxContainers, api.MaxInitContainers, api.MaxSearches, plan.PodTooLarge)},
			{"variables.rewritten", "spec.dnsConfig.searches: Invalid value: lacks the domain of the pod's peers, as mode statefulset-headless needs it: " +
				"another webhook asked for the mode after netmode had been called, or undid its search rewrite: write the annotation in the pod template, " +
				"keep that webhook from this object, or set " + api.AnnotationSearchRewrite + ": none (" + string(plan.NotAsPromised) + ")"},
		}},
	}
}

func setOwnHostname(c *PodCase) {
	hostname, name := c.Pod.Spec.Hostname, c.Pod.Metadata.Name
	switch {
	case hostname != "":
		if !c.hasOwnHostname() && refuseNoLabel(c, specPath.Child("hostname"), hostname) {
			return
		}
		c.Plan.Keep(plan.HostnameKept, "spec.hostname", plan.Clip(hostname, maxShown)+" stays")
		if w := c.Workload; w != nil && !w.OwnHostnames {
			warnSharedHostname(c) // it is the template's, and so every pod's
		}
	case name == "":
		c.Plan.Refuse(plan.NoStableHostname, specPath.Child("hostname"), nil, "the pod has neither a hostname nor a name that peers could know")
	case !refuseNoLabel(c, field.NewPath("metadata", "name"), name):
		c.Plan.Change(plan.Mutation{Pointer: "/spec/hostname", Value: name}, plan.HostnameSet, "spec.hostname", name+", the pod's own name")
	}
}

// appliedForPeers looks for the search rewrite, and for the hostname where it is
// not the StatefulSet's controller that sets it.
func appliedForPeers(c *PodCase, service string) bool {
	if service == "" {
		return false
	}
	name := c.Pod.Metadata.Name
	return resolv.InPlace(&resolv.Case{Pod: c.Pod, Namespace: c.Namespace, Subdomain: service, Settings: c.Search, Written: c.Written}) ||
		name != "" && c.Pod.Spec.Hostname == name && c.Pod.Metadata.ControllerKind() != "StatefulSet"
}

func refuseNoLabel(c *PodCase, path *field.Path, hostname string) bool {
	problems := validation.IsDNS1123Label(hostname)
	if len(problems) == 0 {
		return false
	}
	c.Plan.Refuse(plan.HostnameInvalid, path, hostname, "cannot be a hostname: "+problems[0])
	return true
}

func rewriteSearch(c *PodCase) {
	if c.Plan.Service == "" {
		return
	}
	resolv.Rewrite(&resolv.Case{
		Pod:             c.Pod,
		Namespace:       c.Namespace,
		NamespaceLabels: c.NamespaceLabels,
		Subdomain:       c.Plan.Service,
		Defaults:        c.Rewrite,
		Settings:        c.Search,
		Written:         c.Written,
		Plan:            c.Plan,
	}, c.Intent.SearchRewrite)
}
