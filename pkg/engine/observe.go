package engine

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// ObservePod is ValidatePod of a pod that nobody changed: what its mode would
// have changed is not held against it.
func ObservePod(settings *Settings, cluster Cluster, namespace string, pod *api.Pod) *plan.Plan {
	pod = asMutated(pod)
	p, s := planPod(settings, cluster, namespace, pod, nil)
	p.Mutations = nil
	final(p)
	if s.policed {
		judgePod(p, s, pod)
	}
	return p
}

// ObserveService is ValidateService of a Service that nobody changed.
func ObserveService(settings *Settings, cluster Cluster, namespace string, service *api.Service, update bool) *plan.Plan {
	p := MutateService(settings, namespace, service, update)
	p.Mutations = nil
	if !update {
		final(p)
		judgeService(p, settings, cluster, namespace, service)
	}
	return p
}
