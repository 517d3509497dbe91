package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDecide(t *testing.T) {
	const image = "localhost/netmode/kind-node:v1"
	two := []container{{"netmode-control-plane", "running"}, {"netmode-worker", "running"}}
	ready := &state{Image: image, Nodes: 2, Ready: true}
	tests := map[string]struct {
		state      *state
		containers []container
		image      string
		nodes      int
		want       action
		why        string
	}{
		"nothing":            {nil, nil, "", 0, create, ""},
		"its nodes are gone": {ready, nil, "", 0, replace, "0 of its 2 nodes are left"},
		"somebody else's":    {nil, two, "", 0, refuse, "there is a kind cluster netmode that make cluster did not make: kind delete cluster --name netmode, or podman rm -f -v netmode-control-plane netmode-worker"},
		"healthy":            {ready, two, "", 0, reuse, ""},
		"healthy and asked":  {ready, two, image, 2, reuse, ""},
		"never finished":     {&state{Nodes: 2}, two, "", 0, replace, "it was never finished"},
		"a node is gone":     {ready, two[:1], "", 0, replace, "1 of its 2 nodes are left"},
		"a node has stopped": {ready, []container{two[0], {"netmode-worker", "exited"}}, "", 0, replace, "node netmode-worker is exited"},
		"broken and other":   {ready, two[:1], "other:1", 1, replace, "1 of its 2 nodes are left"},
		"other number":       {ready, two, "", 1, refuse, "the cluster netmode has 2 nodes, not 1: make cluster-down && make cluster"},
		"other image":        {ready, two, "other:1", 0, refuse, "the cluster netmode runs the node image " + image + ", not other:1: make cluster-down && make cluster"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, why := decide(Options{Name: "netmode", Image: test.image, Nodes: test.nodes}, "podman", test.state, test.containers)
			if got != test.want || why != test.why {
				t.Errorf("have %s, %q; want %s, %q", got, why, test.want, test.why)
			}
		})
	}
}

func TestState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clusters", "netmode")
	if s, err := readState(dir); s != nil || err != nil {
		t.Errorf("no state: have %v, %v", s, err)
	}
	want := state{Engine: "podman", Image: "image:1", Nodes: 2, MadeKubeconfig: "/home/me/.kube/config", Ready: true}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	if s, err := readState(dir); err != nil || *s != want {
		t.Errorf("have %+v, %v; want %+v", s, err, want)
	}
	if err := os.WriteFile(statePath(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readState(dir); !strings.HasPrefix(errorText(err), statePath(dir)+" is damaged: remove it: rm "+statePath(dir)) {
		t.Errorf("damaged state: have %v", err)
	}
}
