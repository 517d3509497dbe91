package resolv

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// auto is prepend when the cluster's DNS is known or the pod brings its own
// (dnsPolicy None), else append. A pod that names the peer domain already, first
// or last, is left alone, so that the choice of an earlier call stands when the
// facts have changed since.
func auto() Strategy {
	return Strategy{
		Name:    api.SearchAuto,
		Summary: "`prepend` where the cluster's DNS is known, else `append`",
		inPlace: func(c *Case) bool {
			if c.Pod.Spec.DNSPolicy == api.DNSNone {
				return c.first(api.SearchPrepend)
			}
			return c.listed()
		},
		apply: func(c *Case) {
			if c.Pod.Spec.DNSPolicy == api.DNSNone {
				prepend().run(c)
				return
			}
			if c.Settings.Facts.Known() {
				c.Plan.Keep(plan.ClusterDNSKnown, "", "the cluster's DNS is known, so auto means prepend")
				prepend().run(c)
				return
			}
			c.Plan.Keep(plan.ClusterDNSUnknown, "", "the cluster's DNS is not known, so auto means append")
			appendLast().run(c)
		},
	}
}
