package integration

import (
	"testing"
)

// TestWorkloadPolicies: what a policy forbids is told where it is asked for, and not only to the
// ReplicaSet.
func TestWorkloadPolicies(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	denies := p.policy(t, "modes", `{allowedModes: [headless], podSelector: {matchLabels: {app: web}}}`)
	w := testWorkload{"Deployment", p.name}
	wantDenied(t, w.create(t, "{netmode.io/mode: hostnetwork}", "{}", ""), workloadsEntry,
		`metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy `+denies+` allows headless`+chooseAnother)
	if a := w.create(t, "{}", "{}", ""); a.err != nil {
		t.Fatal(a.err)
	}
	wantDenied(t, w.merge(t, "spec: {template: {metadata: {annotations: {netmode.io/mode: hostnetwork}}}}"), workloadsEntry,
		`spec.template.metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy `+denies+` allows headless`+chooseAnother)
	w.wantTemplate(t, w.annotate(t, "netmode.io/mode: default"), "{netmode.io/mode: default, "+copiedMode+"}")
}
