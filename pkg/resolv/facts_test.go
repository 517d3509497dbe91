package resolv_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/resolv"
)

func TestDiscoverAccepts(t *testing.T) {
	tests := []struct {
		name, text, namespace string
		want                  resolv.Facts
	}{
		{
			"a ClusterFirst pod's", "search netmode.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n", "netmode",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"corp.example"}},
		},
		{
			"any namespace", "nameserver 10.96.0.10\nsearch a.svc.cluster.local svc.cluster.local cluster.local", "",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{}},
		},
		{
			"NodeLocal DNS, IPv6, one label", "nameserver 169.254.20.10\nnameserver fd00::a\nsearch a.svc.k8s svc.k8s k8s\n", "a",
			resolv.Facts{Nameservers: []string{"169.254.20.10", "fd00::a"}, Domain: "k8s", NodeSearches: []string{}},
		},
		{
			"upper case and trailing dots", "nameserver 10.96.0.10\nsearch a.svc.Cluster.Local. SVC.cluster.local cluster.local. Corp.Example.\n", "a",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"corp.example"}},
		},
		{
			"invalid domains", "nameserver 10.96.0.10\nsearch a.svc.c svc.c c _tcp.example . -x.example corp.example\n", "a",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "c", NodeSearches: []string{"corp.example"}, Warnings: []string{
				`search domain "_tcp.example" left out: not a DNS domain`,
				`search domain "." left out: not a DNS domain`,
				`search domain "-x.example" left out: not a DNS domain`,
			}},
		},
		{
			"duplicates", "nameserver 10.96.0.10\nnameserver 10.96.0.10\nsearch a.svc.c svc.c c corp.example c Corp.example. lab.example\n", "a",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "c", NodeSearches: []string{"corp.example", "lab.example"}, Warnings: []string{
				`search domain "c" left out: named twice`,
				`search domain "Corp.example." left out: named twice`,
			}},
		},
		{
			"four nameservers", "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\nsearch a.svc.c svc.c c\n", "a",
			resolv.Facts{Nameservers: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, Domain: "c", NodeSearches: []string{}, Warnings: []string{
				`nameserver "10.0.0.4" left out: Kubernetes allows three`,
			}},
		},
		{
			"nameservers that a pod cannot have", "nameserver dns.example\nnameserver 010.0.0.1\nnameserver fe80::1%eth0\nnameserver fd00::a\nsearch a.svc.c svc.c c\n", "a",
			resolv.Facts{Nameservers: []string{"fd00::a"}, Domain: "c", NodeSearches: []string{}, Warnings: []string{
				`nameserver "dns.example" left out: not an IP address`,
				`nameserver "010.0.0.1" left out: not an IP address`,
				`nameserver "fe80::1%eth0" left out: not an IP address`,
			}},
		},
		{
			"the last search line wins", "search corp.example\nnameserver 10.96.0.10\nsearch a.svc.c svc.c c\n", "a",
			resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "c", NodeSearches: []string{}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolv.Discover([]byte(tt.text), tt.namespace)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
			if !got.Known() {
				t.Error("the facts are not known")
			}
		})
	}
}

