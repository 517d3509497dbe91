package mode

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// standard is mode default: the object stays as Kubernetes runs it, whatever
// its namespace gives to others.
func standard() Mode {
	return Mode{
		Name:      api.ModeDefault,
		Summary:   "what an ordinary Service serves well",
		OnPod:     "nothing; opts out of a mode that its namespace gives",
		OnService: "nothing",
		PodRules: []PodRule{{"opt out", func(c *PodCase) {
			c.Plan.Keep(plan.ModeDefault, "", "nothing changes")
		}}},
		ServiceRules: []ServiceRule{{"opt out", func(c *ServiceCase) {
			c.Plan.Keep(plan.ModeDefault, "", "nothing changes")
		}}},
	}
}
