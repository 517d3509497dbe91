package flags

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/version"
)

func parse(t *testing.T, d *Decision, args ...string) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	d.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	d := NewDecision("")
	parse(t, d)
	settings, notes, err := d.Settings()
	if err != nil || len(notes) > 0 {
		t.Fatalf("%v, notes %q", err, notes)
	}
	want := &engine.Settings{
		ExemptNamespaces: []string{"kube-system", "netmode-system"},
		Search:           resolv.Settings{InitContainer: resolv.InitContainer{Image: "ghcr.io/netmode-io/netmode:" + version.Version}},
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestFlags(t *testing.T) {
	d := NewDecision("")
	parse(t, d, "--cluster-dns=10.96.0.10,fd00::10", "--cluster-domain=Example.org.", "--own-namespace=nm", "--system-namespaces=calico-system",
		"--init-image=example.com/netmode:1", "--init-image-pull-policy=Always", "--init-image-pull-secret=a,b.c")
	settings, notes, err := d.Settings()
	if err != nil || len(notes) > 0 {
		t.Fatalf("%v, notes %q", err, notes)
	}
	want := &engine.Settings{
		ExemptNamespaces: []string{"kube-system", "nm"},
		SystemNamespaces: []string{"calico-system"},
		Search: resolv.Settings{
			Facts:         resolv.Facts{Nameservers: []string{"10.96.0.10", "fd00::10"}, Domain: "example.org"},
			InitContainer: resolv.InitContainer{Image: "example.com/netmode:1", PullPolicy: "Always", PullSecrets: []string{"a", "b.c"}},
		},
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// Args hands the same flags to another program.
func TestArgs(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"--cluster-dns=10.96.0.10,10.96.0.11", "--cluster-domain=a.b", "--resolv-conf=/r", "--own-namespace=n", "--system-namespaces=calico-system,b", "--init-image=i", "--init-image-pull-policy=Never", "--init-image-pull-secret=s,t"},
	} {
		want := NewDecision("")
		parse(t, want, args...)
		got := NewDecision("")
		parse(t, got, want.Args()...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", want.Args(), diff)
		}
	}
}

func TestBadDecisionFlags(t *testing.T) {
	folder := t.TempDir()
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"--cluster-dns=kube-dns"}, []string{"--cluster-dns", `"kube-dns"`, "give the clusterIP of the cluster's DNS Service"}},
		{[]string{"--cluster-dns=1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4"}, []string{"--cluster-dns", "4.4.4.4", "Kubernetes allows three nameservers"}},
		{[]string{"--cluster-domain=cluster_local"}, []string{"--cluster-domain", `"cluster_local"`, "give the kubelets' clusterDomain"}},
		{[]string{"--cluster-domain=."}, []string{"--cluster-domain", `"."`, "give the kubelets' clusterDomain"}},
		{[]string{"--resolv-conf=" + folder + "/none"}, []string{"--resolv-conf", folder + "/none", "no such file", "name a file that can be read, or leave the flag out"}},
		{[]string{"--resolv-conf=" + folder}, []string{"--resolv-conf", folder, "is a directory", "name a file that can be read, or leave the flag out"}},
		{[]string{"--own-namespace="}, []string{"--own-namespace", `""`, "not the name of a namespace", "lower case alphanumeric"}},
		{[]string{"--own-namespace=Netmode"}, []string{"--own-namespace", `"Netmode"`, "not the name of a namespace", "lower case alphanumeric"}},
		{[]string{"--init-image=a b"}, []string{"--init-image", `"a b"`, "give REGISTRY/NAME:TAG"}},
		{[]string{"--init-image-pull-policy=always"}, []string{"--init-image-pull-policy", `"always"`, "use Always, IfNotPresent or Never"}},
		{[]string{"--init-image-pull-secret=ok,not_ok"}, []string{"--init-image-pull-secret", `"not_ok"`, "not the name of a Secret", "lower case alphanumeric"}},
		{[]string{"--system-namespaces=calico-system,a_b"}, []string{"--system-namespaces", `"a_b"`, "not the name of a namespace"}},
		{[]string{"--init-image-pull-policy=x", "--own-namespace=_"}, []string{"--init-image-pull-policy", "--own-namespace"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			d := NewDecision("")
			parse(t, d, tt.args...)
			settings, _, err := d.Settings()
			if err == nil || settings != nil {
				t.Fatalf("settings %+v, error %v", settings, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
}

// An image may be left out: the strategy that needs it then says so.
func TestNoInitImage(t *testing.T) {
	d := NewDecision("")
	parse(t, d, "--init-image=")
	settings, _, err := d.Settings()
	if err != nil || settings.Search.InitContainer.Image != "" {
		t.Errorf("%+v, %v", settings, err)
	}
}

func TestDiscovery(t *testing.T) {
	const own = "search netmode-system.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n"
	discovered := resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"corp.example"}}
	for _, tt := range []struct {
		name, file string
		inCluster  bool
		args       []string
		want       resolv.Facts
		note       string
	}{
		{"own pod", own, true, nil, discovered, ""},
		{"own pod in another namespace", own, true, []string{"--own-namespace=other"}, resolv.Facts{}, "does not begin other.svc.DOMAIN svc.DOMAIN DOMAIN"},
		{"any pod, outside", own, false, []string{"--own-namespace=other"}, discovered, ""},
		{"laptop", "nameserver 192.168.1.1\nsearch home.example\n", true, nil, resolv.Facts{}, "says nothing about the cluster's DNS: search list"},
		{"empty", "", false, nil, resolv.Facts{}, "says nothing about the cluster's DNS: search list"},
		{"no nameserver", strings.ReplaceAll(own, "nameserver", "#"), true, nil, resolv.Facts{}, "no nameserver in it"},
		{"flags go first", own, true, []string{"--cluster-dns=10.0.0.1", "--cluster-domain=example.org"}, resolv.Facts{Nameservers: []string{"10.0.0.1"}, Domain: "example.org", NodeSearches: []string{"corp.example"}}, ""},
		{"flags beside a laptop's", "search home.example\n", true, []string{"--cluster-dns=10.0.0.1", "--cluster-domain=example.org"}, resolv.Facts{Nameservers: []string{"10.0.0.1"}, Domain: "example.org"}, "says nothing about the cluster's DNS"},
		{"bad search domain", strings.Replace(own, "corp.example", "corp_example", 1), true, nil, resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local"}, `"corp_example" left out: not a DNS domain`},
		{"four nameservers", own + "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n", true, nil, resolv.Facts{Nameservers: []string{"10.96.0.10", "1.1.1.1", "1.1.1.2"}, Domain: "cluster.local", NodeSearches: []string{"corp.example"}}, `"1.1.1.3" left out: Kubernetes allows three`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := writeFile(t, tt.file)
			d := NewDecision(path)
			d.InCluster = tt.inCluster
			parse(t, d, tt.args...)
			settings, notes, err := d.Settings()
			if err != nil {
				t.Fatal(err)
			}
			got := settings.Search.Facts
			got.Warnings = nil
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			all := strings.Join(notes, "\n")
			if (tt.note == "") != (len(notes) == 0) || !strings.Contains(all, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			if strings.Contains(tt.note, "says nothing") && !strings.Contains(all, path) {
				t.Errorf("notes %q do not name the file", notes)
			}
		})
	}
}

// Every flag says what it is for.
func TestUsages(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	NewDecision("").AddFlags(flags)
	NewLogging().AddFlags(flags)
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		names = append(names, f.Name)
		if len(f.Usage) < 20 {
			t.Errorf("--%s: usage %q", f.Name, f.Usage)
		}
	})
	want := []string{"cluster-dns", "cluster-domain", "init-image", "init-image-pull-policy", "init-image-pull-secret", "log-format", "log-level", "own-namespace", "resolv-conf", "system-namespaces"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
}
