package resolv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

var (
	localPeer    = api.Peer{Service: "workers", Namespace: "default"}
	foreignPeer  = api.Peer{Service: "zk", Namespace: "data"}
	foreignPeer2 = api.Peer{Service: "kube-dns", Namespace: "kube-system"}
	somePeers    = []api.Peer{foreignPeer, localPeer, foreignPeer2}

	withImage = resolv.InitContainer{Image: "netmode:1"}
)

// resolvConf is the search list that a pod's containers will have: what the kubelet
// writes, and then what netmode's init container and hooks make of it.
func resolvConf(t *testing.T, spec string, f resolv.Facts) []string {
	t.Helper()
	var pod api.PodSpec
	if err := json.Unmarshal([]byte(spec), &pod); err != nil {
		t.Fatal(err)
	}
	var searches []string
	if domain := f.DomainOrAssumed(); pod.DNSPolicy != api.DNSNone {
		searches = append([]string{"default.svc." + domain, "svc." + domain, domain}, f.NodeSearches...)
	}
	if pod.DNSConfig != nil {
		searches = append(searches, pod.DNSConfig.Searches...)
	}
	text := []byte("search " + strings.Join(searches, " ") + "\n")
	put := func(words []string) {
		domains, err := resolv.ParseDomains(words)
		if err != nil {
			t.Fatal(err)
		}
		text, _ = domains.Put(text)
	}
	for _, container := range pod.InitContainers {
		put(container.Command[2:])
	}
	for _, container := range pod.Containers {
		if container.Lifecycle != nil {
			put(strings.Fields(container.Lifecycle.PostStart.Exec.Command[4]))
		}
	}
	return resolv.Parse(text).Searches
}

