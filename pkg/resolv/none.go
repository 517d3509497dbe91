package resolv

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// none leaves the search list alone: peers use longer names.
func none() Strategy {
	return Strategy{
		Name:    api.SearchNone,
		Summary: "nothing",
		Place:   "absent",
		Promise: Promise{Holds: "true"},
		inPlace: func(*Case) bool { return false },
		apply: func(c *Case) {
			c.Plan.Keep(plan.SearchNone, "", "the search list stays as it is")
			if len(c.Peers) > 0 {
				c.Plan.Warn(plan.PeersUnused, peersPath.String(), "they do nothing, since the search rewrite is none")
			}
		},
	}
}
