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

// ObserveService is ValidateService of a Service that nobody changed. One that is
// created got its address from the API server since it was planned.
func ObserveService(settings *Settings, cluster Cluster, namespace string, service *api.Service, update bool) *plan.Plan {
	if update {
		return MutateService(settings, namespace, service, update)
	}
	unchanged := *service
	unchanged.Spec.ClusterIP, unchanged.Spec.ClusterIPs = "", nil
	p := MutateService(settings, namespace, &unchanged, update)
	p.Mutations = nil
	final(p)
	judgeService(p, settings, cluster, namespace, &unchanged)
	return p
}
