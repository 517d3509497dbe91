package mode

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// tellReverseNames says which Services give the pod's address a name back, and warns of
// a second headless one. CoreDNS has a PTR record for each Service that selects a pod,
// and only the governing one's has the hostname. Those with a cluster IP are most
// pods' lot, and are not warned of.
// Source: plugin/kubernetes/reverse.go; 1.11.4 to 1.12.0 knew only endpoints with a hostname.
func tellReverseNames(c *PodCase) {
	services, known := c.Snapshot.Services(c.Namespace)
	if !known || c.Plan.Service == "" {
		return
	}
	governed := false
	var headless, others []string
	for i := range services {
		switch s := &services[i]; {
		case s.Metadata.Name == "" || s.Spec.Type == api.ServiceExternalName || !s.Selects(c.Pod.Metadata.Labels):
		case s.Metadata.Name == c.Plan.Service:
			governed = true
		case s.Headless():
			headless = append(headless, s.Metadata.Name)
		default:
			others = append(others, s.Metadata.Name)
		}
	}
	slices.Sort(headless)
	if governed {
		c.Plan.PassAs("a reverse look-up of " + c.whoseAddress() + " gives its name in Service " + c.Plan.Service + also(slices.Concat(headless, others)))
	}
	if len(headless) > 1 || governed && len(headless) > 0 {
		c.Plan.Warn(plan.ReverseNames, "metadata.labels", "headless Services select the pod beside "+c.Plan.Service+": "+plan.List(headless, ", "))
	}
}

func (c *PodCase) whoseAddress() string {
	if c.onHost() {
		return "the node's address, which all pods on the host network share,"
	}
	return "the pod's address"
}

func also(services []string) string {
	if len(services) == 0 {
		return ""
	}
	slices.Sort(services)
	return ", and one of the address itself in " + plan.List(services, ", ")
}

// warnReverseNames tells of headless Services that select pods of this one: those whose
// selector is a part of this one's, or has it for a part.
func warnReverseNames(c *ServiceCase) {
	services, known := c.Snapshot.Services(c.Namespace)
	if !known {
		return
	}
	var same []string
	for i := range services {
		s := &services[i]
		if name := s.Metadata.Name; name == "" || name == c.Service.Metadata.Name || !s.Headless() {
			continue
		}
		if s.Selects(c.Service.Spec.Selector) || c.Service.Selects(s.Spec.Selector) {
			same = append(same, s.Metadata.Name)
		}
	}
	if len(same) > 0 {
		slices.Sort(same)
		c.Plan.Warn(plan.ReverseNames, "spec.selector", "headless Services select pods of this one, too: "+plan.List(same, ", "))
	}
}
