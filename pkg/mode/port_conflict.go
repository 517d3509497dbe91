package mode

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// bound is a port of a node that a container takes.
type bound struct {
	*api.ContainerPort
	// container is its container, and index its index there.
	container *field.Path
	index     int
	// order is its index among all.
	order int
}

func (b *bound) path() *field.Path { return b.container.Child("ports").Index(b.index) }

// refuseHostPortConflict refuses ports of the node that are taken twice.
func refuseHostPortConflict(c *PodCase) {
	for i := range c.Pod.Spec.InitContainers {
		if container := &c.Pod.Spec.InitContainers[i]; !container.Restartable() {
			refuseDuplicatePort(c, container, specPath.Child("initContainers").Index(i))
		}
	}
	refuseOverlappingPort(c)
}

// refuseDuplicatePort refuses a port that a plain init container declares twice. It
// runs alone, so that Kubernetes looks at it alone, and at hostIPs as they are written.
func refuseDuplicatePort(c *PodCase, container *api.Container, path *field.Path) {
	type key struct {
		protocol, hostIP string
		port             int32
	}
	if len(container.Ports) < 2 {
		return
	}
	takenBy := make(map[key]int, len(container.Ports))
	for i := range container.Ports {
		port := &container.Ports[i]
		number, member := port.HostPort, "hostPort"
		if number == 0 {
			number, member = port.ContainerPort, "containerPort"
		}
		k := key{protocol(port.Protocol), port.HostIP, number}
		switch other, taken := takenBy[k]; {
		case !taken:
			takenBy[k] = i
		case !c.Plan.Counted(plan.Refused, plan.HostPortConflict):
			refuseTaken(c, path.Child("ports").Index(i).Child(member), k.protocol, number, path.Child("ports").Index(other))
		}
	}
}

func refuseTaken(c *PodCase, path *field.Path, protocol string, number int32, by *field.Path) {
	c.Plan.Refuse(plan.HostPortConflict, path, number, fmt.Sprintf("%s port %d is taken by %s", plan.Shown(protocol), number, by))
}

// refuseOverlappingPort refuses a protocol and port that are taken twice, by
// containers that listen at the same time, on hostIPs that overlap, naming the first
// that takes them.
func refuseOverlappingPort(c *PodCase) {
	count := 0
	for _, list := range [][]api.Container{c.Pod.Spec.InitContainers, c.Pod.Spec.Containers} {
		for i := range list {
			count += len(list[i].Ports)
		}
	}
	if count < 2 {
		return
	}
	all := make([]bound, 0, count)
	eachServing(c.Pod, func(path *field.Path, container *api.Container) {
		for i := range container.Ports {
			all = append(all, bound{&container.Ports[i], path, i, len(all)})
		}
	})
	grouped := slices.Clone(all)
	slices.SortFunc(grouped, func(a, b bound) int {
		return cmp.Or(cmp.Compare(a.ContainerPort.ContainerPort, b.ContainerPort.ContainerPort),
			cmp.Compare(protocol(a.Protocol), protocol(b.Protocol)), cmp.Compare(a.order, b.order))
	})
	var takenBy []*bound // by order; nil: nobody
	for i := 0; i < len(grouped); {
		end := i + 1
		for end < len(grouped) && sameNumber(&grouped[i], &grouped[end]) {
			end++
		}
		if end-i > 1 {
			if takenBy == nil {
				takenBy = make([]*bound, len(all))
			}
			findOverlaps(grouped[i:end], takenBy)
		}
		i = end
	}
	for i, other := range takenBy {
		if b := &all[i]; other != nil && !c.Plan.Counted(plan.Refused, plan.HostPortConflict) {
			refuseTaken(c, b.path().Child("containerPort"), protocol(b.Protocol), b.ContainerPort.ContainerPort, other.path())
		}
	}
}

func sameNumber(a, b *bound) bool {
	return a.ContainerPort.ContainerPort == b.ContainerPort.ContainerPort && protocol(a.Protocol) == protocol(b.Protocol)
}

// findOverlaps notes, of the takers of one protocol and port, by whom each is
// taken before it: the first whose hostIP can mean the same address. An empty or
// unspecified one means every address.
func findOverlaps(takers []bound, takenBy []*bound) {
	var everywhere *bound
	byText, byAddress := map[string]*bound{}, map[netip.Addr]*bound{}
	for i := range takers {
		b := &takers[i]
		address, _ := netip.ParseAddr(b.HostIP) // the zero Addr is no address
		address = address.Unmap()
		all := b.HostIP == "" || address.IsUnspecified()
		first := func(other *bound) {
			if other != nil && (takenBy[b.order] == nil || other.order < takenBy[b.order].order) {
				takenBy[b.order] = other
			}
		}
		first(everywhere)
		if all && i > 0 {
			first(&takers[0])
		}
		first(byText[b.HostIP])
		if address.IsValid() {
			first(byAddress[address])
		}
		if all && everywhere == nil {
			everywhere = b
		}
		if byText[b.HostIP] == nil {
			byText[b.HostIP] = b
		}
		if address.IsValid() && byAddress[address] == nil {
			byAddress[address] = b
		}
	}
}
