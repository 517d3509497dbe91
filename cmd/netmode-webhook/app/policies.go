package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/options"
	"github.com/netmode-io/netmode/pkg/version"
)

// policiesOptions are the flags of netmode-webhook policies.
type policiesOptions struct {
	ownNamespace string
	kubeconfig   string
	opsListen    string
	logging      *options.Logging
}

func newPoliciesCommand(logTo io.Writer) *cobra.Command {
	o := &policiesOptions{ownNamespace: options.DefaultNamespace, opsListen: ":8080", logging: options.NewLogging()}
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "Write the status of NetworkModePolicies in the cluster",
		Long: `netmode-webhook policies keeps the status of every NetworkModePolicy: how many
namespaces it selects, which of them lack the label that sends their pods to
netmode, whether another policy overrides its defaultMode (condition Effective),
and whether it and another allow no mode in common (condition Conflict).

No decision depends on it. Any number may run at once; one is enough.`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), logTo)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *policiesOptions) addFlags(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringVar(&o.ownNamespace, "own-namespace", o.ownNamespace, "netmode's own namespace, in which, as in kube-system, no policy holds")
	fs.StringVar(&o.kubeconfig, "kubeconfig", o.kubeconfig, "kubeconfig file, to run outside the cluster (default: the pod's ServiceAccount)")
	fs.StringVar(&o.opsListen, "ops-listen", o.opsListen, "address for /livez, /readyz and /metrics, over plain HTTP; port 0 takes a free one")
	o.logging.AddFlags(fs)
}

// validate names the flag, the value and the cure of everything that is wrong.
func (o *policiesOptions) validate() error {
	var errs []error
	if problems := validation.IsDNS1123Label(o.ownNamespace); len(problems) > 0 {
		errs = append(errs, fmt.Errorf("--own-namespace %q: not the name of a namespace: %s", o.ownNamespace, problems[0]))
	}
	if _, _, err := net.SplitHostPort(o.opsListen); err != nil {
		errs = append(errs, fmt.Errorf("--ops-listen %q: not HOST:PORT: write for example 127.0.0.1:8080 or :8080", o.opsListen))
	}
	return errors.Join(errs...)
}

func (o *policiesOptions) run(ctx context.Context, logTo io.Writer) error {
	log, err := o.logging.New(logTo)
	if err != nil {
		return err
	}
	routeKlog(log)
	config, err := clientConfig(o.kubeconfig, "netmode-webhook-policies", log)
	if err != nil {
		return err
	}
	client, err := newClient(config)
	if err != nil {
		return err
	}
	dynamic, err := newDynamicClient(config)
	if err != nil {
		return err
	}
	m := newPoliciesMetrics()
	exempt := []string{metav1.NamespaceSystem, o.ownNamespace}
	keeper, err := cluster.NewStatusKeeper(client, dynamic, exempt, m.observer(), log)
	if err != nil {
		return err
	}
	ops, err := listenOps(ctx, o.opsListen, keeper.Ready, "starting, or the statuses are not in order", m.handler(), log)
	if err != nil {
		return err
	}
	log.Info("keeping statuses of policies", "version", version.Version, "ops", ops.addr().String())

	// The context of watches has no logger: they log as the whole process does.
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var keeping sync.WaitGroup
	keeping.Go(func() { keeper.Run(watch) })
	err = ops.run(ctx)
	stop()
	keeping.Wait()
	log.Info("stopped")
	return err
}
