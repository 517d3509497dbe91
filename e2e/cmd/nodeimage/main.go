// Nodeimage makes a kind node image for the container engine, with no registry if need be, and
// prints its name.
//
// Environment: ENGINE=docker|podman, NODE_IMAGE, DEBIAN_MIRROR, XDG_CACHE_HOME.
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

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/engine"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "nodeimage:", err)
		os.Exit(1) //nolint:forbidigo // a main turns an error into an exit code
	}
}

// run is the program without its process: the name goes to stdout, progress to stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		return errors.New("too many arguments: usage: nodeimage")
	}
	cache, err := nodeimage.CacheDir(getenv)
	if err != nil {
		return err
	}
	builder, err := nodeimage.New(command.Local{}, progress.New(stderr, "nodeimage"), getenv)
	if err != nil {
		return err
	}
	// The engine's settings must stay as long as a container that is started under them.
	e, err := engine.Find(ctx, command.Local{}, getenv("ENGINE"), filepath.Join(cache, "nodeimage"))
	if err != nil {
		return err
	}
	name, err := builder.NodeImage(ctx, e, getenv("NODE_IMAGE"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, name)
	return err
}
