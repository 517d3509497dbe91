package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/version"
)

// controllerOptions are the flags that the programs share which keep something in
// order beside the webhook.
type controllerOptions struct {
	kubeconfig string
	opsListen  string
	logging    *flags.Logging
}

func newControllerOptions() controllerOptions {
	return controllerOptions{opsListen: ":8080", logging: flags.NewLogging()}
}

func (o *controllerOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.kubeconfig, "kubeconfig", o.kubeconfig, "kubeconfig file, to run outside the cluster (default: the pod's ServiceAccount)")
	fs.StringVar(&o.opsListen, "ops-listen", o.opsListen, "address for /livez, /readyz and /metrics, over plain HTTP; port 0 takes a free one")
	o.logging.AddFlags(fs)
}

// validate names the flag, the value and the cure of what is wrong.
func (o *controllerOptions) validate() error {
	if _, _, err := net.SplitHostPort(o.opsListen); err != nil {
		return fmt.Errorf("--ops-listen %q: not HOST:PORT: write for example 127.0.0.1:8080 or :8080", o.opsListen)
	}
	return nil
}

// controllerProgram is such a program, with all of its flags.
type controllerProgram interface {
	addFlags(*pflag.FlagSet)
	validate() error
	run(ctx context.Context, logTo io.Writer) error
}

// newControllerCommand fills in cmd, which has its texts.
func newControllerCommand(cmd *cobra.Command, o controllerProgram, logTo io.Writer) *cobra.Command {
	cmd.Args, cmd.SilenceErrors, cmd.SilenceUsage = cobra.NoArgs, true, true
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.validate(); err != nil {
			return err
		}
		return o.run(cmd.Context(), logTo)
	}
	cmd.Flags().SortFlags = false
	o.addFlags(cmd.Flags())
	return cmd
}

// connect says where the program logs to, and how it reaches the API server.
func (o *controllerOptions) connect(logTo io.Writer, program string) (logr.Logger, *rest.Config, error) {
	log, err := o.logging.New(logTo)
	if err != nil {
		return logr.Logger{}, nil, err
	}
	routeKlog(log)
	config, err := clientConfig(o.kubeconfig, program, log)
	return log, config, err
}

// controller keeps something in order until ctx ends.
type controller interface {
	Run(ctx context.Context)
	// Ready says whether all is in order.
	Ready() bool
}

// keep runs the controller, and serves its health and metrics, until ctx ends. It
// logs started, with the values. What /readyz is told about is not in order.
func (o *controllerOptions) keep(ctx context.Context, k controller, what string, metrics http.Handler, log logr.Logger, started string, values ...any) error {
	ops, err := listenOps(ctx, o.opsListen, k.Ready, "starting, or the "+what+" are not in order", metrics, log)
	if err != nil {
		return err
	}
	log.Info(started, append([]any{"version", version.Version, "ops", ops.addr().String()}, values...)...)

	// The context of watches has no logger: they log as the whole process does.
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var keeping sync.WaitGroup
	keeping.Go(func() { k.Run(watch) })
	err = ops.run(ctx)
	stop()
	keeping.Wait()
	log.Info("stopped")
	return err
}
