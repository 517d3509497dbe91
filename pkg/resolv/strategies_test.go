package resolv_test

import (
	stdjson "encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// What netmode may know of a cluster's DNS, and what it may know later.
var facts = map[string]resolv.Facts{
	"known":   {Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"corp.example"}},
	"unknown": {},
	"domain":  {Domain: "k8s.example"},
	"changed": {Nameservers: []string{"169.254.20.10", "10.0.0.53"}, Domain: "other.example", NodeSearches: []string{"lab.example"}},
}

// rewriteCase is a pod behind the Service peers in the namespace default.
type rewriteCase struct {
	spec     string
	asked    api.SearchRewrite
	given    resolv.PolicyDefaults
	settings resolv.Settings
	labels   map[string]string
	written  api.SearchRewrite
	// alone pods have no own domain.
	alone   bool
	peers   []api.Peer
	nodeDNS bool
	options resolv.GivenOptions
}

// run rewrites and applies the plan to the pod's JSON as the API server does;
// a refused or empty plan leaves it as it is.
func (r rewriteCase) run(t *testing.T) (p *plan.Plan, spec string) {
	t.Helper()
	raw := []byte(`{"spec":` + r.spec + `}`)
	var pod api.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		t.Fatal(err)
	}
	p = &plan.Plan{}
	p.Rule("search rewrite")
	subdomain := "peers"
	if r.alone {
		subdomain = ""
	}
	c := &resolv.Case{
		Pod: &pod, Namespace: "default", NamespaceLabels: r.labels, Subdomain: subdomain, Peers: r.peers, NodeDNS: r.nodeDNS,
		Defaults: r.given, Options: r.options, Settings: &r.settings, Written: r.written, Plan: p,
	}
	resolv.Rewrite(c, r.asked)
	resolv.GiveOptions(c)
	if p.Changes() {
		operations, err := patch.Build(raw, p.Mutations)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = patch.Apply(raw, operations); err != nil {
			t.Fatal(err)
		}
	}
	var patched struct{ Spec stdjson.RawMessage }
	if err := stdjson.Unmarshal(raw, &patched); err != nil {
		t.Fatal(err)
	}
	return p, string(patched.Spec)
}

// sameJSON compares two JSON texts by what they say.
func sameJSON(t *testing.T, want, got string) string {
	t.Helper()
	var w, g any
	if err := stdjson.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if err := stdjson.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	return cmp.Diff(w, g)
}

func warnings(p *plan.Plan) []string {
	var all []string
	for _, f := range p.Findings(plan.Warned) {
		all = append(all, p.Message(&f))
	}
	return all
}

const (
	// The pods before the rewrite, by what their dnsPolicy amounts to.
	plainPod = `{"containers":[{"name":"main"}]%s}`
	ownDNS   = `,"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["own.example"],"options":[{"name":"ndots","value":"2"},{"name":"rotate"}]}`

	prepended = `,"dnsPolicy":"None","dnsConfig":{"nameservers":["10.96.0.10"],"searches":["peers.default.svc.cluster.local",` +
		`"default.svc.cluster.local","svc.cluster.local","cluster.local","corp.example"],"options":[{"name":"ndots","value":"5"}]}`
	appended       = `,"dnsConfig":{"searches":["peers.default.svc.cluster.local"]}`
	appendedDomain = `,"dnsConfig":{"searches":["peers.default.svc.k8s.example"]}`

	ownFirst = `,"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default.svc.%s","own.example"],` +
		`"options":[{"name":"ndots","value":"2"},{"name":"rotate"}]}`
	ownLast = `,"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["own.example","peers.default.svc.%s"],` +
		`"options":[{"name":"ndots","value":"2"},{"name":"rotate"}]}`

	unknownDNS = `metadata.annotations[netmode.io/search-rewrite]: Invalid value: "prepend": the cluster's DNS is not known to netmode: ` +
		`start netmode with --cluster-dns and --cluster-domain, or use netmode.io/search-rewrite: append (ClusterDNSUnknown)`
	nodesDNS = `spec.dnsPolicy: Invalid value: "Default": the node's DNS does not know the peers' names: ` +
		`remove dnsPolicy, or set netmode.io/search-rewrite: none (DNSPolicyDefault)`
	assumed = `the cluster's domain is not known, and cluster.local is assumed: ` +
		`start netmode with --cluster-domain if the cluster has another (ClusterDomainAssumed)`
	needsShell = `spec.containers: 1 postStart hooks were added: make sure that every hooked image has /bin/sh, ` +
		`or use netmode.io/search-rewrite: auto (PostStartNeedsShell)`
)

var (
	clusterPolicies = []string{"", `,"dnsPolicy":"ClusterFirst"`, `,"dnsPolicy":"ClusterFirstWithHostNet"`}
	nonePolicy      = []string{ownDNS}
	defaultPolicy   = []string{`,"dnsPolicy":"Default"`, `,"dnsPolicy":"Default","dnsConfig":{"searches":["peers.default.svc.cluster.local"]}`}
)

