package patch_test

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// A mutation says what is to be; the operations depend on what is there: of
// dnsConfig there is nothing, so it is made.
func Example() {
	raw := []byte(`{"spec":{"hostname":"","field":"of a newer Kubernetes"}}`)
	operations, err := patch.Build(raw, []plan.Mutation{
		{Action: plan.Set, Pointer: "/spec/hostname", Value: "worker-0"},
		{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/searches", Value: "workers.default.svc.cluster.local"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range operations {
		fmt.Println(o.Json())
	}
	patched, err := patch.Apply(raw, operations)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", patched)
	// Output:
	// {"op":"replace","path":"/spec/hostname","value":"worker-0"}
	// {"op":"add","path":"/spec/dnsConfig","value":{"searches":["workers.default.svc.cluster.local"]}}
	// {"spec":{"dnsConfig":{"searches":["workers.default.svc.cluster.local"]},"field":"of a newer Kubernetes","hostname":"worker-0"}}
}
