package policy_test

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// batch is a NetworkModePolicy: nobody sets hostNetwork by hand.
const batch = `{
	"apiVersion": "policy.netmode.io/v1alpha1",
	"kind": "NetworkModePolicy",
	"metadata": {"name": "batch"},
	"spec": {
		"namespaceSelector": {"matchLabels": {"team": "batch"}},
		"hostNetwork": {"allowUnmanaged": false}
	}
}`

// compiled is a policy made ready.
func compiled(text string) (*policy.Policy, error) {
	decoded, err := api.DecodePolicy([]byte(text))
	if err != nil {
		return nil, err
	}
	p, errs := policy.Compile(decoded)
	return p, errs.ToAggregate()
}

// What a policy forbids, as objects that the API server itself enforces.
func ExamplePolicy_AdmissionPolicies() {
	p, err := compiled(batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range p.AdmissionPolicies(&policy.AdmissionSettings{}, "") {
		fmt.Println(a.Policy.Name, a.Binding.Spec.ValidationActions)
		for _, v := range a.Policy.Spec.Validations {
			fmt.Println("-", v.Message)
		}
	}
	// Output:
	// netmode-policy-batch [Deny]
	// - spec.hostNetwork: Invalid value: true: policy batch allows the host network only in mode hostnetwork: remove hostNetwork (PolicyHostNetworkUnmanaged)
}

// The same in Go, about a pod in a namespace of that team.
func ExampleSet_JudgePod() {
	p, err := compiled(batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	policies := policy.NewSet([]*policy.Policy{p}).ForNamespace(map[string]string{"team": "batch"})
	var judged plan.Plan
	policies.JudgePod(&policy.Pod{Spec: &api.PodSpec{HostNetwork: true}, HostNetwork: true}, &judged)
	fmt.Println(judged.Denial())
	// Output:
	// spec.hostNetwork: Invalid value: true: policy batch allows the host network only in mode hostnetwork: remove hostNetwork (PolicyHostNetworkUnmanaged)
}

// A policy that means nothing is refused, as the API server refuses it.
func ExampleCompile() {
	_, err := compiled(`{
		"metadata": {"name": "batch"},
		"spec": {"namespaceSelector": {}, "allowedModes": ["headless"], "defaultMode": "hostnetwork"}
	}`)
	fmt.Println(err)
	// Output:
	// spec.defaultMode: Invalid value: "hostnetwork": is not among allowedModes: add it there, or choose another
}
