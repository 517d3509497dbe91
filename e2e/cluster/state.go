package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// state is what Up writes down for a later Up or Down: that the cluster is ours, and how it was
// made. Its folder, <cache>/clusters/<name>, also holds the settings that podman reads again
// when a node ends; it goes with the cluster.
type state struct {
	Engine string `json:"engine"`
	Image  string `json:"image"`
	Nodes  int    `json:"nodes"`
	// MadeKubeconfig is the kubeconfig file, if there was none before.
	MadeKubeconfig string `json:"madeKubeconfig,omitempty"`
	// MadeModules is the folder that kind mounts, if there was none before.
	MadeModules string `json:"madeModules,omitempty"`
	// Ready is written last: without it the cluster was never finished.
	Ready bool `json:"ready"`
}

func statePath(dir string) string { return filepath.Join(dir, "state.json") }

// readState returns nil if there is none: then no cluster of ours is here.
func readState(dir string) (*state, error) {
	content, err := os.ReadFile(statePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no state is an answer, not an error
	}
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(content, s); err != nil {
		return nil, fmt.Errorf("%s is damaged: remove it: rm %s (%w)", statePath(dir), statePath(dir), err)
	}
	return s, nil
}

// write replaces the file as a whole.
func (s *state) write(dir string) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	fresh := statePath(dir) + ".new"
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, statePath(dir))
}

// container is one node as the engine sees it.
type container struct{ Name, State string }

// action is what Up does about what is there.
type action string

const (
	create  action = "create"
	reuse   action = "reuse"
	replace action = "replace" // ours and broken: remove it, then create
	refuse  action = "refuse"
)

// decide looks at the state and the containers that carry the cluster's name in this engine. An
// asked image or number of nodes that is empty or zero fits any cluster. Its second result says
// why, with the cure if the action is refuse.
//
//	no containers, no state                   create
//	containers, no state                      refuse: somebody else made them
//	never finished, or a node gone or stopped replace
//	another image or number asked for         refuse: it may be in use
//	else                                      reuse
func decide(o Options, engine string, s *state, containers []container) (action, string) {
	switch {
	case len(containers) == 0 && s == nil:
		return create, ""
	case s == nil:
		names := make([]string, len(containers))
		for i, c := range containers {
			names[i] = c.Name
		}
		return refuse, fmt.Sprintf("there is a kind cluster %s that make cluster did not make: kind delete cluster --name %s, or %s rm -f -v %s",
			o.Name, o.Name, engine, strings.Join(names, " "))
	case !s.Ready:
		return replace, "it was never finished"
	case len(containers) != s.Nodes:
		return replace, fmt.Sprintf("%d of its %d nodes are left", len(containers), s.Nodes)
	}
	for _, c := range containers {
		if c.State != "running" {
			return replace, fmt.Sprintf("node %s is %s", c.Name, c.State)
		}
	}
	switch {
	case o.Nodes != 0 && o.Nodes != s.Nodes:
		return refuse, fmt.Sprintf("the cluster %s has %d nodes, not %d: %s", o.Name, s.Nodes, o.Nodes, again(o.Name))
	case o.Image != "" && o.Image != s.Image:
		return refuse, fmt.Sprintf("the cluster %s runs the node image %s, not %s: %s", o.Name, s.Image, o.Image, again(o.Name))
	}
	return reuse, ""
}
