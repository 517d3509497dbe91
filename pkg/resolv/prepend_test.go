package resolv_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// A pod's own dnsConfig stands behind the cluster's; its ndots wins.
func TestPrependKeepsOwnConfig(t *testing.T) {
	const searches = `"peers.default.svc.cluster.local","default.svc.cluster.local","svc.cluster.local","cluster.local","corp.example"`
	tests := []struct{ name, own, want string }{
		{"none", `null`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"empty", `{}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"empty lists", `{"nameservers":[],"searches":null,"options":[]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"nameservers", `{"nameservers":["192.0.2.1","192.0.2.2"]}`, `{"nameservers":["10.96.0.10","192.0.2.1","192.0.2.2"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"the cluster's nameserver", `{"nameservers":["10.96.0.10"]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"the cluster's nameserver second", `{"nameservers":["192.0.2.1","10.96.0.10"]}`, `{"nameservers":["10.96.0.10","192.0.2.1"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"searches", `{"searches":["own.example","corp.example","b.example"]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `,"own.example","b.example"],"options":[{"name":"ndots","value":"5"}]}`},
		{"the cluster's searches", `{"searches":["svc.cluster.local","cluster.local"]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"5"}]}`},
		{"other options", `{"options":[{"name":"rotate"},{"name":"timeout","value":"1"}]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"rotate"},{"name":"timeout","value":"1"},{"name":"ndots","value":"5"}]}`},
		{"ndots", `{"options":[{"name":"ndots","value":"2"}]}`, `{"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"2"}]}`},
		{"a member that is not known", `{"newer":{"a":1},"options":[{"name":"ndots","value":"1","newer":2}]}`, `{"newer":{"a":1},"nameservers":["10.96.0.10"],"searches":[` + searches + `],"options":[{"name":"ndots","value":"1","newer":2}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := rewriteCase{spec: `{"dnsPolicy":"ClusterFirst","dnsConfig":` + tt.own + `}`, asked: api.SearchPrepend, settings: resolv.Settings{Facts: facts["known"]}}
			p, spec := c.run(t)
			if diff := sameJSON(t, `{"dnsPolicy":"None","dnsConfig":`+tt.want+`}`, spec); diff != "" {
				t.Errorf("pod differs (-want +got):\n%s", diff)
			}
			if len(warnings(p)) > 0 || p.Refused() {
				t.Errorf("warnings %q, denial %q", warnings(p), p.Denial())
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

func TestPrependCutsNameservers(t *testing.T) {
	tests := []struct {
		cluster, own []string
		want         string
		left         string
	}{
		{[]string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, nil, `["10.0.0.1","10.0.0.2","10.0.0.3"]`, ""},
		{[]string{"10.0.0.1"}, []string{"192.0.2.1", "192.0.2.2"}, `["10.0.0.1","192.0.2.1","192.0.2.2"]`, ""},
		{[]string{"10.0.0.1"}, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, `["10.0.0.1","192.0.2.1","192.0.2.2"]`, "192.0.2.3"},
		{[]string{"10.0.0.1", "10.0.0.2"}, []string{"192.0.2.1", "10.0.0.2", "192.0.2.2", "192.0.2.3"}, `["10.0.0.1","10.0.0.2","192.0.2.1"]`, "192.0.2.2 192.0.2.3"},
	}
	for _, tt := range tests {
		c := rewriteCase{spec: withDNS(t, "", api.PodDNSConfig{Nameservers: tt.own}), asked: api.SearchPrepend,
			settings: resolv.Settings{Facts: resolv.Facts{Nameservers: tt.cluster, Domain: "cluster.local"}}}
		p, spec := c.run(t)
		if diff := sameJSON(t, tt.want, member(t, spec, "nameservers")); diff != "" {
			t.Errorf("%v and %v: (-want +got):\n%s", tt.cluster, tt.own, diff)
		}
		var want []string
		if tt.left != "" {
			want = []string{"spec.dnsConfig.nameservers: left out " + tt.left + ": list fewer nameservers (NameserversCut)"}
		}
		if diff := cmp.Diff(want, warnings(p)); diff != "" {
			t.Errorf("%v and %v: warnings (-want +got):\n%s", tt.cluster, tt.own, diff)
		}
		checkIdempotence(t, c, p, spec)
	}
}

// withDNS is the spec of a pod with a DNS configuration of its own.
func withDNS(t *testing.T, policy string, config api.PodDNSConfig) string {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		policy = `"dnsPolicy":"` + policy + `",`
	}
	return "{" + policy + `"dnsConfig":` + string(text) + "}"
}

// member returns a member of a spec's dnsConfig as JSON.
func member(t *testing.T, spec, name string) string {
	t.Helper()
	var pod struct {
		DNSConfig map[string]any `json:"dnsConfig"`
	}
	if err := json.Unmarshal([]byte(spec), &pod); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(pod.DNSConfig[name])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// domains are n different domains, the last so long that all have chars
// characters with blanks between them; 0 leaves it short.
func domains(n, chars int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "d" + strconv.Itoa(i) + ".example"
	}
	if missing := chars - len(strings.Join(all, " ")); chars > 0 && n > 0 {
		all[n-1] += strings.Repeat("x", missing)
	}
	return all
}

func searchesOf(t *testing.T, spec string) []string {
	t.Helper()
	var all []string
	if err := json.Unmarshal([]byte(member(t, spec, "searches")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The peer domain and the cluster's three searches.
var head = []string{"peers.default.svc.cluster.local", "default.svc.cluster.local", "svc.cluster.local", "cluster.local"}

const headChars = 31 + 1 + 25 + 1 + 17 + 1 + 13

// The node's searches are cut from their end to what Kubernetes allows; the
// pod's own are not.
func TestPrependCutsNodeSearches(t *testing.T) {
	tests := []struct {
		name      string
		node, own []string
		kept      int
	}{
		{"28 fit", domains(28, 0), nil, 28},
		{"29 do not", domains(29, 0), nil, 28},
		{"40 do not", domains(40, 0), nil, 28},
		{"own ones first", domains(28, 0), []string{"own.example"}, 27},
		{"own ones alone", domains(3, 0), ownDomains(28), 0},
		{"2048 characters fit", domains(20, 2048-headChars-1), nil, 20},
		{"2049 do not", domains(20, 2049-headChars-1), nil, 19},
		{"2048 with an own one", domains(20, 2048-headChars-1-len(" own.example")), []string{"own.example"}, 20},
		{"2049 with an own one", domains(20, 2049-headChars-1-len(" own.example")), []string{"own.example"}, 19},
		{"named by both", domains(29, 0), []string{"d0.example"}, 28},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := rewriteCase{spec: withDNS(t, "ClusterFirst", api.PodDNSConfig{Searches: tt.own}), asked: api.SearchPrepend,
				settings: resolv.Settings{Facts: resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: tt.node}}}
			p, spec := c.run(t)
			want := append(append([]string(nil), head...), tt.node[:tt.kept]...)
			for _, own := range tt.own {
				if !strings.Contains(strings.Join(want, " "), own) {
					want = append(want, own)
				}
			}
			got := searchesOf(t, spec)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("searches differ (-want +got):\n%s", diff)
			}
			if chars := len(strings.Join(got, " ")); len(got) > 32 || chars > 2048 {
				t.Errorf("%d entries, %d characters", len(got), chars)
			}
			cut := ""
			if tt.kept < len(tt.node) {
				cut = "spec.dnsConfig.searches: left out " + strings.Join(tt.node[tt.kept:], " ") + ": shorten the search list of the nodes or of the policy (SearchesCut)"
			}
			if all := strings.Join(warnings(p), "\n"); strings.Contains(all, "(SearchesCut)") != (cut != "") || !strings.Contains(all, cut) {
				t.Errorf("got warnings\n%s\nwant\n%s", all, cut)
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

func ownDomains(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "own" + strconv.Itoa(i) + ".example"
	}
	return all
}

// Only what the pod asked for itself can be refused, and the field is named.
func TestSearchLimit(t *testing.T) {
	known, unknown := facts["known"], facts["domain"]
	unknown.Domain = "cluster.local"
	denial := func(own, entries, chars int) string {
		return fmt.Sprintf("spec.dnsConfig.searches: Invalid value: %d: with the entries that the pod needs the list would have "+
			"%d entries and %d characters, and Kubernetes allows 32 and 2048: shorten dnsConfig.searches or netmode.io/peers (SearchLimit)", own, entries, chars)
	}
	chars := func(own []string, with ...string) int { return len(strings.Join(append(with, own...), " ")) }
	peer := head[0]
	tests := []struct {
		name   string
		asked  api.SearchRewrite
		policy string
		facts  resolv.Facts
		own    []string
		want   string
	}{
		{"prepend, 28 own", "prepend", "", known, domains(28, 0), ""},
		{"prepend, 29 own", "prepend", "", known, domains(29, 0), denial(29, 33, chars(domains(29, 0), head...))},
		{"auto, 29 own", "auto", "", known, domains(29, 0), denial(29, 33, chars(domains(29, 0), head...))},
		{"prepend, 2048 characters", "prepend", "", known, domains(9, 2048-headChars-1), ""},
		{"prepend, 2049 characters", "prepend", "", known, domains(9, 2049-headChars-1), denial(9, 13, 2049)},
		{"append, 31 own", "append", "", known, domains(31, 0), ""},
		{"append, 32 own", "append", "", known, domains(32, 0), denial(32, 33, chars(domains(32, 0), peer))},
		{"auto without facts, 32 own", "auto", "", unknown, domains(32, 0), denial(32, 33, chars(domains(32, 0), peer))},
		{"append, 2048 characters", "append", "", known, domains(9, 2048-len(peer)-1), ""},
		{"append, 2049 characters", "append", "", known, domains(9, 2049-len(peer)-1), denial(9, 10, 2049)},
		{"prepend to None, 31 own", "prepend", "None", known, domains(31, 0), ""},
		{"prepend to None, 32 own", "prepend", "None", known, domains(32, 0), denial(32, 33, chars(domains(32, 0), peer))},
		{"prepend to None, 2049 characters", "prepend", "None", known, domains(9, 2049-len(peer)-1), denial(9, 10, 2049)},
		{"init-container, 32 own", "init-container", "", known, domains(32, 0), ""},
		{"none, 32 own", "none", "", known, domains(32, 0), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := rewriteCase{spec: withDNS(t, tt.policy, api.PodDNSConfig{Searches: tt.own}), asked: tt.asked,
				settings: resolv.Settings{Facts: tt.facts, InitContainer: resolv.InitContainer{Image: "netmode:1"}}}
			p, spec := c.run(t)
			if diff := cmp.Diff(tt.want, p.Denial()); diff != "" {
				t.Errorf("denial differs (-want +got):\n%s", diff)
			}
			if p.Refused() {
				if spec != c.spec {
					t.Errorf("a refused pod changed: %s", spec)
				}
				return
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

// musl ignores a search line that is too long, so its reader is told.
func TestMuslWarning(t *testing.T) {
	const keyword = len("search ")
	warning := func(n int) []string {
		return []string{fmt.Sprintf("spec.dnsConfig.searches: the search line has %d bytes, and images with musl (Alpine) ignore one over 256: "+
			"shorten the namespace's or the domains' names, name fewer Services in netmode.io/peers, or use an image with glibc (SearchTooLongForMusl)", n)}
	}
	tests := []struct {
		name, policy string
		node, own    []string
		want         []string
	}{
		{"short", "", nil, nil, nil},
		{"256 bytes", "", domains(3, 256-keyword-headChars-1), nil, nil},
		{"257 bytes", "", domains(3, 257-keyword-headChars-1), nil, warning(257)},
		{"256 bytes of its own", "", nil, domains(3, 256-keyword-headChars-1), nil},
		{"257 bytes of its own", "", nil, domains(3, 257-keyword-headChars-1), warning(257)},
		{"256 bytes, None", "None", nil, domains(3, 256-keyword-len(head[0])-1), nil},
		{"257 bytes, None", "None", nil, domains(3, 257-keyword-len(head[0])-1), warning(257)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := rewriteCase{spec: withDNS(t, tt.policy, api.PodDNSConfig{Searches: tt.own}), asked: api.SearchPrepend,
				settings: resolv.Settings{Facts: resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: tt.node}}}
			p, spec := c.run(t)
			if diff := cmp.Diff(tt.want, warnings(p)); diff != "" {
				t.Errorf("warnings differ for\n%s\n(-want +got):\n%s", spec, diff)
			}
		})
	}
}

// A plan depends on nothing but its case: the facts are shared and stay.
func TestFactsAreNotChanged(t *testing.T) {
	shared := resolv.Facts{Nameservers: make([]string, 1, 8), Domain: "cluster.local", NodeSearches: make([]string, 1, 40)}
	shared.Nameservers[0], shared.NodeSearches[0] = "10.96.0.10", "corp.example"
	before := shared.Hash()
	c := rewriteCase{spec: withDNS(t, "", api.PodDNSConfig{Nameservers: []string{"192.0.2.1"}, Searches: []string{"own.example"}}),
		asked: api.SearchPrepend, settings: resolv.Settings{Facts: shared}}
	first, spec := c.run(t)
	second, again := c.run(t)
	if diff := cmp.Diff(first.Mutations, second.Mutations); diff != "" || spec != again || shared.Hash() != before {
		t.Errorf("hash %s became %s, (-first +second):\n%s", before, shared.Hash(), diff)
	}
	if got := shared.Nameservers[:2][1] + shared.NodeSearches[:2][1]; got != "" {
		t.Errorf("the plan wrote %q behind the facts' lists", got)
	}
	if diff := cmp.Diff([]plan.Reason{plan.SearchPrepended}, first.Reasons()); diff != "" {
		t.Errorf("reasons differ (-want +got):\n%s", diff)
	}
}