// TestPeers is where the domains are, for each strategy. "C" stands for the cluster's
// three searches, and a pod with dnsPolicy None lists some of them itself.
func TestPeers(t *testing.T) {
	const (
		clusterFirst = `{"containers":[{"name":"main"}]}`
		hostNet      = `{"dnsPolicy":"ClusterFirstWithHostNet","containers":[{"name":"main"}]}`
		none         = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["default.svc.D","own.example"]},"containers":[{"name":"main"}]}`
		ownSearch    = `{"dnsConfig":{"searches":["own.example","zk.data.svc.D"]},"containers":[{"name":"main"}]}`
		first        = "peers.default.svc.D workers.default.svc.D default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D svc.D D"
		alone        = "workers.default.svc.D default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D svc.D D"
	)
	for _, tt := range []struct {
		asked api.SearchRewrite
		alone bool
		facts string
		spec  string
		want  string
	}{
		{"", false, "known", clusterFirst, first + " extra.example corp.example"},
		{"", true, "known", clusterFirst, alone + " extra.example corp.example"},
		{"prepend", true, "known", hostNet, alone + " extra.example corp.example"},
		{"prepend", false, "known", ownSearch, first + " extra.example corp.example own.example"},
		{"prepend", false, "unknown", none, "peers.default.svc.D workers.default.svc.D default.svc.D own.example zk.data.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"", true, "known", none, "workers.default.svc.D default.svc.D own.example zk.data.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"", true, "unknown", clusterFirst, "default.svc.D svc.D D workers.default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"append", false, "known", clusterFirst, "default.svc.D svc.D D corp.example peers.default.svc.D workers.default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"append", false, "known", ownSearch, "default.svc.D svc.D D corp.example own.example zk.data.svc.D peers.default.svc.D workers.default.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"append", false, "known", none, "default.svc.D own.example peers.default.svc.D workers.default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D extra.example"},
		{"init-container", false, "known", clusterFirst, first + " corp.example extra.example"},
		{"init-container", true, "domain", clusterFirst, alone + " extra.example"},
		{"init-container", true, "known", ownSearch, alone + " corp.example own.example extra.example"},
		{"init-container", true, "known", none, "workers.default.svc.D default.svc.D zk.data.svc.D kube-dns.kube-system.svc.D own.example extra.example"},
		{"post-start", false, "known", hostNet, first + " corp.example extra.example"},
		{"post-start", true, "unknown", clusterFirst, alone + " extra.example"},
	} {
		name := fmt.Sprintf("%q, alone %t, facts %s, %s", tt.asked, tt.alone, tt.facts, tt.spec)
		known := facts[tt.facts]
		as := func(text string) string { return strings.ReplaceAll(text, "D", known.DomainOrAssumed()) }
		c := rewriteCase{spec: strings.ReplaceAll(tt.spec, "svc.D", "svc."+known.DomainOrAssumed()), asked: tt.asked, alone: tt.alone, peers: somePeers, given: given("", "extra.example"),
			settings: resolv.Settings{Facts: known, InitContainer: withImage}}
		p, spec := c.run(t)
		if diff := cmp.Diff(strings.Fields(as(tt.want)), resolvConf(t, spec, known)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, p.Denial(), diff)
		}
		checkIdempotence(t, c, p, spec)
	}
}

// TestPeersShadowNothing looks names up as a resolver does: the first search that
// holds a name answers. A pod of another namespace never hides a Service of this one,
// in any strategy; with the foreign domain in front it would.
func TestPeersShadowNothing(t *testing.T) {
	const domain = "cluster.local"
	names := map[string]string{ // there are two of the name db: the Service next door, and a pod far away
		"db.default.svc." + domain:               "the Service",
		"db.zk.data.svc." + domain:               "the pod of another namespace",
		"zk-0.zk.data.svc." + domain:             "the peer of another namespace",
		"worker-0.workers.default.svc." + domain: "the peer",
		"peers-0.peers.default.svc." + domain:    "the pod next to it",
	}
	lookUp := func(searches []string, name string) string {
		for _, search := range searches {
			if found := names[name+"."+search]; found != "" {
				return found
			}
		}
		return ""
	}
	if got := lookUp([]string{"zk.data.svc." + domain, "default.svc." + domain}, "db"); got != "the pod of another namespace" {
		t.Fatalf("the other order finds %q: this test finds nothing", got)
	}
	for _, spec := range []string{
		`{"containers":[{"name":"main"}]}`,
		`{"dnsPolicy":"ClusterFirstWithHostNet","dnsConfig":{"searches":["own.example"]},"containers":[{"name":"main"}]}`,
		`{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["default.svc.cluster.local"]},"containers":[{"name":"main"}]}`,
	} {
		for _, asked := range append(slices.DeleteFunc(api.SearchRewrites(), func(s api.SearchRewrite) bool { return s == api.SearchNone }), "") {
			for _, alone := range []bool{false, true} {
				c := rewriteCase{spec: spec, asked: asked, alone: alone, peers: somePeers, settings: resolv.Settings{Facts: facts["known"], InitContainer: withImage}}
				_, patched := c.run(t)
				searches := resolvConf(t, patched, facts["known"])
				want := map[string]string{"db": "the Service", "zk-0": "the peer of another namespace", "worker-0": "the peer", "peers-0": "the pod next to it"}
				if alone {
					want["peers-0"] = ""
				}
				for name, found := range want {
					if got := lookUp(searches, name); got != found {
						t.Errorf("%q, alone %t, %s: %s is %q, want %q: %v", asked, alone, spec, name, got, found, searches)
					}
				}
			}
		}
	}
}

// Which pods have their peers' domains already.
func TestPeersInPlace(t *testing.T) {
	own := func(searches string) string {
		return `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":[` + searches + `]},"containers":[{"name":"main"}]}`
	}
	inited := func(words string) string {
		return `{"initContainers":[{"name":"netmode-resolvconf","command":["/netmode","resolvconf",` + words + `]}],"containers":[{"name":"main"}]}`
	}
	hooked := func(words string) string {
		return `{"containers":[{"name":"main","lifecycle":{"postStart":{"exec":{"command":["/bin/sh","-c","x","netmode-post-start","` + words + `"]}}}}]}`
	}
	const (
		p, w, z, k, n = `"peers.default.svc.cluster.local"`, `"workers.default.svc.cluster.local"`, `"zk.data.svc.cluster.local"`, `"kube-dns.kube-system.svc.cluster.local"`, `"default.svc.cluster.local"`
		behind        = `,"behind",` + n + `,`
	)
	bare := func(words string) string { return strings.NewReplacer(`"`, "", ",", " ").Replace(words) }
	for _, tt := range []struct {
		asked      api.SearchRewrite
		name, spec string
		want       bool
	}{
		{"prepend", "all", own(p + "," + w + "," + n + "," + z + "," + k), true},
		{"prepend", "the foreign ones anywhere behind", own(p + "," + w + "," + k + "," + n + "," + z), true},
		{"prepend", "the local ones in another order", own(w + "," + p + "," + n + "," + z + "," + k), false},
		{"prepend", "something between the local ones", own(p + "," + n + "," + w + "," + z + "," + k), false},
		{"prepend", "a foreign one is missing", own(p + "," + w + "," + n + "," + z), false},
		{"prepend", "a local one is missing", own(p + "," + n + "," + z + "," + k), false},
		{"prepend", "the own one is missing", own(w + "," + n + "," + z + "," + k), false},
		{"prepend", "nothing", own(""), false},
		{"append", "all, in any order", own(z + "," + n + "," + w + "," + k + "," + p), true},
		{"append", "one is missing", own(z + "," + n + "," + w + "," + p), false},
		{"init-container", "all", inited(p + "," + w + behind + z + "," + k), true},
		{"post-start", "all", hooked(bare(p + "," + w + behind + z + "," + k)), true},
		{"post-start", "a peer is missing", hooked(bare(p + "," + w + behind + z)), false},
		{"post-start", "without peers", hooked(bare(p)), false},
		{"post-start", "more words than netmode writes", hooked(bare(p+","+w+behind+z+","+k) + strings.Repeat(" x", 500)), true},
		{"post-start", "too many words in front", hooked(strings.Repeat("x ", 500) + bare(p+","+w+behind+z+","+k)), false},
	} {
		c := rewriteCase{spec: tt.spec, asked: tt.asked, peers: somePeers, settings: resolv.Settings{Facts: facts["known"], InitContainer: withImage}}
		p, spec := c.run(t)
		if got := slices.Contains(p.Reasons(), plan.SearchInPlace); got != tt.want || got == p.Changes() {
			t.Errorf("%s, %s: in place %t, want %t: %v\n%s", tt.asked, tt.name, got, tt.want, p.Reasons(), spec)
		}
		checkIdempotence(t, c, p, spec)
	}
	// The init container of a pod that asked for other peers is not netmode's to change.
	for _, words := range []string{p, p + "," + w, p + "," + w + behind + z, p + behind + z + "," + k} {
		c := rewriteCase{spec: inited(words), asked: "init-container", peers: somePeers, settings: resolv.Settings{Facts: facts["known"], InitContainer: withImage}}
		if p, _ := c.run(t); !slices.Contains(p.Reasons(), plan.InitContainerName) || !p.Refused() {
			t.Errorf("%s: %v", words, p.Reasons())
		}
	}
}

