// Package flags holds the flags that the webhook and the CLI share, and
// turns them into what other packages take.
package flags

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/version"
)

// DefaultNamespace is where netmode runs unless a flag says otherwise.
const DefaultNamespace = "netmode-system"

// Decision are the flags that decisions depend on.
type Decision struct {
	ClusterDNS    []string
	ClusterDomain string
	ResolvConf    string
	OwnNamespace  string
	// SystemNamespaces are engine.Settings'.
	SystemNamespaces []string
	// InCluster says that ResolvConf is netmode's own pod's: it must then name
	// OwnNamespace, and not just any.
	InCluster bool

	InitImage       string
	InitPullPolicy  string
	InitPullSecrets []string
}

// NewDecision returns the defaults. resolvConf is where the cluster's DNS is
// discovered unless a flag says otherwise; "" discovers nothing.
func NewDecision(resolvConf string) *Decision {
	return &Decision{
		ResolvConf:   resolvConf,
		OwnNamespace: DefaultNamespace,
		InitImage:    "ghcr.io/netmode-io/netmode:" + version.Version,
	}
}

// AddFlags adds the flags to fs.
func (d *Decision) AddFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&d.ClusterDNS, "cluster-dns", d.ClusterDNS,
		"IP addresses of the cluster's DNS, as pods have them in resolv.conf; at most three. Needed, with --cluster-domain, for search-rewrite prepend")
	fs.StringVar(&d.ClusterDomain, "cluster-domain", d.ClusterDomain,
		"the cluster's DNS domain, such as cluster.local")
	fs.StringVar(&d.ResolvConf, "resolv-conf", d.ResolvConf,
		"resolv.conf of a pod with dnsPolicy ClusterFirst, to discover the cluster's DNS from; --cluster-dns and --cluster-domain go before it")
	fs.StringVar(&d.OwnNamespace, "own-namespace", d.OwnNamespace,
		"the namespace that netmode itself runs in; it is never touched")
	fs.StringSliceVar(&d.SystemNamespaces, "system-namespaces", d.SystemNamespaces,
		"namespaces of what nodes need, such as a CNI's: there, policies let pods of a system-critical priority class pass; kube-system is never touched at all")
	fs.StringVar(&d.InitImage, "init-image", d.InitImage,
		"image of netmode for the init container of search-rewrite init-container")
	fs.StringVar(&d.InitPullPolicy, "init-image-pull-policy", d.InitPullPolicy,
		"pull policy of that image: Always, IfNotPresent or Never (default: Kubernetes decides)")
	fs.StringSliceVar(&d.InitPullSecrets, "init-image-pull-secret", d.InitPullSecrets,
		"names of Secrets that pull that image; each namespace that needs one must have it")
}

// Args returns the flags as arguments, for a program that takes the same.
func (d *Decision) Args() []string {
	args := []string{"--own-namespace=" + d.OwnNamespace, "--init-image=" + d.InitImage}
	for flag, values := range map[string][]string{"--cluster-dns=": d.ClusterDNS, "--system-namespaces=": d.SystemNamespaces, "--init-image-pull-secret=": d.InitPullSecrets} {
		if len(values) > 0 {
			args = append(args, flag+strings.Join(values, ","))
		}
	}
	for flag, value := range map[string]string{"--cluster-domain=": d.ClusterDomain, "--resolv-conf=": d.ResolvConf, "--init-image-pull-policy=": d.InitPullPolicy} {
		if value != "" {
			args = append(args, flag+value)
		}
	}
	return args
}

// Settings checks the flags, reads --resolv-conf, and returns what decisions
// share, with notes for the log. A resolv.conf that is none of a cluster's pod
// is a note, not an error: it says nothing about the cluster.
func (d *Decision) Settings() (*engine.Settings, []string, error) {
	if err := d.validate(); err != nil {
		return nil, nil, err
	}
	facts, err := resolv.Declare(d.ClusterDNS, d.ClusterDomain)
	if err != nil {
		return nil, nil, fmt.Errorf("--cluster-dns, --cluster-domain: %w", err)
	}
	var notes []string
	if d.ResolvConf != "" {
		text, err := os.ReadFile(d.ResolvConf)
		if err != nil {
			return nil, nil, fmt.Errorf("--resolv-conf: %w: name a file that can be read, or leave the flag out", err)
		}
		namespace := ""
		if d.InCluster {
			namespace = d.OwnNamespace
		}
		discovered, err := resolv.Discover(text, namespace)
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s says nothing about the cluster's DNS: %v", d.ResolvConf, err))
		}
		notes = append(notes, discovered.Warnings...)
		facts = facts.Or(discovered)
	}
	return &engine.Settings{
		ExemptNamespaces: []string{"kube-system", d.OwnNamespace},
		SystemNamespaces: d.SystemNamespaces,
		Search: resolv.Settings{
			Facts:         facts,
			InitContainer: resolv.InitContainer{Image: d.InitImage, PullPolicy: d.InitPullPolicy, PullSecrets: d.InitPullSecrets},
		},
	}, notes, nil
}

// validate names the flag, the value and the cure of everything that is wrong
// with the names.
func (d *Decision) validate() error {
	errs := []error{
		CheckNamespaces("--own-namespace", d.OwnNamespace),
		CheckNamespaces("--system-namespaces", d.SystemNamespaces...),
	}
	if strings.ContainsAny(d.InitImage, " \t\r\n") {
		errs = append(errs, fmt.Errorf("--init-image %q: holds white space: give REGISTRY/NAME:TAG", d.InitImage))
	}
	if p := d.InitPullPolicy; p != "" && !slices.Contains([]string{"Always", "IfNotPresent", "Never"}, p) {
		errs = append(errs, fmt.Errorf("--init-image-pull-policy %q: use Always, IfNotPresent or Never", p))
	}
	for _, name := range d.InitPullSecrets {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("--init-image-pull-secret %q: not the name of a Secret: %s", name, problems[0]))
		}
	}
	return errors.Join(errs...)
}

// CheckNamespaces says which values of the flag are not names of namespaces.
func CheckNamespaces(flag string, names ...string) error {
	var errs []error
	for _, name := range names {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("%s %q: not the name of a namespace: %s", flag, name, problems[0]))
		}
	}
	return errors.Join(errs...)
}
