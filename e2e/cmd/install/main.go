// Install puts netmode into the kind cluster that make cluster made, as deploy/kustomize/base
// ships it, and waits until it works.
//
//	install          with the released image, which the nodes pull
//	install IMAGE    with this image of the container engine, which is loaded to the nodes
//
// Environment: as for cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/netmode-io/netmode/e2e/cluster"
	"github.com/netmode-io/netmode/e2e/install"
	"github.com/netmode-io/netmode/e2e/progress"
)

// timeout is for loading the image, the first certificate and both pods, on a busy machine.
const timeout = 4 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1) //nolint:forbidigo // a main turns an error into an exit code
	}
}

// run is the program without its process.
func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	if len(args) > 1 {
		return errors.New("too many arguments: usage: install [IMAGE]")
	}
	path, err := base()
	if err != nil {
		return err
	}
	var changes install.Options
	if len(args) == 1 {
		changes.Image = args[0]
		// Before the cluster is looked for: a bad name is the nearer mistake.
		if _, err := install.Render(path, changes); err != nil {
			return err
		}
	}
	where, err := cluster.FromEnv(getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not installed within %s", timeout))
	defer cancel()
	c, err := cluster.Open(ctx, where)
	if err != nil {
		return err
	}
	if err := install.Into(ctx, c, path, changes, stderr); err != nil {
		return err
	}
	progress.New(stderr, "install").Say("netmode is up: kubectl --context %s -n netmode-system get pods", c.Context)
	return nil
}

// base finds the manifests from the folder of the module or of a package in it.
func base() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, "deploy", "kustomize", "base")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("deploy/kustomize/base is neither in %s nor above it: run make install in netmode's folder", dir)
		}
	}
}