// What keeps the domains of peers out is told, with its cure.
func TestPeersRefused(t *testing.T) {
	many := make([]api.Peer, api.MaxPeers)
	for i := range many {
		many[i] = api.Peer{Service: fmt.Sprintf("s%d", i), Namespace: "data"}
	}
	known := resolv.Settings{Facts: facts["known"], InitContainer: withImage}
	const over = `spec.dnsConfig.searches: Invalid value: %d: with the entries that the pod needs, of which netmode.io/peers gives 10, ` +
		`the list would have %d entries and %d characters, and Kubernetes allows 32 and 2048: shorten dnsConfig.searches or netmode.io/peers (SearchLimit)`
	for _, tt := range []struct {
		c    rewriteCase
		want string
	}{
		{rewriteCase{spec: `{"dnsPolicy":"Default"}`}, nodesDNS},
		{rewriteCase{spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirst"}`, nodeDNS: true},
			`spec.dnsPolicy: Invalid value: "ClusterFirst": on the host network it means the node's DNS, which does not know the peers' names: ` +
				`set dnsPolicy: ClusterFirstWithHostNet, or netmode.io/search-rewrite: none (DNSPolicyOfNode)`},
		{rewriteCase{spec: `{"hostNetwork":true}`, nodeDNS: true, asked: api.SearchNone}, ""},
		{rewriteCase{spec: withDNS(t, "", api.PodDNSConfig{Searches: domains(19, 0)}), alone: true, peers: many}, ""},
		{rewriteCase{spec: withDNS(t, "", api.PodDNSConfig{Searches: domains(20, 0)}), alone: true, peers: many}, fmt.Sprintf(over, 20, 33, 547)},
		{rewriteCase{spec: withDNS(t, "", api.PodDNSConfig{Searches: domains(22, 0)}), asked: api.SearchAppend, peers: many}, fmt.Sprintf(over, 22, 33, 545)},
		{rewriteCase{spec: withDNS(t, "None", api.PodDNSConfig{Searches: domains(22, 0)}), peers: many}, fmt.Sprintf(over, 22, 33, 545)},
		{rewriteCase{spec: withDNS(t, "None", api.PodDNSConfig{Searches: domains(20, 1800)}), peers: many}, fmt.Sprintf(over, 20, 31, 2092)},
	} {
		c := tt.c
		c.settings = known
		if c.peers == nil {
			c.peers = somePeers
		}
		if p, _ := c.run(t); p.Denial() != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.spec, p.Denial(), tt.want)
		}
	}
}

