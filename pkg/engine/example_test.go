package engine_test

import (
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// A decision about a Pod, in a cluster of which no more than the DNS is known.
func ExampleDecide() {
	var pod api.Pod
	err := api.Decode([]byte(`{
		"metadata": {"name": "worker-0", "annotations": {
			"netmode.io/mode": "statefulset-headless",
			"netmode.io/service": "workers"
		}},
		"spec": {"containers": [{"name": "worker"}]}
	}`), &pod, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	facts, err := resolv.Declare([]string{"10.96.0.10"}, "cluster.local")
	if err != nil {
		fmt.Println(err)
		return
	}
	p := engine.Decide(engine.Request{
		Settings: &engine.Settings{
			ExemptNamespaces: []string{"kube-system"},
			Search:           resolv.Settings{Facts: facts},
		},
		Snapshot:  engine.EmptySnapshot{},
		Namespace: "default",
		Object:    &pod,
	})
	fmt.Println("mode:", p.Mode)
	for i := range p.Trace {
		if f := &p.Trace[i]; f.Reason != "" {
			fmt.Printf("%s: %s: %s\n", f.Rule, f.Verdict, p.Message(f))
		}
	}
	fmt.Println("mutations:", len(p.Mutations))
	// Output:
	// mode: statefulset-headless
	// governing Service: kept: metadata.annotations[netmode.io/service]: workers governs the pod (GoverningServiceNamed)
	// hostname: changed: spec.hostname: worker-0, the pod's own name (HostnameSet)
	// subdomain: changed: spec.subdomain: workers, the governing Service (SubdomainSet)
	// search rewrite: kept: the cluster's DNS is known, so auto means prepend (ClusterDNSKnown)
	// search rewrite: changed: spec.dnsPolicy: None, because the whole DNS configuration is written out (SearchPrepended)
	// search rewrite: changed: spec.dnsConfig: the nameservers of cluster.local, and workers.default.svc.cluster.local first in the search list (SearchPrepended)
	// mutations: 5
}

// What cannot work is refused, with the field, the value and the cure.
func ExampleDecide_refused() {
	var pod api.Pod
	err := api.Decode([]byte(`{
		"metadata": {"name": "web", "annotations": {"netmode.io/mode": "hostnetwork"}},
		"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}
	}`), &pod, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	p := engine.Decide(engine.Request{
		Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "default", Object: &pod,
	})
	fmt.Println(p.Refused())
	fmt.Println(p.Denial())
	// Output:
	// true
	// spec.containers[0].ports[0].hostPort: Invalid value: 8080: differs from containerPort 80: set hostPort to the containerPort, or leave hostPort out (HostPortMismatch)
}
