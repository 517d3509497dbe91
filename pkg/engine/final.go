package engine

import (
	"github.com/netmode-io/netmode/pkg/plan"
)

// final turns the plan of an object that nothing will change any more, as a
// validating webhook sees it, into a verdict: what the plan would still change
// is refused, since the object is not what its mode promises. That happens when
// another webhook asked too late for the mode, or undid it. Warnings were given
// when the object was planned first. A mode that a policy gives is no promise: its
// webhook entry may be skipped, and the pod starts all the same.
func final(p *plan.Plan) {
	changes := p.Changes() && p.Source != plan.SourcePolicy
	p.Mutations = nil
	for i := range p.Trace {
		f := &p.Trace[i]
		switch {
		case f.Verdict == plan.Warned:
			f.Verdict = plan.Kept
		case f.Verdict == plan.Changed && p.Source == plan.SourcePolicy:
			f.Verdict = plan.Kept
		case f.Verdict == plan.Changed && changes:
			f.Verdict, f.Reason = plan.Refused, plan.NotAsPromised
			f.Text = "is not as mode " + string(p.Mode) + " needs it (" + f.Text + "): " + plan.NotAsPromised.Doc().Cure
		}
	}
}

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