// Without a rewrite peers are nobody's, whoever says none.
func TestPeersUnused(t *testing.T) {
	want := []string{"metadata.annotations[netmode.io/peers]: they do nothing, since the search rewrite is none: " +
		"set netmode.io/search-rewrite: auto, or remove netmode.io/peers (PeersUnused)"}
	for _, c := range []rewriteCase{{asked: api.SearchNone}, {given: given(api.SearchNone)}} {
		c.spec, c.peers = `{"containers":[{"name":"main"}]}`, somePeers
		if p, _ := c.run(t); !slices.Equal(warnings(p), want) || len(p.Mutations) > 0 {
			t.Errorf("got %q, want %q", warnings(p), want)
		}
		c.asked = api.SearchAuto // the cure
		if p, _ := c.run(t); slices.Contains(p.Reasons(), plan.PeersUnused) || !p.Changes() {
			t.Errorf("the cure is followed: %v", p.Reasons())
		}
		c.asked, c.peers = api.SearchNone, nil // the other one
		if p, _ := c.run(t); len(warnings(p)) > 0 {
			t.Errorf("the other cure is followed: %v", warnings(p))
		}
	}
}

// Many peers make the search line longer than musl reads, in every strategy.
func TestPeersAndMusl(t *testing.T) {
	peers := make([]api.Peer, 6)
	for i := range peers {
		peers[i] = api.Peer{Service: fmt.Sprintf("service-%d", i), Namespace: "a-namespace"}
	}
	for _, asked := range []api.SearchRewrite{"prepend", "append", "init-container", "post-start"} {
		for _, spec := range []string{`{"containers":[{"name":"main"}]}`, `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"]},"containers":[{"name":"main"}]}`} {
			c := rewriteCase{spec: spec, asked: asked, peers: peers, settings: resolv.Settings{Facts: facts["known"], InitContainer: withImage}}
			p, patched := c.run(t)
			line := len("search " + strings.Join(resolvConf(t, patched, facts["known"]), " "))
			want := fmt.Sprintf("spec.dnsConfig.searches: the search line has %d bytes, and images with musl (Alpine) ignore one over 256: ", line)
			if !slices.ContainsFunc(warnings(p), func(w string) bool { return strings.HasPrefix(w, want) }) {
				t.Errorf("%s: %q, want %q", asked, warnings(p), want)
			}
			c.peers = peers[:1]
			if p, _ := c.run(t); slices.Contains(p.Reasons(), plan.SearchTooLongForMusl) {
				t.Errorf("%s: one peer: %q", asked, warnings(p))
			}
		}
	}
}
