package app

import (
	"errors"
	"io"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/metrics"
	"github.com/netmode-io/netmode/pkg/policy"
)

// policiesOptions are the flags of netmode-webhook policies.
type policiesOptions struct {
	ownNamespace       string
	excludedNamespaces []string
	systemNamespaces   []string
	observeOnly        bool
}

func newPoliciesCommand(logTo io.Writer) *cobra.Command {
	o := &policiesOptions{ownNamespace: flags.DefaultNamespace}
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
}

func (o *policiesOptions) validate() error {
	return errors.Join(
		flags.CheckNamespaces("--own-namespace", o.ownNamespace),
		flags.CheckNamespaces("--excluded-namespaces", o.excludedNamespaces...),
		flags.CheckNamespaces("--system-namespaces", o.systemNamespaces...),
	)
}

func (o *policiesOptions) newController(client kubernetes.Interface, dynamicClient dynamic.Interface, log logr.Logger) (controller, metrics.Registry, error) {
	m := newPoliciesMetrics()
	k, err := cluster.NewPolicyController(client, dynamicClient, policy.AdmissionSettings{
		ExemptNamespaces: append([]string{metav1.NamespaceSystem, o.ownNamespace}, o.excludedNamespaces...),
		SystemNamespaces: o.systemNamespaces,
		ObserveOnly:      o.observeOnly,
	}, m.hooks(), log)
	return k, m.Registry, err
}

func (o *policiesOptions) logValues() []any { return []any{"observeOnly", o.observeOnly} }
