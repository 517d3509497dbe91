package kustomize_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Both directions are denied to every pod of netmode's, but for the ports that its containers and
// its clients have.
func TestNetworkPolicies(t *testing.T) {
	all := base(t)
	policies := objects(t, "network-policy/component/network-policies.yaml")
	everything := named[*networkingv1.NetworkPolicy](t, policies, "netmode")
	if !slices.Equal(everything.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}) {
		t.Errorf("it is about %v", everything.Spec.PolicyTypes)
	}
	reviews := named[*networkingv1.NetworkPolicy](t, policies, webhookName)
	if len(policies) != 2 || everything.Namespace != ownNamespace || reviews.Namespace != ownNamespace {
		t.Errorf("%d policies, in the namespaces %s and %s", len(policies), everything.Namespace, reviews.Namespace)
	}
	for _, d := range only[*appsv1.Deployment](all) {
		open := map[int32]bool{}
		for _, p := range []*networkingv1.NetworkPolicy{everything, reviews} {
			if !selects(t, &p.Spec.PodSelector, d) {
				continue
			}
			for _, rule := range p.Spec.Ingress {
				for _, port := range rule.Ports {
					open[port.Port.IntVal] = true
				}
			}
		}
		for _, port := range container(t, d).Ports {
			if !open[port.ContainerPort] {
				t.Errorf("%s: port %s is closed", d.Name, port.Name)
			}
			delete(open, port.ContainerPort)
		}
		if len(open) > 0 {
			t.Errorf("%s: open are %v, too", d.Name, open)
		}
		if !selects(t, &everything.Spec.PodSelector, d) {
			t.Errorf("%s may call anybody", d.Name)
		}
	}
	for _, rule := range everything.Spec.Ingress {
		if len(rule.From) == 0 {
			t.Error("metrics are open to all")
		}
	}
	var out []int32
	for _, rule := range everything.Spec.Egress {
		for _, port := range rule.Ports {
			out = append(out, port.Port.IntVal)
		}
	}
	if !slices.Equal(out, []int32{443, 6443, 53, 53}) {
		t.Errorf("may call the ports %v", out)
	}
}