func TestDiscoverRefuses(t *testing.T) {
	begins := func(searches, namespace string) string {
		return `search list "` + searches + `" does not begin ` + namespace + `.svc.DOMAIN svc.DOMAIN DOMAIN as that of a ClusterFirst pod does`
	}
	tests := []struct{ name, text, namespace, want string }{
		{"empty", "", "netmode", begins("", "netmode")},
		{"a laptop's", "nameserver 192.168.1.1\nsearch fritz.box\n", "", begins("fritz.box", "NAMESPACE")},
		{"a node's, as a pod on the host network has it", "nameserver 10.0.0.2\nsearch eu-west-1.compute.internal corp.example lab.example\n", "netmode", begins("eu-west-1.compute.internal corp.example lab.example", "netmode")},
		{"systemd's stub", "nameserver 127.0.0.53\noptions edns0\nsearch .\n", "", begins("", "NAMESPACE")},
		{"another namespace", "nameserver 10.96.0.10\nsearch a.svc.c svc.c c\n", "b", begins("a.svc.c svc.c c", "b")},
		{"two of three", "nameserver 10.96.0.10\nsearch a.svc.c svc.c\n", "a", begins("a.svc.c svc.c", "a")},
		{"two domains", "nameserver 10.96.0.10\nsearch a.svc.c svc.c d\n", "a", begins("a.svc.c svc.c d", "a")},
		{"another order", "nameserver 10.96.0.10\nsearch svc.c a.svc.c c\n", "a", begins("svc.c a.svc.c c", "a")},
		{"the peer domain first", "nameserver 10.96.0.10\nsearch peers.a.svc.c a.svc.c svc.c c\n", "", begins("peers.a.svc.c a.svc.c svc.c c", "NAMESPACE")},
		{"a namespace with a dot", "nameserver 10.96.0.10\nsearch b.a.svc.c svc.c c\n", "", begins("b.a.svc.c svc.c c", "NAMESPACE")},
		{"a namespace that ends alike", "nameserver 10.96.0.10\nsearch x-a.svc.c svc.c c\n", "a", begins("x-a.svc.c svc.c c", "a")},
		{"a domain line", "nameserver 10.96.0.10\nsearch a.svc.c svc.c c\ndomain c\n", "a", begins("c", "a")},
		{"no nameserver", "search a.svc.c svc.c c\n", "a", "no nameserver in it"},
		{"no valid nameserver", "search a.svc.c svc.c c\nnameserver dns\n", "a", "no nameserver in it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolv.Discover([]byte(tt.text), tt.namespace)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got error  %v\nwant error %s", err, tt.want)
			}
			if diff := cmp.Diff(resolv.Facts{}, got); diff != "" {
				t.Errorf("half the facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeclare(t *testing.T) {
	tests := []struct {
		nameservers []string
		domain      string
		want        resolv.Facts
	}{
		{nil, "", resolv.Facts{}},
		{nil, "Cluster.Local.", resolv.Facts{Domain: "cluster.local"}},
		{[]string{"10.96.0.10"}, "", resolv.Facts{Nameservers: []string{"10.96.0.10"}}},
		{[]string{"10.96.0.10", "fd00::a", "10.0.0.1"}, "c", resolv.Facts{Nameservers: []string{"10.96.0.10", "fd00::a", "10.0.0.1"}, Domain: "c"}},
	}
	for _, tt := range tests {
		got, err := resolv.Declare(tt.nameservers, tt.domain)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("Declare(%q, %q): %v, (-want +got):\n%s", tt.nameservers, tt.domain, err, diff)
		}
	}
}

func TestDeclareRefuses(t *testing.T) {
	const noAddress = `: not an IP address: give the clusterIP of the cluster's DNS Service, such as 10.96.0.10`
	const noDomain = `: not a DNS domain: give the kubelets' clusterDomain, such as cluster.local`
	tests := []struct {
		nameservers []string
		domain      string
		want        string
	}{
		{[]string{"kube-dns"}, "c", `cluster DNS address "kube-dns"` + noAddress},
		{[]string{"10.96.0.10", ""}, "c", `cluster DNS address ""` + noAddress},
		{[]string{"10.96.0.10:53"}, "", `cluster DNS address "10.96.0.10:53"` + noAddress},
		{[]string{"fe80::1%eth0"}, "", `cluster DNS address "fe80::1%eth0"` + noAddress},
		{
			[]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, "c",
			"cluster DNS addresses [10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4]: more than three: Kubernetes allows three nameservers",
		},
		{nil, "cluster_local", `cluster domain "cluster_local"` + noDomain},
		{nil, ".", `cluster domain "."` + noDomain},
		{nil, "a b", `cluster domain "a b"` + noDomain},
		{[]string{"10.96.0.10"}, strings.Repeat("a.", 130) + "c", `cluster domain "` + strings.Repeat("a.", 130) + `c"` + noDomain},
	}
	for _, tt := range tests {
		got, err := resolv.Declare(tt.nameservers, tt.domain)
		if err == nil || err.Error() != tt.want {
			t.Errorf("got error  %v\nwant error %s", err, tt.want)
		}
		if diff := cmp.Diff(resolv.Facts{}, got); diff != "" {
			t.Errorf("half the facts (-want +got):\n%s", diff)
		}
	}
}

func TestFactsKnown(t *testing.T) {
	for name, want := range map[string]bool{"known": true, "changed": true, "unknown": false, "domain": false} {
		if got := facts[name].Known(); got != want {
			t.Errorf("%s: Known is %t", name, got)
		}
	}
	if (resolv.Facts{Nameservers: []string{"10.96.0.10"}}).Known() {
		t.Error("nameservers without a domain are not enough")
	}
	if got := facts["unknown"].DomainOrAssumed() + " " + facts["domain"].DomainOrAssumed(); got != "cluster.local k8s.example" {
		t.Errorf("domains are %s", got)
	}
}

func TestFactsHash(t *testing.T) {
	all := []resolv.Facts{
		{},
		{Nameservers: []string{"10.0.0.1"}},
		{Nameservers: []string{"10.0.0.1", "10.0.0.2"}},
		{Nameservers: []string{"10.0.0.2", "10.0.0.1"}},
		{Domain: "10.0.0.1"},
		{Domain: "cluster.local"},
		{NodeSearches: []string{"cluster.local"}},
		{Domain: "cluster.local", NodeSearches: []string{"a", "b"}},
		{Domain: "cluster.local", NodeSearches: []string{"b", "a"}},
		{Nameservers: []string{"10.0.0.1"}, Domain: "cluster.local"},
	}
	seen := map[string]int{}
	for i, f := range all {
		hash := f.Hash()
		if other, twice := seen[hash]; twice || len(hash) != 12 {
			t.Errorf("facts %d have the hash %s, as facts %d", i, hash, other)
		}
		seen[hash] = i
		f.Warnings = []string{"a warning says nothing about the cluster"}
		if f.Hash() != hash {
			t.Errorf("facts %d: the hash changed from call to call", i)
		}
	}
	// Replicas of different builds must agree, too.
	if got := facts["known"].Hash(); got != "3df1943cb3ff" {
		t.Errorf("the hash of known facts is %s", got)
	}
}

func TestFactsOr(t *testing.T) {
	declared := resolv.Facts{Nameservers: []string{"10.0.0.1"}, Domain: "a.example", NodeSearches: []string{"x"}, Warnings: []string{"one"}}
	found := resolv.Facts{Nameservers: []string{"10.0.0.2"}, Domain: "b.example", NodeSearches: []string{"y"}, Warnings: []string{"two"}}
	tests := []struct {
		name               string
		first, other, want resolv.Facts
	}{
		{"nothing", resolv.Facts{}, resolv.Facts{}, resolv.Facts{}},
		{"nothing declared", resolv.Facts{}, found, found},
		{"nothing found", declared, resolv.Facts{}, declared},
		{"declared wins", declared, found, resolv.Facts{Nameservers: []string{"10.0.0.1"}, Domain: "a.example", NodeSearches: []string{"x"}, Warnings: []string{"one", "two"}}},
		{"nameservers declared", resolv.Facts{Nameservers: []string{"10.0.0.1"}}, found, resolv.Facts{Nameservers: []string{"10.0.0.1"}, Domain: "b.example", NodeSearches: []string{"y"}, Warnings: []string{"two"}}},
		{"domain declared", resolv.Facts{Domain: "a.example"}, found, resolv.Facts{Nameservers: []string{"10.0.0.2"}, Domain: "a.example", NodeSearches: []string{"y"}, Warnings: []string{"two"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.first.Or(tt.other)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", tt.name, diff)
		}
	}
	if declared.Warnings[0] != "one" || len(declared.Warnings) != 1 {
		t.Errorf("Or changed its receiver: %q", declared.Warnings)
	}
}
