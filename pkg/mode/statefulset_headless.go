package mode

import (
	"fmt"
	"slices"

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
		PodRules: slices.Concat([]PodRule{
			{"hostname override", refuseHostnameOverride},
			{"hostname as FQDN", refuseHostnameAsFQDN},
			{"Windows", refuseWindows},
			{"pod names", checkPodNames},
		}, nameRules(), []PodRule{{"search rewrite", rewriteSearch}}, only((*PodCase).onHost, hostRules()...)),
		ServiceRules: headlessServiceRules(publishNotReadyForPeers),
		Applied:      appliedForPeers,
		Rewrites:     true,
		PodAnnotations: []string{
			api.AnnotationService, api.AnnotationSearchRewrite, api.AnnotationHostname, api.AnnotationPeers, api.AnnotationWait, api.AnnotationWaitTimeout,
		},
		ServiceAnnotations: []string{api.AnnotationPublishNotReadyAddresses},
		Promise: Promise{Variable: "peers", Asked: asksForPeers, Service: heldHeadless(), Publishes: true, Pod: []Held{
			heldOfPod("variables.hostname != ''", "spec.hostname: Required value: is not set, as this mode needs it"),
			heldSubdomain(),
			{"variables.strategy == 'none' || variables.small", fmt.Sprintf("spec: Too many: a pod has at most %d containers, %d init containers and %d searches "+
				"to be looked at: make it smaller, or ask for no mode (%s)", api.MaxContainers, api.MaxInitContainers, api.MaxSearches, plan.PodTooLarge)},
			{"variables.rewritten", "spec.dnsConfig.searches: Invalid value: lacks the domain of the pod's peers, as this mode needs it: " +
				"another webhook asked for the mode after netmode had been called, or undid its search rewrite: write the annotation in the pod template, " +
				"keep that webhook from this object, or set " + api.AnnotationSearchRewrite + ": none (" + string(plan.NotAsPromised) + ")"},
		}},
	}
}

// asksForPeers is, in CEL, whether a pod asks for the names that its peers know it by.
const asksForPeers = "variables.mode == '" + string(api.ModeStatefulSetHeadless) + "' || " +
	"variables.hostnetwork && '" + api.AnnotationService + "' in object.metadata.annotations"

// nameRules give a pod the names that its peers know it by. The search rewrite comes
// behind them.
func nameRules() []PodRule {
	return slices.Concat([]PodRule{
		{"governing Service", findGoverningService},
		{"hostname", setOwnHostname},
		{"subdomain", setSubdomain},
		{"ports", warnPodPorts},
		{"reverse name", tellReverseNames},
	}, only((*PodCase).onHost, PodRule{"hostname in env", setHostnameEnv}), []PodRule{
		{"wait", holdStart}, // whose init container shifts the others
	})
}

// appliedForPeers looks for the search rewrite, and for the hostname where it is
// not the StatefulSet's controller that sets it.
func appliedForPeers(c *PodCase, service string) bool {
	if service == "" {
		return false
	}
	name := c.Pod.Metadata.Name
	return resolv.InPlace(&resolv.Case{Pod: c.Pod, Namespace: c.Namespace, Subdomain: service, Settings: c.Search, Written: c.Written}, c.Intent.SearchRewrite) ||
		name != "" && c.Pod.Spec.Hostname == name && c.Pod.Metadata.ControllerKind() != "StatefulSet"
}

func rewriteSearch(c *PodCase) {
	if c.Plan.Service == "" {
		return
	}
	resolv.Rewrite(c.search(c.Plan.Service), c.Intent.SearchRewrite)
}
