package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/metrics"
	"github.com/netmode-io/netmode/pkg/server"
	"github.com/netmode-io/netmode/pkg/version"
)

// controller keeps something in order until ctx ends.
type controller interface {
	Run(ctx context.Context)
	// Ready says whether all is in order.
	Ready() bool
}

// controllerProgram is what commands that run a controller do not share.
type controllerProgram interface {
	addFlags(*pflag.FlagSet)
	// validate names the flag, the value and the cure of everything that is wrong.
	validate() error
	newController(kubernetes.Interface, dynamic.Interface, logr.Logger) (controller, metrics.Registry, error)
	// logValues are logged at the start.
	logValues() []any
}

// controllerOptions are the flags that all of them have.
type controllerOptions struct {
	kubeconfig string
	opsListen  string
	logging    *flags.Logging
}

// newControllerCommand fills in cmd, which has its texts, and whose name is that
// of what the controller keeps in order.
func newControllerCommand(cmd *cobra.Command, program controllerProgram, logTo io.Writer) *cobra.Command {
	o := controllerOptions{opsListen: ":8080", logging: flags.NewLogging()}
	cmd.Args, cmd.SilenceErrors, cmd.SilenceUsage = cobra.NoArgs, true, true
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := errors.Join(program.validate(), o.validate()); err != nil {
			return err
		}
		return o.run(cmd.Context(), cmd.Name(), program, logTo)
	}
	cmd.Flags().SortFlags = false
	program.addFlags(cmd.Flags())
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *controllerOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.kubeconfig, "kubeconfig", o.kubeconfig, "kubeconfig file, to run outside the cluster (default: the pod's ServiceAccount)")
	fs.StringVar(&o.opsListen, "ops-listen", o.opsListen, "address for /livez, /readyz and /metrics, over plain HTTP; port 0 takes a free one")
	o.logging.AddFlags(fs)
}

func (o *controllerOptions) validate() error {
	if _, _, err := net.SplitHostPort(o.opsListen); err != nil {
		return fmt.Errorf("--ops-listen %q: not HOST:PORT: write for example 127.0.0.1:8080 or :8080", o.opsListen)
	}
	return nil
}

// run runs the controller, and serves its health and metrics, until ctx ends.
func (o *controllerOptions) run(ctx context.Context, name string, program controllerProgram, logTo io.Writer) error {
	log, err := o.logging.New(logTo)
	if err != nil {
		return err
	}
	routeKlog(log)
	client, dynamicClient, err := connect(o.kubeconfig, "netmode-webhook-"+name, log)
	if err != nil {
		return err
	}
	k, m, err := program.newController(client, dynamicClient, log)
	if err != nil {
		return err
	}
	ops, err := server.ListenOps(ctx, o.opsListen, func() string {
		if k.Ready() {
			return ""
		}
		return "starting, or the " + name + " are not in order; the log says why"
	}, m.Handler(), log)
	if err != nil {
		return err
	}
	log.Info("keeping "+name, append([]any{"version", version.Version, "ops", ops.Addr().String()}, program.logValues()...)...)
	err = runWith(ctx, ops.Run, k.Run)
	log.Info("stopped")
	return err
}

// runWith runs main, and others beside it until main has ended. What watches the
// API server must be among the others: their context has no logger, so that they
// log as the whole process does.
func runWith(ctx context.Context, main func(context.Context) error, others ...func(context.Context)) error {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	for _, other := range others {
		running.Go(func() { other(beside) })
	}
	err := main(ctx)
	stop()
	running.Wait()
	return err
}
