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
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/policy"
)

// policiesOptions are the flags of netmode-webhook policies.
type policiesOptions struct {
	controllerOptions

	ownNamespace       string
	excludedNamespaces []string
	systemNamespaces   []string
	observeOnly        bool
}

func newPoliciesCommand(logTo io.Writer) *cobra.Command {
	o := &policiesOptions{controllerOptions: newControllerOptions(), ownNamespace: flags.DefaultNamespace}
	return newControllerCommand(&cobra.Command{
		Use:   "policies",
		Short: "Have the API server enforce NetworkModePolicies, and write their status",
		Long: `netmode-webhook policies keeps, for every NetworkModePolicy, the
ValidatingAdmissionPolicies and bindings by which the API server itself enforces
what the policy forbids, and puts right what others change in them. They belong to
the policy and go with it.

It also keeps the policy's status: whether it is enforced (condition Enforced), how
many namespaces it selects, which of them lack the label for what it gives, whether
another policy overrides or refuses its defaultMode (condition Effective), and
whether it and another allow no mode in common (condition Conflict).

What is enforced stays so while it does not run. Any number may run at once; one is
enough.`,
	}, o, logTo)
}

func (o *policiesOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ownNamespace, "own-namespace", o.ownNamespace, "netmode's own namespace, in which, as in kube-system, no policy holds")
	fs.StringSliceVar(&o.excludedNamespaces, "excluded-namespaces", o.excludedNamespaces,
		"other namespaces in which no policy holds, and which the webhook configuration excludes")
	fs.StringSliceVar(&o.systemNamespaces, "system-namespaces", o.systemNamespaces,
		"namespaces of what nodes need, such as a CNI's: there, policies let pods of a system-critical priority class pass")
	fs.BoolVar(&o.observeOnly, "observe-only", o.observeOnly, "have policies refuse nothing and warn nobody: what breaks them is in the audit log")
	o.controllerOptions.addFlags(fs)
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
	for _, system := range o.systemNamespaces {
		name("--system-namespaces", system)
	}
	return errors.Join(append(errs, o.controllerOptions.validate())...)
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
	controller, err := cluster.NewPolicyController(client, dynamic, policy.AdmissionSettings{
		ExemptNamespaces: append([]string{metav1.NamespaceSystem, o.ownNamespace}, o.excludedNamespaces...),
		SystemNamespaces: o.systemNamespaces,
		ObserveOnly:      o.observeOnly,
	}, m.hooks(), log)
	if err != nil {
		return err
	}
	return o.keep(ctx, controller, "policies", m.Handler(), log, "keeping policies", "observeOnly", o.observeOnly)
}
