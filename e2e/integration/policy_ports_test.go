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
	const asked = "{netmode.io/mode: hostnetwork}"
	for _, tt := range []struct {
		what, annotations, spec string
		refused                 bool
	}{
		{"asked for, without", asked, "containers: [{name: c, image: i}]", true},
		{"asked for, with", asked, "containers: [{name: c, image: i, " + port + "}]", false},
		{"asked for, in an init container", asked, "initContainers: [{name: init, image: i, " + port + "}], containers: [{name: c, image: i}]", true},
		{"asked for, in a sidecar", asked, "initContainers: [{name: init, image: i, restartPolicy: Always, " + port + "}], containers: [{name: c, image: i}]", false},
		{"by hand, without", "null", "hostNetwork: true, containers: [{name: c, image: i}]", true},
		{"by hand, with", "null", "hostNetwork: true, containers: [{name: c, image: i, " + port + "}]", false},
		{"elsewhere, without", "null", "containers: [{name: c, image: i}]", false},
	} {
		a := p.post(t, fmt.Sprintf("{metadata: {name: %s, annotations: %s}, spec: {%s}}", strings.NewReplacer(" ", "-", ",", "").Replace(tt.what), tt.annotations, tt.spec))
		if !tt.refused {
			stored[corev1.Pod](t, a)
			continue
		}
		wantForbidden(t, a, forPods(name), refusal)
	}
}
