// Package resolv puts the peer domain of a governing Service into a pod's
// resolv.conf search list: one file per strategy, and the facts about the
// cluster's DNS that they need.
//
// The package is pure: it reads values and records what to change.
package resolv

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Settings are what every rewrite of one netmode process shares.
type Settings struct {
	Facts         Facts
	InitContainer InitContainer
}

// Case is one pod whose search list is to name its peers.
type Case struct {
	Pod *api.Pod
	// Namespace is the pod's, and NamespaceLabels its labels where they are known.
	Namespace       string
	NamespaceLabels map[string]string
	// Subdomain is the governing Service.
	Subdomain string
	// Extra are search domains that a policy adds.
	Extra    []string
	Settings *Settings
	Plan     *plan.Plan
}

// Strategy is one way to rewrite the search list.
type Strategy struct {
	Name api.SearchRewrite
	// Summary says in one line what the strategy does, for documentation.
	Summary string

	// inPlace reports whether the pod holds what apply would write, whatever
	// the facts say now.
	inPlace func(*Case) bool
	// apply records the mutations, or refuses.
	apply func(*Case)
}

// registry holds every strategy, in the order of the documentation; it is
// read-only.
var registry = []Strategy{auto(), prepend(), appendLast(), initContainer(), postStart(), none()}

// Strategies returns every strategy that an author may ask for.
func Strategies() []Strategy { return slices.Clone(registry) }

// Rewrite records in c.Plan what the asked strategy does to the pod; an empty
// name means auto.
func Rewrite(c *Case, asked api.SearchRewrite) {
	if asked == "" {
		asked = api.SearchAuto
	}
	for _, s := range registry {
		if s.Name == asked {
			s.run(c)
			return
		}
	}
}

func (s Strategy) run(c *Case) {
	if s.Name != api.SearchAuto {
		c.Plan.Strategy = s.Name
	}
	if s.Name == api.SearchNone {
		s.apply(c)
		return
	}
	if c.Pod.Spec.DNSPolicy == api.DNSDefault {
		c.Plan.Refuse(plan.DNSPolicyDefault, specPath.Child("dnsPolicy"), api.DNSDefault, "the node's DNS does not know the peers' names")
		return
	}
	if s.inPlace(c) {
		c.Plan.Keep(plan.SearchInPlace, "spec", "the search rewrite is in place already")
		return
	}
	s.apply(c)
}

// peerPrefix begins the peer domain, whatever the cluster's domain is. What an
// earlier call wrote is known by it even when the facts have changed since.
func (c *Case) peerPrefix() string { return c.Subdomain + "." + c.Namespace + ".svc." }

func (c *Case) isPeerDomain(s string) bool { return strings.HasPrefix(s, c.peerPrefix()) }

// peerDomain is the domain whose names are the peers' hostnames. Where the
// cluster's domain is not known it is assumed, with a warning.
func (c *Case) peerDomain() string {
	if c.Settings.Facts.Domain == "" {
		c.Plan.Warn(plan.ClusterDomainAssumed, "", "the cluster's domain is not known, and "+AssumedDomain+" is assumed")
	}
	return c.peerPrefix() + c.Settings.Facts.DomainOrAssumed()
}

// first reports whether the peer domain begins the search list that the pod
// will really have.
func (c *Case) first() bool {
	searches := c.Pod.Searches()
	return c.Pod.Spec.DNSPolicy == api.DNSNone && len(searches) > 0 && c.isPeerDomain(searches[0])
}

// listed reports whether the pod's own searches hold the peer domain anywhere.
func (c *Case) listed() bool {
	return slices.ContainsFunc(c.Pod.Searches(), c.isPeerDomain)
}
