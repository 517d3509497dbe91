package integration

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/plan"
)

// TestDeclaredPorts: under requireDeclaredPorts a pod on the host network declares a port, whoever
// put it there. A port of an init container that ends does not count.
func TestDeclaredPorts(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "ports", `{hostNetwork: {requireDeclaredPorts: true}}`)
	refusal := "spec.containers: Required value: policy " + name + " requires that pods on the host network declare their ports: " +
		plan.PolicyPortsUndeclared.Doc().Cure + " (PolicyPortsUndeclared)"
	const port = "ports: [{containerPort: 20000}]"
	const asked, final = "{netmode.io/mode: hostnetwork}", "asked.validate.netmode.io"
	for _, tt := range []struct {
		what, annotations, spec string
		entry                   string // that refuses it
	}{
		{"asked for, without", asked, "containers: [{name: c, image: i}]", final},
		{"asked for, with", asked, "containers: [{name: c, image: i, " + port + "}]", ""},
		{"asked for, in an init container", asked, "initContainers: [{name: init, image: i, " + port + "}], containers: [{name: c, image: i}]", final},
		{"asked for, in a sidecar", asked, "initContainers: [{name: init, image: i, restartPolicy: Always, " + port + "}], containers: [{name: c, image: i}]", ""},
		{"by hand, without", "null", "hostNetwork: true, containers: [{name: c, image: i}]", "policy.validate.netmode.io"},
		{"by hand, with", "null", "hostNetwork: true, containers: [{name: c, image: i, " + port + "}]", ""},
		{"elsewhere, without", "null", "containers: [{name: c, image: i}]", ""},
	} {
		a := p.post(t, fmt.Sprintf("{metadata: {name: %s, annotations: %s}, spec: {%s}}", strings.NewReplacer(" ", "-", ",", "").Replace(tt.what), tt.annotations, tt.spec))
		if tt.entry == "" {
			stored[corev1.Pod](t, a)
			continue
		}
		wantDenied(t, a, tt.entry, refusal)
	}
}
