package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFromEnv(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want Options
		err  string
	}{
		"nothing":    {nil, Options{}, ""},
		"all":        {map[string]string{"CLUSTER_NAME": "try", "NODES": "1", "NODE_IMAGE": "mine:1", "ENGINE": "podman", "KEEP": "1"}, Options{Name: "try", Nodes: 1, Image: "mine:1", Engine: "podman", Keep: true}, ""},
		"two nodes":  {map[string]string{"NODES": "2", "KEEP": "0"}, Options{Nodes: 2}, ""},
		"many nodes": {map[string]string{"NODES": "3"}, Options{}, "NODES=3 is not possible: use NODES=1 or NODES=2"},
		"no number":  {map[string]string{"NODES": "two"}, Options{}, "NODES=two is not possible: use NODES=1 or NODES=2"},
		"keep maybe": {map[string]string{"KEEP": "yes"}, Options{}, "KEEP=yes is neither yes nor no: use KEEP=1, or leave it out"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := FromEnv(func(key string) string { return test.env[key] })
			if errorText(err) != test.err {
				t.Fatalf("have %v, want %q", err, test.err)
			}
			w := test.want
			if err == nil && (got.Name != w.Name || got.Nodes != w.Nodes || got.Image != w.Image || got.Engine != w.Engine || got.Keep != w.Keep) {
				t.Errorf("have %+v, want %+v", got, w)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	o, err := Options{}.complete()
	if err != nil || o.Name != "netmode" || o.context() != "kind-netmode" || o.getenv == nil || o.runner == nil {
		t.Errorf("have %+v, %v", o, err)
	}
	for name, want := range map[string]string{
		"UPPER":                 `cluster name "UPPER": want at most 49 lower-case letters, digits and hyphens`,
		"-a":                    `cluster name "-a": want at most 49 lower-case letters, digits and hyphens`,
		"../x":                  `cluster name "../x": want at most 49 lower-case letters, digits and hyphens`,
		strings.Repeat("a", 50): `cluster name "` + strings.Repeat("a", 50) + `": want at most 49 lower-case letters, digits and hyphens`,
	} {
		if _, err := (Options{Name: name}).complete(); errorText(err) != want {
			t.Errorf("%s: have %v", name, err)
		}
	}
	for _, nodes := range []int{-1, 3} {
		if _, err := (Options{Nodes: nodes}).complete(); !strings.HasSuffix(errorText(err), "nodes are not possible: ask for 1 or 2") {
			t.Errorf("%d nodes: have %v", nodes, err)
		}
	}
}

func TestTarget(t *testing.T) {
	if got := again("netmode"); got != "make cluster-down && make cluster" {
		t.Errorf("have %s", got)
	}
	if got := again("try"); got != "make cluster-down CLUSTER_NAME=try && make cluster CLUSTER_NAME=try" {
		t.Errorf("have %s", got)
	}
}

func TestNodesFor(t *testing.T) {
	const gib = 1 << 30
	for _, test := range []struct {
		cpus   int
		memory uint64
		want   int
	}{{2, 6 * gib, 2}, {16, 64 * gib, 2}, {1, 64 * gib, 1}, {2, 6*gib - 1, 1}, {0, 0, 1}} {
		if got := nodesFor(test.cpus, test.memory); got != test.want {
			t.Errorf("%d CPUs, %d bytes: have %d, want %d", test.cpus, test.memory, got, test.want)
		}
	}
	if got := machineNodes(); got != 1 && got != 2 {
		t.Errorf("this machine: have %d", got)
	}
}

func TestExplain(t *testing.T) {
	if got := explain(errors.New("exit status 126"), "listen tcp 127.0.0.1:6443: bind: address already in use"); !strings.HasPrefix(errorText(got), "a port that the cluster publishes is taken: ") {
		t.Errorf("have %v", got)
	}
	if got := explain(context.Canceled, "address already in use"); !errors.Is(got, context.Canceled) || got.Error() != context.Canceled.Error() {
		t.Errorf("have %v, want the cancellation as it is", got)
	}
}
