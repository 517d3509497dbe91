package resolv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Limits of a pod's DNS configuration (corev1 validation).
const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchChars = 2048
	// muslSearchLine is the longest search line, in bytes, that musl reads.
	muslSearchLine = 256
)

// AssumedDomain stands for the cluster's domain where nobody told it.
const AssumedDomain = "cluster.local"

// Facts are what netmode knows of the cluster's DNS. The zero Facts know
// nothing.
type Facts struct {
	// Nameservers are the addresses that a ClusterFirst pod asks, at most three.
	Nameservers []string
	// Domain is the cluster's domain, without a dot at its end; "" is unknown.
	Domain string
	// NodeSearches are the searches behind <namespace>.svc.D, svc.D and D.
	NodeSearches []string
	// Warnings say what was left out, for the log.
	Warnings []string
}

// Known reports whether a pod's whole DNS configuration can be written from f.
func (f Facts) Known() bool { return len(f.Nameservers) > 0 && f.Domain != "" }

// DomainOrAssumed is the cluster's domain, or AssumedDomain.
func (f Facts) DomainOrAssumed() string {
	if f.Domain == "" {
		return AssumedDomain
	}
	return f.Domain
}

// Hash names the facts in a few characters, so that replicas which disagree
// can be told apart. Unknown facts have a hash, too.
func (f Facts) Hash() string {
	parts := []string{strings.Join(f.Nameservers, " "), f.Domain, strings.Join(f.NodeSearches, " ")}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:6])
}

// Declare makes Facts of what an operator says: the nameservers' IP addresses
// and the cluster's domain. Either may be empty. An error names the value and
// the cure.
func Declare(nameservers []string, domain string) (Facts, error) {
	for _, n := range nameservers {
		if !isAddress(n) {
			return Facts{}, fmt.Errorf("cluster DNS address %q: not an IP address: give the clusterIP of the cluster's DNS Service, such as 10.96.0.10", n)
		}
	}
	if len(nameservers) > maxNameservers {
		return Facts{}, fmt.Errorf("cluster DNS addresses %v: more than three: Kubernetes allows three nameservers", nameservers)
	}
	normal, ok := normalizeDomain(domain)
	if domain != "" && !ok {
		return Facts{}, fmt.Errorf("cluster domain %q: not a DNS domain: give the kubelets' clusterDomain, such as %s", domain, AssumedDomain)
	}
	return Facts{Nameservers: slices.Clone(nameservers), Domain: normal}, nil
}

// Discover makes Facts of the resolv.conf of a ClusterFirst pod. Only a search
// list that begins <namespace>.svc.D svc.D D is accepted; an empty namespace
// stands for any. An error says why the file is none of a ClusterFirst pod: it
// is then a laptop's or a node's, and says nothing about the cluster.
func Discover(text []byte, namespace string) (Facts, error) {
	file := Parse(text)
	var searches []string
	var facts Facts
	for _, s := range file.Searches {
		normal, ok := normalizeDomain(s)
		switch {
		case !ok:
			facts.Warnings = append(facts.Warnings, fmt.Sprintf("search domain %q left out: not a DNS domain", s))
		case slices.Contains(searches, normal):
			facts.Warnings = append(facts.Warnings, fmt.Sprintf("search domain %q left out: named twice", s))
		default:
			searches = append(searches, normal)
		}
	}
	domain, err := clusterDomain(searches, namespace)
	if err != nil {
		return Facts{}, err
	}
	for _, n := range file.Nameservers {
		switch {
		case !isAddress(n):
			facts.Warnings = append(facts.Warnings, fmt.Sprintf("nameserver %q left out: not an IP address", n))
		case slices.Contains(facts.Nameservers, n):
		case len(facts.Nameservers) == maxNameservers:
			facts.Warnings = append(facts.Warnings, fmt.Sprintf("nameserver %q left out: Kubernetes allows three", n))
		default:
			facts.Nameservers = append(facts.Nameservers, n)
		}
	}
	if len(facts.Nameservers) == 0 {
		return Facts{}, fmt.Errorf("no nameserver in it")
	}
	facts.Domain, facts.NodeSearches = domain, searches[3:]
	return facts, nil
}

// Or returns f with what it does not know taken from other.
func (f Facts) Or(other Facts) Facts {
	if len(f.Nameservers) == 0 {
		f.Nameservers = other.Nameservers
	}
	if f.Domain == "" {
		f.Domain = other.Domain
	}
	if len(f.NodeSearches) == 0 {
		f.NodeSearches = other.NodeSearches
	}
	f.Warnings = slices.Concat(f.Warnings, other.Warnings)
	return f
}

func clusterDomain(searches []string, namespace string) (string, error) {
	wrong := func() (string, error) {
		return "", fmt.Errorf("search list %q does not begin %s.svc.DOMAIN svc.DOMAIN DOMAIN as that of a ClusterFirst pod does", strings.Join(searches, " "), orWord(namespace, "NAMESPACE"))
	}
	if len(searches) < 3 {
		return wrong()
	}
	domain := searches[2]
	own, ok := strings.CutSuffix(searches[0], ".svc."+domain)
	if !ok || searches[1] != "svc."+domain || strings.Contains(own, ".") || (namespace != "" && own != namespace) {
		return wrong()
	}
	return domain, nil
}

// isAddress reports whether the Pod API takes s for a nameserver; it has no
// room for a zone (fe80::1%eth0).
func isAddress(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Zone() == ""
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

// normalizeDomain lower-cases a search domain and takes the dot off its end.
func normalizeDomain(s string) (string, bool) {
	s = strings.TrimSuffix(strings.ToLower(s), ".")
	return s, len(validation.IsDNS1123Subdomain(s)) == 0
}
