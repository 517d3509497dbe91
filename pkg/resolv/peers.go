package resolv

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

var peersPath = field.NewPath("metadata").Child("annotations").Key(api.AnnotationPeers)

// prefixes begin the domains that go into the search list, whatever the cluster's
// domain is: local ones the pod's own and those of peers in its namespace, foreign
// ones those of other peers.
func (c *Case) prefixes() (local, foreign []string) {
	prefix := func(service, namespace string) string { return service + "." + namespace + ".svc." }
	if c.Subdomain != "" {
		local = append(local, prefix(c.Subdomain, c.Namespace))
	}
	for _, p := range c.Peers {
		if p.Namespace == c.Namespace {
			local = append(local, prefix(p.Service, p.Namespace))
		} else {
			foreign = append(foreign, prefix(p.Service, p.Namespace))
		}
	}
	return local, foreign
}

// domains are those whose names are the hostnames of the pod's peers. The local ones
// come first, and the foreign ones behind <namespace>.svc.D: a pod of another
// namespace never hides a Service of this one. Where the cluster's domain is not
// known it is assumed, with a warning.
func (c *Case) domains() Domains {
	domain := c.Settings.ClusterDomain(c.Plan)
	local, foreign := c.prefixes()
	for _, list := range [][]string{local, foreign} {
		for i := range list {
			list[i] += domain
		}
	}
	return Domains{First: local, Behind: c.Namespace + ".svc." + domain, Then: foreign}
}

// kubeletSearches are the searches that the kubelet writes for the pod, as far as they
// are known, with these as the pod's own.
func (c *Case) kubeletSearches(own []string) []string {
	if c.Pod.Spec.DNSPolicy == api.DNSNone {
		return own
	}
	facts := &c.Settings.Facts
	domain := facts.DomainOrAssumed()
	return unique([]string{c.Namespace + ".svc." + domain, "svc." + domain, domain}, facts.NodeSearches, own)
}

// warnMusl warns of a search line that musl does not read.
func warnMusl(c *Case, searches []string) {
	if line := "search " + strings.Join(searches, " "); len(line) > muslSearchLine {
		c.Plan.Warn(plan.SearchTooLongForMusl, "spec.dnsConfig.searches",
			fmt.Sprintf("the search line has %d bytes, and images with musl (Alpine) ignore one over %d", len(line), muslSearchLine))
	}
}
