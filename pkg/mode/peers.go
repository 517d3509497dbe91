package mode

import (
	"fmt"
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// None is for pods without a mode that ask for something else: their peers. It is no
// mode that anybody could ask for.
func None() Mode { return Mode{PodAnnotations: []string{api.AnnotationPeers}} }

// peers are the Services that the pod asks to call by short names: each once, with its
// namespace, and without the governing one.
func (c *PodCase) peers() []api.Peer {
	var peers []api.Peer
	for _, p := range c.Intent.Peers {
		if p.Namespace == "" {
			p.Namespace = c.Namespace
		}
		own := p == api.Peer{Service: c.Plan.Service, Namespace: c.Namespace}
		if !own && !slices.Contains(peers, p) {
			peers = append(peers, p)
		}
	}
	return peers
}

func warnMissingPeers(c *PodCase) {
	for _, p := range c.peers() {
		services, known := c.Snapshot.Services(p.Namespace)
		if known && !slices.ContainsFunc(services, func(s api.Service) bool { return s.Metadata.Name == p.Service }) {
			c.Plan.Warn(plan.PeerMissing, annotationPath(api.AnnotationPeers).String(), fmt.Sprintf("there is no Service %s in namespace %s", p.Service, p.Namespace))
		}
	}
}

// search is the search list of the pod, to name the pods of a Service of its own
// namespace, unless it is empty, and those of its peers.
func (c *PodCase) search(service string) *resolv.Case {
	return &resolv.Case{
		Pod:             c.Pod,
		Namespace:       c.Namespace,
		NamespaceLabels: c.NamespaceLabels,
		Subdomain:       service,
		Peers:           c.peers(),
		Defaults:        c.Rewrite,
		Options:         c.Options,
		Settings:        c.Search,
		Written:         c.Written,
		Plan:            c.Plan,
	}
}

// nodeDNS says that the pod is on the host network by hand, with a dnsPolicy that
// means another thing there.
func (c *PodCase) nodeDNS() bool {
	policy := c.Pod.Spec.DNSPolicy
	changed := slices.ContainsFunc(c.Plan.Mutations, func(m plan.Mutation) bool { return m.Pointer == "/spec/dnsPolicy" })
	return c.Pod.Spec.HostNetwork && (policy == "" || policy == api.DNSClusterFirst) && !changed
}

// rewriteForPeers is the search rewrite of pods whose own domain is not wanted.
func rewriteForPeers(c *PodCase) {
	search := c.search("")
	if len(search.Peers) == 0 {
		return
	}
	if c.Intent.SearchRewrite != api.SearchNone && !c.Plan.Refused() {
		refusePeersOnWindows(c)
	}
	search.NodeDNS = c.nodeDNS()
	resolv.Rewrite(search, c.Intent.SearchRewrite)
}

// refusePeersOnWindows: a pod on Windows has one search domain, its namespace's.
// Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#dns-windows
func refusePeersOnWindows(c *PodCase) {
	if path := c.Pod.Windows(); path != nil {
		c.Plan.Refuse(plan.PeersOnWindows, path, "windows", "peers have no short names there")
	}
}
