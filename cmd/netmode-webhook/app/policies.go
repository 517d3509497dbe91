package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/options"
)

// policiesOptions are the flags of netmode-webhook policies.
type policiesOptions struct {
	keeperOptions

	ownNamespace       string
	excludedNamespaces []string
}

func newPoliciesCommand(logTo io.Writer) *cobra.Command {
	o := &policiesOptions{keeperOptions: newKeeperOptions(), ownNamespace: options.DefaultNamespace}
	return newKeeperCommand(&cobra.Command{
		Use:   "policies",
		Short: "Write the status of NetworkModePolicies in the cluster",
		Long: `netmode-webhook policies keeps the status of every NetworkModePolicy: how many
namespaces it selects, which of them lack the label that sends their pods to
netmode, whether another policy overrides or refuses its defaultMode (condition
Effective), and whether it and another allow no mode in common (condition Conflict).

No decision depends on it. Any number may run at once; one is enough.`,
	}, o, logTo)
}

func (o *policiesOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ownNamespace, "own-namespace", o.ownNamespace, "netmode's own namespace, in which, as in kube-system, no policy holds")
	fs.StringSliceVar(&o.excludedNamespaces, "excluded-namespaces", o.excludedNamespaces,
		"other namespaces that the webhook configurations exclude, so that no policy holds there")
	o.keeperOptions.addFlags(fs)
}

// validate names the flag, the value and the cure of everything that is wrong.
func (o *policiesOptions) validate() error {
	var errs []error
	name := func(flag, value string) {
		if problems := validation.IsDNS1123Label(value); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("%s %q: not the name of a namespace: %s", flag, value, problems[0]))
		}
	}
	name("--own-namespace", o.ownNamespace)
	for _, excluded := range o.excludedNamespaces {
		name("--excluded-namespaces", excluded)
	}
	return errors.Join(append(errs, o.keeperOptions.validate())...)
}

func (o *policiesOptions) run(ctx context.Context, logTo io.Writer) error {
	log, config, err := o.connect(logTo, "netmode-webhook-policies")
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
	exempt := append([]string{metav1.NamespaceSystem, o.ownNamespace}, o.excludedNamespaces...)
	keeper, err := cluster.NewStatusKeeper(client, dynamic, exempt, m.observer(), log)
	if err != nil {
		return err
	}
	return o.keep(ctx, keeper, "statuses", m.handler(), log, "keeping statuses of policies")
}
