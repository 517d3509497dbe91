package engine

import (
	"github.com/netmode-io/netmode/pkg/plan"
)

// DependsOnServices says whether the plan would be another one if the
// namespace had a Service that was not seen, or not one that was. A pod that an
// inherited mode cannot serve for another reason as well stays as it is.
func DependsOnServices(p *plan.Plan) bool {
	for i := range p.Trace {
		if f := &p.Trace[i]; aboutServices(f) {
			return f.Verdict != plan.Kept || p.LacksService
		}
	}
	return false
}

// aboutServices says whether the finding is that no one Service governs the pod.
func aboutServices(f *plan.Finding) bool {
	return f.Reason == plan.GoverningServiceUnknown || f.Reason == plan.GoverningServiceAmbiguous
}
