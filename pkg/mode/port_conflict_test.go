package mode_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// overlap is what two hostIPs mean, pair by pair.
func overlap(a, b string) bool {
	parse := func(ip string) netip.Addr {
		addr, _ := netip.ParseAddr(ip)
		return addr.Unmap()
	}
	everywhere := func(ip string) bool { return ip == "" || parse(ip).IsUnspecified() }
	return a == b || everywhere(a) || everywhere(b) || parse(a).IsValid() && parse(a) == parse(b)
}

// Every port that is taken is refused, naming the first that takes it: as by
// comparing each with all before it.
func TestPortConflictsAreThoseOfAllPairs(t *testing.T) {
	addresses := []string{"", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "fe80::1", "fe80::1%eth0", "x", "y", "::ffff:0.0.0.0"}
	protocols := []string{"", "TCP", "UDP", "tcp"}
	state := uint32(1)
	pick := func(n int) int {
		state = state*1664525 + 1013904223
		return int(state>>16) % n
	}
	conflicts := 0
	for round := range 300 {
		var pod api.Pod
		pod.Metadata.Annotations = map[string]string{api.AnnotationMode: "hostnetwork"}
		pod.Spec.Containers = make([]api.Container, 1+pick(2))
		var all []api.ContainerPort
		want := ""
		var fields []string
		for i := range pod.Spec.Containers {
			for j := range pick(12) {
				port := api.ContainerPort{ContainerPort: []int32{1, 2, 3}[pick(3)], Protocol: protocols[pick(len(protocols))], HostIP: addresses[pick(len(addresses))]}
				pod.Spec.Containers[i].Ports = append(pod.Spec.Containers[i].Ports, port)
				at := fmt.Sprintf("spec.containers[%d].ports[%d]", i, j)
				name := port.Protocol
				if name == "" {
					name = "TCP"
				}
				for k, other := range all {
					same := other.ContainerPort == port.ContainerPort && (other.Protocol == port.Protocol || other.Protocol+port.Protocol == "TCP")
					if same && overlap(other.HostIP, port.HostIP) {
						want += fmt.Sprintf("%s.containerPort: Invalid value: %d: %s port %d is taken by %s\n", at, port.ContainerPort, name, port.ContainerPort, fields[k])
						conflicts++
						break
					}
				}
				all, fields = append(all, port), append(fields, at)
			}
		}
		p := engine.Decide(engine.Request{Settings: &engine.Settings{}, Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: &pod, Judge: true})
		got := ""
		for _, f := range p.Findings(plan.Refused) {
			if f.Reason == plan.HostPortConflict {
				got += f.Field + ": " + f.Detail + "\n"
			}
		}
		if got != want {
			t.Fatalf("round %d:\ngot\n%swant\n%s", round, got, want)
		}
	}
	if conflicts < 300 {
		t.Errorf("only %d conflicts", conflicts)
	}
}