// The whole table: strategy by dnsPolicy by facts. "same" is a pod that stays
// as it is; "else" is one whose DNS fields stay, and that changes elsewhere.
var strategyRows = []struct {
	pods     []string
	asked    api.SearchRewrite
	facts    []string
	strategy api.SearchRewrite
	want     string
	reasons  []plan.Reason
	warnings []string
	denial   string
}{
	{clusterPolicies, "", []string{"known"}, "prepend", prepended, []plan.Reason{"ClusterDNSKnown", "SearchPrepended"}, nil, ""},
	{clusterPolicies, "auto", []string{"known"}, "prepend", prepended, []plan.Reason{"ClusterDNSKnown", "SearchPrepended"}, nil, ""},
	{clusterPolicies, "", []string{"unknown"}, "append", appended, []plan.Reason{"ClusterDNSUnknown", "ClusterDomainAssumed", "SearchAppended"}, []string{assumed}, ""},
	{clusterPolicies, "auto", []string{"unknown"}, "append", appended, []plan.Reason{"ClusterDNSUnknown", "ClusterDomainAssumed", "SearchAppended"}, []string{assumed}, ""},
	{clusterPolicies, "", []string{"domain"}, "append", appendedDomain, []plan.Reason{"ClusterDNSUnknown", "SearchAppended"}, nil, ""},
	{clusterPolicies, "auto", []string{"domain"}, "append", appendedDomain, []plan.Reason{"ClusterDNSUnknown", "SearchAppended"}, nil, ""},
	{clusterPolicies, "prepend", []string{"known"}, "prepend", prepended, []plan.Reason{"SearchPrepended"}, nil, ""},
	{clusterPolicies, "prepend", []string{"unknown", "domain"}, "prepend", "same", []plan.Reason{"ClusterDNSUnknown"}, nil, unknownDNS},
	{clusterPolicies, "append", []string{"known"}, "append", appended, []plan.Reason{"SearchAppended"}, nil, ""},
	{clusterPolicies, "append", []string{"unknown"}, "append", appended, []plan.Reason{"ClusterDomainAssumed", "SearchAppended"}, []string{assumed}, ""},
	{clusterPolicies, "append", []string{"domain"}, "append", appendedDomain, []plan.Reason{"SearchAppended"}, nil, ""},

	{nonePolicy, "", []string{"known"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "auto", []string{"known"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "", []string{"unknown"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"ClusterDomainAssumed", "SearchPrepended"}, []string{assumed}, ""},
	{nonePolicy, "auto", []string{"unknown"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"ClusterDomainAssumed", "SearchPrepended"}, []string{assumed}, ""},
	{nonePolicy, "", []string{"domain"}, "prepend", fmt.Sprintf(ownFirst, "k8s.example"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "auto", []string{"domain"}, "prepend", fmt.Sprintf(ownFirst, "k8s.example"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "prepend", []string{"known"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "prepend", []string{"unknown"}, "prepend", fmt.Sprintf(ownFirst, "cluster.local"), []plan.Reason{"ClusterDomainAssumed", "SearchPrepended"}, []string{assumed}, ""},
	{nonePolicy, "prepend", []string{"domain"}, "prepend", fmt.Sprintf(ownFirst, "k8s.example"), []plan.Reason{"SearchPrepended"}, nil, ""},
	{nonePolicy, "append", []string{"known"}, "append", fmt.Sprintf(ownLast, "cluster.local"), []plan.Reason{"SearchAppended"}, nil, ""},
	{nonePolicy, "append", []string{"unknown"}, "append", fmt.Sprintf(ownLast, "cluster.local"), []plan.Reason{"ClusterDomainAssumed", "SearchAppended"}, []string{assumed}, ""},
	{nonePolicy, "append", []string{"domain"}, "append", fmt.Sprintf(ownLast, "k8s.example"), []plan.Reason{"SearchAppended"}, nil, ""},

	{append(nonePolicy, clusterPolicies...), "init-container", []string{"known", "domain"}, "init-container", "else", []plan.Reason{"SearchByInitContainer"}, nil, ""},
	{append(nonePolicy, clusterPolicies...), "init-container", []string{"unknown"}, "init-container", "else", []plan.Reason{"ClusterDomainAssumed", "SearchByInitContainer"}, []string{assumed}, ""},
	{append(nonePolicy, clusterPolicies...), "post-start", []string{"known", "domain"}, "post-start", "else", []plan.Reason{"SearchByPostStart", "PostStartNeedsShell"}, []string{needsShell}, ""},
	{append(nonePolicy, clusterPolicies...), "post-start", []string{"unknown"}, "post-start", "else", []plan.Reason{"ClusterDomainAssumed", "SearchByPostStart", "PostStartNeedsShell"}, []string{assumed, needsShell}, ""},
	{append(nonePolicy, clusterPolicies...), "none", []string{"known", "unknown", "domain"}, "none", "same", []plan.Reason{"SearchNone"}, nil, ""},

	{defaultPolicy, "", []string{"known", "unknown", "domain"}, "", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "auto", []string{"known", "unknown", "domain"}, "", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "prepend", []string{"known", "unknown", "domain"}, "prepend", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "append", []string{"known", "unknown", "domain"}, "append", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "init-container", []string{"known", "unknown", "domain"}, "init-container", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "post-start", []string{"known", "unknown", "domain"}, "post-start", "same", []plan.Reason{"DNSPolicyDefault"}, nil, nodesDNS},
	{defaultPolicy, "none", []string{"known", "unknown", "domain"}, "none", "same", []plan.Reason{"SearchNone"}, nil, ""},
}

func TestStrategies(t *testing.T) {
	tried := map[string]bool{}
	for _, row := range strategyRows {
		for _, pod := range row.pods {
			for _, known := range row.facts {
				tried[fmt.Sprint(row.asked, pod, known)] = true
				t.Run(fmt.Sprintf("%s %s %s", row.asked, known, pod), func(t *testing.T) {
					c := rewriteCase{
						spec: fmt.Sprintf(plainPod, pod), asked: row.asked,
						settings: resolv.Settings{Facts: facts[known], InitContainer: resolv.InitContainer{Image: "netmode:1"}},
					}
					p, spec := c.run(t)
					if p.Strategy != row.strategy {
						t.Errorf("strategy is %q, want %q", p.Strategy, row.strategy)
					}
					if diff := cmp.Diff(row.reasons, p.Reasons()); diff != "" {
						t.Errorf("reasons differ (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(row.warnings, warnings(p)); diff != "" {
						t.Errorf("warnings differ (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(row.denial, p.Denial()); diff != "" {
						t.Errorf("denial differs (-want +got):\n%s", diff)
					}
					switch row.want {
					case "same":
						if spec != c.spec || len(p.Mutations) > 0 {
							t.Errorf("the pod changed: %s", spec)
						}
					case "else":
						before, after := dnsOf(t, c.spec), dnsOf(t, spec)
						if diff := cmp.Diff(before, after); diff != "" || spec == c.spec {
							t.Errorf("DNS fields differ (-want +got):\n%s\nin %s", diff, spec)
						}
					default:
						want := row.want
						if pod != ownDNS && !strings.Contains(want, "dnsPolicy") {
							want += pod // the pod's dnsPolicy stays
						}
						if diff := sameJSON(t, fmt.Sprintf(plainPod, want), spec); diff != "" {
							t.Errorf("pod differs (-want +got):\n%s", diff)
						}
					}
					if !p.Refused() {
						checkIdempotence(t, c, p, spec)
					}
				})
			}
		}
	}
	// Each way to ask and none, six pods, three states of the facts.
	if want := (len(api.SearchRewrites()) + 1) * 6 * 3; len(tried) != want {
		t.Errorf("%d combinations were tried, want %d", len(tried), want)
	}
}

// checkIdempotence runs the same strategy on its own output, under all that
// netmode may know by then. Nothing may change, and nothing be refused.
func checkIdempotence(t *testing.T, c rewriteCase, first *plan.Plan, patched string) {
	t.Helper()
	c.written = first.Strategy
	for name, later := range facts {
		again := c
		again.spec, again.settings.Facts = patched, later
		p, spec := again.run(t)
		if p.Refused() || len(p.Mutations) > 0 || spec != patched {
			t.Errorf("second run, facts %s: %d mutations, denial %q\n%s\n%s", name, len(p.Mutations), p.Denial(), patched, spec)
		}
		if c.asked != api.SearchNone && !slices.Contains(p.Reasons(), plan.SearchInPlace) {
			t.Errorf("second run, facts %s: reasons %v, want SearchInPlace", name, p.Reasons())
		}
	}
}

// dnsOf returns the DNS members of a pod's spec.
func dnsOf(t *testing.T, spec string) any {
	t.Helper()
	var dns struct{ DNSPolicy, DNSConfig any }
	if err := stdjson.Unmarshal([]byte(spec), &dns); err != nil {
		t.Fatal(err)
	}
	return []any{dns.DNSPolicy, dns.DNSConfig}
}

// The registry offers what an author may ask for, each with a line of its own.
func TestRegistry(t *testing.T) {
	var names []api.SearchRewrite
	for _, s := range resolv.Strategies() {
		names = append(names, s.Name)
		if s.Summary == "" {
			t.Errorf("%s has no summary", s.Name)
		}
		if p := s.Promise; (p.Variable != "") != (p.Found != "") || p.Holds == "" && s.Name != api.SearchAuto {
			t.Errorf("%s promises %+v", s.Name, p)
		}
	}
	if diff := cmp.Diff(api.SearchRewrites(), names); diff != "" {
		t.Errorf("strategies differ (-may be asked +registered):\n%s", diff)
	}
	resolv.Strategies()[0].Name = "changed"
	if resolv.Strategies()[0].Name != api.SearchAuto {
		t.Error("a change of the returned list changed the registry")
	}
}
