// Cluster makes and removes the kind cluster of the end-to-end tests.
//
//	cluster up                  make the cluster netmode, or use the one that is there
//	cluster down                remove it and all that belongs to it
//	cluster binaries [NAME]...  build programs of Kubernetes, print their folder
//
// Environment: CLUSTER_NAME, NODES=1|2, NODE_IMAGE, ENGINE=docker|podman, KEEP=1, DEBIAN_MIRROR, KUBECONFIG,
// XDG_CACHE_HOME.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/netmode-io/netmode/e2e/cluster"
	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1) //nolint:forbidigo // a main turns an error into an exit code
	}
}

// run is the program without its process: results go to stdout, progress to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	const usage = "usage: cluster up|down|binaries [NAME]..."
	if len(args) == 0 {
		return fmt.Errorf("no command given: %s", usage)
	}
	options, err := cluster.FromEnv(getenv)
	if err != nil {
		return err
	}
	options.Progress = stderr
	switch verb := args[0]; {
	case verb == "binaries":
		return binaries(ctx, args[1:], getenv, stdout, stderr)
	case len(args) > 1:
		return fmt.Errorf("%s takes no argument, have %q: %s", verb, args[1], usage)
	case verb == "up":
		if _, err := cluster.Up(ctx, options); err != nil {
			return err
		}
		return withoutKubectl(stderr)
	case verb == "down":
		return cluster.Down(ctx, options)
	default:
		return fmt.Errorf("unknown command %q: %s", verb, usage)
	}
}

// withoutKubectl says where one is, if the PATH has none.
func withoutKubectl(stderr io.Writer) error {
	if _, err := exec.LookPath("kubectl"); err == nil {
		return nil
	}
	_, err := fmt.Fprintln(stderr, "cluster: kubectl is not on the PATH: export PATH=$PATH:$(go -C e2e run ./cmd/cluster binaries kubectl)")
	return err
}

func binaries(ctx context.Context, names []string, getenv func(string) string, stdout, stderr io.Writer) error {
	builder, err := nodeimage.New(command.Local{}, progress.New(stderr, "cluster"), getenv)
	if err != nil {
		return err
	}
	dir, err := builder.Binaries(ctx, names...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, dir)
	return err
}
