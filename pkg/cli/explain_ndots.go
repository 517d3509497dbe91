package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// peerNames are the ways to write a peer's name, each with one dot more than the one before.
var peerNames = []string{"pod", "pod.service", "pod.service.namespace", "pod.service.namespace.svc"}

// ndotsLine says which names of peers are looked up in the search list, by ndots in the
// pod as the cluster would hold it; empty: netmode has no say in its names.
func (d *decided) ndotsLine() (string, error) {
	p := d.pods
	if p == nil || p.Refused() || (p.Strategy == "" || p.Strategy == api.SearchNone) && !p.Has(plan.ResolverOption) {
		return "", nil
	}
	pod, err := d.finalPod()
	if err != nil {
		return "", err
	}
	ndots, known := resolv.Ndots(pod)
	if !known {
		return "", nil
	}
	return sayNdots(ndots), nil
}

func sayNdots(ndots int) string {
	if ndots >= len(peerNames) {
		return fmt.Sprintf("ndots %d: %s are looked up in the search list first", ndots, joinAnd(peerNames))
	}
	searched, others := "", "all names"
	switch {
	case ndots == 1:
		searched, others = peerNames[0]+" is looked up in the search list first; ", "names with a dot"
	case ndots > 1:
		searched, others = joinAnd(peerNames[:ndots])+" are looked up in the search list first; ", fmt.Sprintf("names with %d dots or more", ndots)
	}
	var needs []string
	for i, name := range peerNames[ndots:] {
		needs = append(needs, fmt.Sprintf("%s needs ndots %d", name, ndots+i+1))
	}
	return fmt.Sprintf("ndots %d: %s%s are tried as they are first by glibc, and never looked up there by musl (Alpine), where %s",
		ndots, searched, others, joinAnd(needs))
}

func joinAnd(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// finalPod is the pod as the cluster would hold it, or the first of the template.
func (d *decided) finalPod() (*api.Pod, error) {
	operations := slices.Clone(d.operations)
	for i := range operations {
		operations[i].Path = strings.TrimPrefix(operations[i].Path, d.object.Pointer)
	}
	changed, err := patch.Apply(d.object.JSON, operations)
	if err != nil {
		return nil, err
	}
	template, err := workload.Parse(d.object.APIVersion, d.object.Kind, changed, d.namespace)
	switch {
	case err != nil:
		return nil, err
	case template != nil:
		return template.FirstPod()
	}
	pod := new(api.Pod)
	return pod, api.Decode(changed, pod, "")
}
