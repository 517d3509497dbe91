package cluster

import (
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	const running = "try-control-plane running\n"
	tests := map[string]struct {
		state *state
		ps    string
		nodes int
		want  string
	}{
		"no state":       {nil, running, 0, "there is no cluster try: make cluster CLUSTER_NAME=try"},
		"never finished": {&state{Engine: "docker", Nodes: 1}, running, 0, "the cluster try cannot be used: it was never finished: make cluster CLUSTER_NAME=try"},
		"gone":           {&state{Engine: "docker", Nodes: 1, Ready: true}, "", 0, "the cluster try cannot be used: 0 of its 1 nodes are left: make cluster CLUSTER_NAME=try"},
		"stopped": {
			&state{Engine: "docker", Nodes: 1, Ready: true}, "try-control-plane exited\n", 0,
			"the cluster try cannot be used: node try-control-plane is exited: make cluster CLUSTER_NAME=try",
		},
		"other number": {
			&state{Engine: "docker", Nodes: 1, Ready: true}, running, 2,
			"the cluster try has 1 nodes, not 2: make cluster-down CLUSTER_NAME=try && make cluster CLUSTER_NAME=try",
		},
		"other engine": {
			&state{Engine: "podman", Nodes: 1, Ready: true}, running, 0,
			"the cluster try runs on podman, not docker: make cluster-down CLUSTER_NAME=try && make cluster CLUSTER_NAME=try",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := fakeOptions(t, fakeDocker{"ps": test.ps}, &strings.Builder{})
			o.Name, o.Nodes = "try", test.nodes
			writeState(t, o, test.state)
			if _, err := Open(t.Context(), o); errorText(err) != test.want {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
	}
}
