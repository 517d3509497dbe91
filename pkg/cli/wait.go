package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/dnswait"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// maxWaitNames are as many pods as an EndpointSlice has room for.
const maxWaitNames = 1000

// waitFlags are the flags of netmode wait.
type waitFlags struct {
	addresses  int
	timeout    time.Duration
	resolvConf string
}

func newWait(streams *Streams) *cobra.Command {
	flags := waitFlags{addresses: 1, timeout: api.DefaultWait, resolvConf: "/etc/resolv.conf"}
	cmd := &cobra.Command{
		Use:   "wait NAME...",
		Short: "Wait until names resolve in the cluster's DNS",
		Long: `wait ends when each NAME, an absolute one, has an address in DNS, or with
--addresses as many as that. A and AAAA addresses are counted apart and the larger
number counts, so that a pod with both families counts once. An init container of
netmode's image can hold a pod back so, until its peers, or itself, can be found.
It asks the nameservers of the resolv.conf itself: what /etc/hosts says does not
count. At the time-out it says who is missing, and the exit code is 1.`,
		Example: `  netmode wait app-0.peers.default.svc.cluster.local app-1.peers.default.svc.cluster.local
  netmode wait --addresses 3 --timeout 10m peers.default.svc.cluster.local`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runWait(cmd.Context(), streams, flags, args)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return waitFlagError(err) })
	cmd.Flags().IntVar(&flags.addresses, "addresses", flags.addresses, "how many addresses each NAME must have, at least")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", flags.timeout, "how long to wait, from 1s to 1h")
	cmd.Flags().StringVar(&flags.resolvConf, "resolv-conf", flags.resolvConf, "the resolv.conf that names the nameservers")
	return cmd
}

// waitFlagError says what to type instead of a value that cannot be read.
func waitFlagError(err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		switch bad.GetFlag().Name {
		case "addresses":
			return badAddresses(bad.GetValue())
		case "timeout":
			return badTimeout(bad.GetValue())
		}
	}
	return err
}

func badAddresses(value string) error {
	return fmt.Errorf("--addresses %q: use 1 to %d: an answer of DNS has room for no more", value, api.MaxWaitAddresses)
}

func badTimeout(value string) error {
	return fmt.Errorf("--timeout %q: use a duration from 1s to 1h, such as 5m", value)
}

func runWait(ctx context.Context, streams *Streams, flags waitFlags, args []string) error {
	if flags.timeout < api.MinWait || flags.timeout > api.MaxWait {
		return badTimeout(flags.timeout.String())
	}
	targets, err := waitTargets(args, flags.addresses)
	if err != nil {
		return err
	}
	servers, err := waitServers(flags.resolvConf)
	if err != nil {
		return err
	}
	took, err := dnswait.Wait(ctx, dnswait.Options{
		Targets: targets, Servers: servers, Timeout: flags.timeout,
		Asker: dnswait.Network{}, Progress: streams.Err,
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(streams.Out, "%s, after %s\n", resolved(targets), took.Round(time.Millisecond))
	return nil
}

func resolved(targets []dnswait.Target) string {
	if len(targets) > 1 {
		return fmt.Sprintf("all %d names resolve", len(targets))
	}
	return targets[0].Name + " resolves"
}

// waitTargets checks the names, and takes each once.
func waitTargets(args []string, addresses int) ([]dnswait.Target, error) {
	switch {
	case addresses < 1 || addresses > api.MaxWaitAddresses:
		return nil, badAddresses(strconv.Itoa(addresses))
	case len(args) == 0:
		return nil, errors.New("no NAME: give the names to wait for, such as app-0.peers.default.svc.cluster.local")
	case len(args) > api.MaxWaitNames:
		return nil, fmt.Errorf("%d NAMEs: use at most %d, or wait for --addresses N behind their Service's name", len(args), maxWaitNames)
	}
	var targets []dnswait.Target
	for _, arg := range args {
		name := strings.TrimSuffix(arg, ".")
		if problem := absoluteNameProblem(name); problem != "" {
			return nil, fmt.Errorf("NAME %q: %s", arg, problem)
		}
		if t := (dnswait.Target{Name: name, Addresses: addresses}); !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// absoluteNameProblem says why a name is not one to wait for, and the cure.
func absoluteNameProblem(name string) string {
	labels := strings.Split(name, ".")
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return "not a DNS name: " + problems[0]
	}
	if slices.ContainsFunc(labels, func(l string) bool { return len(l) > validation.DNS1123LabelMaxLength }) {
		return "not a DNS name: what stands between two dots has at most 63 characters"
	}
	if len(labels) == 1 {
		return "not absolute: search lists are not used, so give it with its domain, such as " + name + ".peers.default.svc.cluster.local"
	}
	return ""
}

// waitServers are the nameservers of a resolv.conf.
func waitServers(path string) ([]netip.AddrPort, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--resolv-conf: %w: name a file that can be read", err)
	}
	servers := dnswait.Nameservers(resolv.Parse(text).Nameservers)
	if len(servers) == 0 {
		return nil, fmt.Errorf("--resolv-conf %q: no nameserver in it: name the resolv.conf of a pod, or add a line such as nameserver 10.96.0.10", path)
	}
	return servers, nil
}
