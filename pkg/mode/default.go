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
			detail := "nothing changes"
			if len(c.Intent.Peers) > 0 {
				detail = "nothing changes but for peers"
			}
			c.Plan.Keep(plan.ModeDefault, "", detail)
		}}},
		ServiceRules: []ServiceRule{{"opt out", func(c *ServiceCase) {
			c.Plan.Keep(plan.ModeDefault, "", "nothing changes")
		}}},
		PodAnnotations: []string{api.AnnotationPeers},
	}
}
