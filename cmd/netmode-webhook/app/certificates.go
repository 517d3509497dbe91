package app

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// certificatesOptions are the flags of netmode-webhook certificates.
type certificatesOptions struct {
	controller certs.ControllerConfig
}

func newCertificatesCommand(logTo io.Writer) *cobra.Command {
	o := &certificatesOptions{
		controller: certs.ControllerConfig{ //nolint:gosec // G101: names
			Namespace:             flags.DefaultNamespace,
			Secret:                "netmode-webhook-tls",
			Service:               "netmode-webhook",
			WebhookConfigurations: []string{"netmode"},
			CALifetime:            certs.DefaultCALifetime,
			LeafLifetime:          certs.DefaultLeafLifetime,
		},
	}
	return newControllerCommand(&cobra.Command{
		Use:   "certificates",
		Short: "Make and renew the webhook's certificates in the cluster",
		Long: `netmode-webhook certificates fills the Secret that the webhook's pods mount
(tls.crt, tls.key, ca.crt), a second Secret with the CA's private key (its name
ends in -ca; mount it nowhere), and the caBundle of the webhook configurations.
Both Secrets come with the manifests, empty: it makes none.

It renews CA and certificate after two thirds of their life. A new CA is in every
caBundle for 90 seconds before its first certificate is served, and the old CA
stays until its last certificate has expired. Empty a Secret, and it is filled
again; delete it, and apply the manifests again. Any number may run at once; one
is enough.

Not for a cluster where cert-manager does this.`,
	}, o, logTo)
}

func (o *certificatesOptions) addFlags(fs *pflag.FlagSet) {
	k := &o.controller
	fs.StringVar(&k.Namespace, "namespace", k.Namespace, "namespace of the Secrets and of the webhook's Service")
	fs.StringVar(&k.Secret, "secret", k.Secret,
		"Secret for the webhook's pods to mount; the CA's private key is in the Secret with -ca after this name")
	fs.StringVar(&k.Service, "service", k.Service, "the webhook's Service; the certificate bears its DNS names")
	fs.StringSliceVar(&k.WebhookConfigurations, "webhook-configuration", k.WebhookConfigurations,
		"names of the MutatingWebhookConfigurations to keep the caBundle of, where they call the Service; may be repeated")
	fs.DurationVar(&k.CALifetime, "ca-lifetime", k.CALifetime,
		"how long a new CA is valid; at least three times --leaf-lifetime")
	fs.DurationVar(&k.LeafLifetime, "leaf-lifetime", k.LeafLifetime,
		fmt.Sprintf("how long a new serving certificate is valid; at least %s", certs.MinLeafLifetime))
}

func (o *certificatesOptions) validate() error {
	var errs []error
	k := &o.controller
	name := func(flag, value string, check func(string) []string) {
		if problems := check(value); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("%s %q: not a name in Kubernetes: %s", flag, value, problems[0]))
		}
	}
	name("--namespace", k.Namespace, validation.IsDNS1123Label)
	name("--service", k.Service, validation.IsDNS1123Label)
	name("--secret", k.Secret, validation.IsDNS1123Subdomain)
	if limit := validation.DNS1123SubdomainMaxLength; len(k.Secret) <= limit && len(k.AuthoritySecret()) > limit {
		errs = append(errs, fmt.Errorf("--secret %q: with -ca after it, it is longer than %d characters: choose a shorter name", k.Secret, limit))
	}
	if len(k.WebhookConfigurations) == 0 {
		errs = append(errs, errors.New("--webhook-configuration is empty: name the webhook configurations that call the Service"))
	}
	for i, configuration := range k.WebhookConfigurations {
		name("--webhook-configuration", configuration, validation.IsDNS1123Subdomain)
		if slices.Contains(k.WebhookConfigurations[:i], configuration) {
			errs = append(errs, fmt.Errorf("--webhook-configuration %q: given twice: once is enough", configuration))
		}
	}
	if k.LeafLifetime < certs.MinLeafLifetime {
		errs = append(errs, fmt.Errorf("--leaf-lifetime %s: pods could not follow: give at least %s", k.LeafLifetime, certs.MinLeafLifetime))
	}
	if k.CALifetime/3 < k.LeafLifetime {
		errs = append(errs, fmt.Errorf("--ca-lifetime %s: a certificate of %s could outlive it: give at least three times --leaf-lifetime", k.CALifetime, k.LeafLifetime))
	}
	return errors.Join(errs...)
}

func (o *certificatesOptions) newController(client kubernetes.Interface, _ dynamic.Interface, log logr.Logger) (controller, metrics.Registry, error) {
	m := newCertificatesMetrics()
	return certs.NewController(client, o.controller, m.hooks(), log), m.Registry, nil
}

func (o *certificatesOptions) logValues() []any {
	k := &o.controller
	return []any{"namespace", k.Namespace, "secret", k.Secret, "service", k.Service, "webhookConfigurations", k.WebhookConfigurations}
}
