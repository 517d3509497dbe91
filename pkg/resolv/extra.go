package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/plan"
)

// addExtra puts the search domains of a policy behind the pod's own, which are
// have by now. What Kubernetes has no room for is left out, with a warning:
// only entries that the pod asked for can be the cause of a refusal.
func addExtra(c *Case, have []string) {
	var cut []string
	for _, domain := range c.Defaults.ExtraSearches {
		switch {
		case slices.Contains(have, domain):
		case !fits(append(slices.Clip(have), domain)):
			cut = append(cut, domain)
		default:
			have = append(slices.Clip(have), domain)
			c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/searches", Value: domain},
				plan.SearchExtra, "spec.dnsConfig.searches", "added "+domain+", which policy "+c.Defaults.Policy+" gives")
		}
	}
	if len(cut) > 0 {
		c.Plan.Warn(plan.SearchesCut, "spec.dnsConfig.searches", "left out "+plan.List(cut, " ")+", which policy "+c.Defaults.Policy+" gives")
	}
}
