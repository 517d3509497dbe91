package integration

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// wantAsOffline holds an answer to what the command line decides in these surroundings: it
// changes and refuses the same, for the same reasons, and warns of the same. Fields may differ:
// the API server fills in ports.
func (a *admission) wantAsOffline(t *testing.T, entry api.Entry, input []byte, got *answer) {
	t.Helper()
	p := a.offline(t, input)
	if entry == "" && p.Changes() {
		t.Errorf("netmode is not asked, and offline it changes it: %+v", p.Trace)
	}
	if got.err != nil && !strings.Contains(got.err.Error(), `.netmode.io" denied the request: `) && problemOf(refusedBy, got.err.Error()) == nil {
		return // Kubernetes alone refuses it
	}
	refused, warned := reasonsIn(p.Findings(plan.Refused)), reasonsIn(p.Findings(plan.Warned))
	if (got.err != nil) != p.Refused() {
		t.Errorf("the answer is %v, and offline it is refused for %q", got.err, refused)
	}
	if got.err != nil {
		// A webhook's refusal comes before policies, and theirs is one of all.
		for _, reason := range reasonsOf(got.err.Error()) {
			if !slices.Contains(refused, reason) {
				t.Errorf("refused for %s, and offline for %q", reason, refused)
			}
		}
		return
	}
	if entry == "" { // netmode is not asked, so nobody says that the Namespace asks in vain
		warned = slices.DeleteFunc(warned, func(r plan.Reason) bool { return r == plan.NamespaceAnnotation })
	}
	var warnings []plan.Reason
	for _, warning := range got.warnings {
		warnings = append(warnings, reasonsOf(warning)...)
	}
	if diff := cmp.Diff(warned, sortedOnce(warnings), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("reasons of warnings (-offline +cluster):\n%s", diff)
	}
}

// offline is the plan of the command line.
func (a *admission) offline(t *testing.T, input []byte) *plan.Plan {
	t.Helper()
	if a.isService() {
		var service api.Service
		if err := api.Decode(input, &service, ""); err != nil {
			t.Fatal(err)
		}
		return engine.Decide(engine.Request{Settings: a.settings, Snapshot: a.around, Namespace: a.object.Namespace, Object: &service, Judge: true})
	}
	var pod api.Pod
	if err := api.Decode(input, &pod, ""); err != nil {
		t.Fatal(err)
	}
	return engine.Decide(engine.Request{Settings: a.settings, Snapshot: a.around, Namespace: a.object.Namespace, Object: &pod, Judge: true})
}

func reasonsIn(findings []plan.Finding) []plan.Reason {
	var reasons []plan.Reason
	for _, f := range findings {
		reasons = append(reasons, f.Reason)
	}
	return sortedOnce(reasons)
}

var inBrackets = regexp.MustCompile(`\(([A-Z][A-Za-z]+)\)`)

// reasonsOf are the reasons that a message of netmode's names.
func reasonsOf(message string) []plan.Reason {
	var reasons []plan.Reason
	for _, found := range inBrackets.FindAllStringSubmatch(message, -1) {
		if reason := plan.Reason(found[1]); reason.Doc().Reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return sortedOnce(reasons)
}

func sortedOnce(reasons []plan.Reason) []plan.Reason {
	slices.Sort(reasons)
	return slices.Compact(reasons)
}
