// Package cluster makes a kind cluster for tests, and removes it.
//
// It runs under docker or podman, with the node image of package nodeimage. The context
// kind-<name> is merged into the user's kubeconfig, as kind itself does.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/engine"
)

// DefaultName is the cluster's name, and kind-netmode its context, unless Options say otherwise.
const DefaultName = "netmode"

// Options say which cluster is wanted. The zero value is a good choice.
type Options struct {
	Name       string    // "": DefaultName
	Nodes      int       // 1 or 2; 0: what the machine can carry
	Image      string    // the kind node image; "": pulled or built, see nodeimage
	Engine     string    // docker, podman or a path to one; "": the one that works
	Kubeconfig string    // "": $KUBECONFIG, else ~/.kube/config
	Keep       bool      // leave a cluster that could not be finished, to look at it
	Progress   io.Writer // a line for each step; nil: silence

	getenv func(string) string // nil: os.Getenv
	runner runner              // nil: command.Local
}

// runner runs a program.
type runner interface {
	Run(ctx context.Context, c command.Command) (string, error)
}

// FromEnv reads CLUSTER_NAME, NODES (1 or 2), NODE_IMAGE, ENGINE (docker or podman) and KEEP
// (1 or 0).
func FromEnv(getenv func(string) string) (Options, error) {
	o := Options{Name: getenv("CLUSTER_NAME"), Image: getenv("NODE_IMAGE"), Engine: getenv("ENGINE"), getenv: getenv}
	switch nodes := getenv("NODES"); nodes {
	case "":
	case "1", "2":
		o.Nodes, _ = strconv.Atoi(nodes)
	default:
		return o, fmt.Errorf("NODES=%s is not possible: use NODES=1 or NODES=2", nodes)
	}
	switch keep := getenv("KEEP"); keep {
	case "", "0":
	case "1":
		o.Keep = true
	default:
		return o, fmt.Errorf("KEEP=%s is neither yes nor no: use KEEP=1, or leave it out", keep)
	}
	return o, nil
}

// validName is what kind accepts, short enough for "<name>-control-plane" to be a hostname.
var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,47}[a-z0-9])?$`)

// complete fills in what the caller left out.
func (o Options) complete() (Options, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if !validName.MatchString(o.Name) {
		return o, fmt.Errorf("cluster name %q: want at most 49 lower-case letters, digits and hyphens", o.Name)
	}
	if o.Nodes < 0 || o.Nodes > 2 {
		return o, fmt.Errorf("%d nodes are not possible: ask for 1 or 2", o.Nodes)
	}
	if o.getenv == nil {
		o.getenv = os.Getenv
	}
	if o.runner == nil {
		o.runner = command.Local{}
	}
	return o, nil
}

// context is the cluster's name in a kubeconfig, network its name in the engine.
func (o Options) context() string { return "kind-" + o.Name }
func (o Options) network() string { return "kind-" + o.Name }

// target is the command line of a target of make, for the cluster of this name.
func target(what, name string) string {
	if name == DefaultName {
		return "make " + what
	}
	return "make " + what + " CLUSTER_NAME=" + name
}

// again is the command line that makes a cluster anew.
func again(name string) string {
	return target("cluster-down", name) + " && " + target("cluster", name)
}

// nodesFor is how many nodes a machine carries: tests across nodes need two, and two need 2 CPUs
// and 6 GiB.
func nodesFor(cpus int, memory uint64) int {
	if cpus >= 2 && memory >= 6<<30 {
		return 2
	}
	return 1
}

// machineNodes is nodesFor this machine.
func machineNodes() int {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 1
	}
	return nodesFor(runtime.NumCPU(), info.Totalram*uint64(info.Unit))
}

// explain puts the cure to an error that has a known one.
func explain(err error, output string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return engine.Explain(err, output)
}
