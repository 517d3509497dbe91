package engine

import (
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// asSent is the cluster as the webhook would see it for the pod, whose entries
// are sent it or not, and the policies that have no say because they are not:
//
//	author's annotation  namespace sends its pods  policies
//	yes                  any                       have a say
//	no                   yes                       have a say
//	no                   no                        withheld
func asSent(cluster Cluster, namespace string, pod *api.Pod) (Cluster, policy.Set) {
	ns, _ := cluster.Namespace(namespace)
	if api.Asks(pod.Metadata.Annotations) || policy.SendsPods(ns.Labels) {
		return cluster, policy.Set{}
	}
	return withoutPolicies{cluster}, cluster.Policies(namespace).ForPod(pod.Metadata.Labels)
}

type withoutPolicies struct{ Cluster }

// Policies knows none.
func (withoutPolicies) Policies(string) policy.Set { return policy.Set{} }

// tellWithheld records the policies that would have a say.
func tellWithheld(p *plan.Plan, withheld policy.Set) {
	var names []string
	for _, w := range withheld.Policies() {
		names = append(names, w.Name)
	}
	if len(names) == 0 {
		return
	}
	p.Rule("policies")
	p.Keep(plan.PolicyNamespaceUnlabelled, "namespace.metadata.labels["+api.LabelPolicy+"]",
		"is not "+api.PolicyEnabled+", so policies ("+strings.Join(names, ", ")+") have no say in a pod that asks for nothing: "+plan.PolicyNamespaceUnlabelled.Doc().Cure)
}
