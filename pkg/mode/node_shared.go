package mode

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// DaemonSets is what a Snapshot may tell as well: manifests are all there, and a webhook
// watches no workloads.
type DaemonSets interface {
	// DaemonSets returns the pod that each DaemonSet of a namespace makes of its template,
	// with the annotations of both.
	DaemonSets(namespace string) []api.Pod
}

// warnNodeShared tells a DaemonSet's author of two pods on one node with its name: in a
// rolling update, and of another DaemonSet behind the same Service.
func warnNodeShared(c *PodCase) {
	w := c.Workload
	if w == nil {
		return
	}
	workload := c.Plan.About(&plan.Object{Kind: plan.OwnWorkload})
	if w.Surges {
		workload.Warn(plan.HostnameSurge, w.SurgeField, "a rolling update runs the old and the new pod of a node at once, and they would share one hostname")
	}
	known, ok := c.Snapshot.(DaemonSets)
	if !ok || c.Plan.Service == "" {
		return
	}
	var others []string
	for _, pod := range known.DaemonSets(c.Namespace) {
		if name := pod.Metadata.OwnerReferences[0].Name; name != w.Name && c.hasNodeNames(&pod) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		workload.Warn(plan.HostnameOfNodeShared, namePath.String(),
			"other DaemonSets give their pods the names of their nodes behind Service "+c.Plan.Service+", too: "+plan.List(others, ", "))
	}
}

// hasNodeNames reports whether another DaemonSet's pods ask for their nodes' names behind
// this pod's Service, which they name or are selected by.
func (c *PodCase) hasNodeNames(pod *api.Pod) bool {
	intent, errs := api.ParseAnnotations(pod.Metadata.Annotations, nil)
	onHost := pod.Spec.HostNetwork || intent.Mode == api.ModeHostNetwork
	named := intent.Mode == api.ModeStatefulSetHeadless || intent.Mode == api.ModeHostNetwork && intent.Service != ""
	byNode := intent.Hostname == api.HostnameNode || intent.Hostname == "" && onHost
	if len(errs) > 0 || !named || !byNode || pod.Spec.Hostname != "" {
		return false
	}
	for _, service := range []string{intent.Service, pod.Spec.Subdomain} {
		if service != "" {
			return service == c.Plan.Service
		}
	}
	services, _ := c.Snapshot.Services(c.Namespace)
	return slices.ContainsFunc(services, func(s api.Service) bool {
		return s.Metadata.Name == c.Plan.Service && s.Selects(pod.Metadata.Labels)
	})
}
