package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// appendLast adds the peer domain to the pod's own searches. The kubelet puts
// those behind the cluster's and the node's, so a short name resolves after a
// few failed look-ups, and a wildcard in the node's domain would catch it.
func appendLast() Strategy {
	return Strategy{
		Name:    api.SearchAppend,
		Summary: "adds to `dnsConfig.searches`",
		Place:   "last: a few look-ups fail first",
		Needs:   "nothing",
		Promise: Promise{
			Variable: "listed",
			Found:    "variables.small && variables.searches.exists(search, search.startsWith(variables.domain))",
			Holds:    "variables.listed",
		},
		inPlace: (*Case).listed,
		byAuto:  true,
		apply: func(c *Case) {
			own := c.Pod.Searches()
			domains := slices.DeleteFunc(c.domains().All(), func(s string) bool { return slices.Contains(own, s) })
			searches := slices.Concat(own, domains)
			if refuseOverLimit(c, searches) {
				return
			}
			for _, domain := range domains {
				c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/searches", Value: domain},
					plan.SearchAppended, "spec.dnsConfig.searches", "added "+domain+" at the end")
			}
			warnMusl(c, c.kubeletSearches(addExtra(c, searches)))
		},
	}
}
