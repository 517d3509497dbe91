package resolv

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// isPeerDomain reports whether a search domain, as a strategy writes it, is the one
// that begins with the prefix:
//
//	the status names  the cluster's domain  it is, where
//	the strategy      any                   it begins <service>.<namespace>.svc.
//	another, or none  known                 it is that and the cluster's domain
//	another, or none  not known             it begins <service>.<namespace>.svc.
//
// So what an earlier call wrote stands when the facts have changed since, and a
// domain that a person wrote is not believed.
func (c *Case) isPeerDomain(search, prefix string, by api.SearchRewrite) bool {
	domain, ok := strings.CutPrefix(search, prefix)
	if !ok || c.Written == by {
		return ok
	}
	known := c.Settings.Facts.Domain
	return known == "" || strings.TrimSuffix(domain, ".") == known
}

// placed reports whether the local domains, as a strategy writes them, begin the one
// list in their order, and the other holds the foreign ones.
func (c *Case) placed(first, then []string, by api.SearchRewrite) bool {
	local, foreign := c.prefixes()
	if len(first) < len(local) {
		return false
	}
	for i, prefix := range local {
		if !c.isPeerDomain(first[i], prefix, by) {
			return false
		}
	}
	return c.held(then, foreign, by)
}

// held reports whether the list holds a domain for each prefix, anywhere.
func (c *Case) held(list, prefixes []string, by api.SearchRewrite) bool {
	for _, prefix := range prefixes {
		if !slices.ContainsFunc(list, func(s string) bool { return c.isPeerDomain(s, prefix, by) }) {
			return false
		}
	}
	return true
}

// first reports whether the domains, as a strategy writes them, are placed in the
// search list that the pod will really have.
func (c *Case) first(by api.SearchRewrite) bool {
	searches := c.Pod.Searches()
	return c.Pod.Spec.DNSPolicy == api.DNSNone && c.placed(searches, searches, by)
}

// Prepended reports whether the pod holds what prepend writes: its dnsPolicy None is
// netmode's, then, or as good.
func (c *Case) Prepended() bool { return c.first(api.SearchPrepend) }

// listed reports whether the pod's own searches hold all domains.
func (c *Case) listed() bool {
	local, foreign := c.prefixes()
	searches := c.Pod.Searches()
	return c.held(searches, local, api.SearchAppend) && c.held(searches, foreign, api.SearchAppend)
}

// inWords reports whether the words that a strategy writes for a resolv.conf have the
// domains in their places.
func (c *Case) inWords(words []string, by api.SearchRewrite) bool {
	d, err := ParseDomains(words)
	return err == nil && c.placed(d.First, d.Then, by)
}

// warnOtherDomain warns of search domains that would be the peers' in a cluster of
// another domain.
func (c *Case) warnOtherDomain() {
	domain := c.Settings.Facts.Domain
	if domain == "" {
		return
	}
	local, foreign := c.prefixes()
	prefixes := slices.Concat(local, foreign)
	for i, search := range c.Pod.Searches() {
		at := slices.IndexFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(search, prefix) })
		if at >= 0 && strings.TrimSuffix(search[len(prefixes[at]):], ".") != domain && !c.Plan.Counted(plan.Warned, plan.SearchOtherDomain) {
			c.Plan.Warn(plan.SearchOtherDomain, specPath.Child("dnsConfig", "searches").Index(i).String(),
				plan.Shown(search)+" is of another cluster: the domain of this one is "+domain)
		}
	}
}
