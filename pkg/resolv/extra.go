package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/plan"
)

// addExtra puts the search domains of a policy behind the pod's own, which are
// have by now, and returns them all.
func addExtra(c *Case, have []string) []string {
	extra := extraFor(c, have)
	for _, domain := range extra {
		c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/searches", Value: domain},
			plan.SearchExtra, "spec.dnsConfig.searches", "added "+domain+", which policy "+c.Defaults.Policy+" gives")
	}
	return slices.Concat(have, extra)
}

// extraFor are the search domains of a policy that the pod, which has these, does not
// have. What Kubernetes has no room for is left out, with a warning: only entries that
// the pod asked for can be the cause of a refusal.
func extraFor(c *Case, have []string) []string {
	var extra, cut []string
	for _, domain := range c.Defaults.ExtraSearches {
		switch {
		case slices.Contains(have, domain):
		case !fits(slices.Concat(have, extra, []string{domain})):
			cut = append(cut, domain)
		default:
			extra = append(extra, domain)
		}
	}
	if len(cut) > 0 {
		c.Plan.Warn(plan.SearchesCut, "spec.dnsConfig.searches", "left out "+plan.List(cut, " ")+", which policy "+c.Defaults.Policy+" gives")
	}
	return extra
}
