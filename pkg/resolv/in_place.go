package resolv

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// peerPrefix begins the peer domain, whatever the cluster's domain is.
func (c *Case) peerPrefix() string { return c.Subdomain + "." + c.Namespace + ".svc." }

// isPeerDomain reports whether a search domain, as a strategy writes it, is that of
// the pod's peers:
//
//	the status names  the cluster's domain  it is, where
//	the strategy      any                   it begins <subdomain>.<namespace>.svc.
//	another, or none  known                 it is that and the cluster's domain
//	another, or none  not known             it begins <subdomain>.<namespace>.svc.
//
// So what an earlier call wrote stands when the facts have changed since, and a
// domain that a person wrote is not believed.
func (c *Case) isPeerDomain(search string, by api.SearchRewrite) bool {
	domain, ok := strings.CutPrefix(search, c.peerPrefix())
	if !ok || c.Written == by {
		return ok
	}
	known := c.Settings.Facts.Domain
	return known == "" || strings.TrimSuffix(domain, ".") == known
}

// first reports whether the peer domain, as a strategy writes it, begins the search
// list that the pod will really have.
func (c *Case) first(by api.SearchRewrite) bool {
	searches := c.Pod.Searches()
	return c.Pod.Spec.DNSPolicy == api.DNSNone && len(searches) > 0 && c.isPeerDomain(searches[0], by)
}

// listed reports whether the pod's own searches hold the peer domain anywhere.
func (c *Case) listed() bool {
	return slices.ContainsFunc(c.Pod.Searches(), func(s string) bool { return c.isPeerDomain(s, api.SearchAppend) })
}

// warnOtherDomain warns of search domains that would be the peers' in a cluster of
// another domain.
func (c *Case) warnOtherDomain() {
	domain := c.Settings.Facts.Domain
	if domain == "" {
		return
	}
	for i, search := range c.Pod.Searches() {
		other, ok := strings.CutPrefix(search, c.peerPrefix())
		if ok && strings.TrimSuffix(other, ".") != domain && !c.Plan.Counted(plan.Warned, plan.SearchOtherDomain) {
			c.Plan.Warn(plan.SearchOtherDomain, specPath.Child("dnsConfig", "searches").Index(i).String(),
				plan.Shown(search)+" is of another cluster: the domain of this one is "+domain)
		}
	}
}
