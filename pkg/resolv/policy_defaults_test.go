package resolv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

func given(strategy api.SearchRewrite, extra ...string) resolv.PolicyDefaults {
	return resolv.PolicyDefaults{Policy: "platform", PolicyRewrite: api.PolicyRewrite{Strategy: strategy, ExtraSearches: extra}}
}

// The truth table of Rewrite, for strategies that cannot be used: what the pod
// asks for is refused, and what a policy gives makes way for auto.
func TestGivenStrategyThatCannotBeUsed(t *testing.T) {
	const (
		field = "policy platform spec.searchRewrite.strategy: "
		asks  = "metadata.annotations[netmode.io/search-rewrite]: Invalid value: "

		unknown = "the cluster's DNS is not known to netmode: start netmode with --cluster-dns and --cluster-domain, or use netmode.io/search-rewrite: append (ClusterDNSUnknown)"
		root    = "the namespace enforces PodSecurity restricted, and the init container must run as root: use netmode.io/search-rewrite: auto (InitContainerRoot)"
		image   = "netmode has no image for its init container: start netmode with --init-image, or use netmode.io/search-rewrite: auto and no netmode.io/wait (InitContainerImage)"
		name    = "the name belongs to netmode's init container: rename that container, or remove it where it is a copy of netmode's (InitContainerName)"
		nothing = "no container can run the hook: it needs root, a writable root filesystem, and a postStart that is free or exec: " +
			"use netmode.io/search-rewrite: auto (PostStartImpossible)"

		plain    = `{"containers":[{"name":"main"}]}`
		nonRoot  = `{"securityContext":{"runAsNonRoot":true},"containers":[{"name":"main"}]}`
		sameName = `{"containers":[{"name":"main"},{"name":"netmode-resolvconf"}]}`
	)
	restricted := map[string]string{api.LabelPodSecurityEnforce: "restricted"}
	hasImage := resolv.InitContainer{Image: "netmode:1"}
	for _, tt := range []struct {
		name, spec, facts string
		strategy          api.SearchRewrite
		image             resolv.InitContainer
		labels            map[string]string
		denial            string // where the pod asks for it
		warnings          []string
		then              api.SearchRewrite
		searches          string // first of the pod's searches in the end
	}{
		{"prepend, and DNS unknown", plain, "unknown", api.SearchPrepend, hasImage, nil, asks + `"prepend": ` + unknown,
			[]string{field + "prepend gives way to auto for this pod: " + unknown, assumed}, api.SearchAppend, "peers.default.svc.cluster.local"},
		{"prepend, and the domain alone is known", plain, "domain", api.SearchPrepend, hasImage, nil, asks + `"prepend": ` + unknown,
			[]string{field + "prepend gives way to auto for this pod: " + unknown}, api.SearchAppend, "peers.default.svc.k8s.example"},
		{"init-container, restricted, and DNS known", plain, "known", api.SearchInitContainer, hasImage, restricted, asks + `"init-container": ` + root,
			[]string{field + "init-container gives way to auto for this pod: " + root}, api.SearchPrepend, "peers.default.svc.cluster.local"},
		{"init-container, restricted, without an image", plain, "domain", api.SearchInitContainer, resolv.InitContainer{}, restricted,
			"2 problems: " + asks + `"init-container": ` + root + "; " + asks + `"init-container": ` + image,
			[]string{field + "init-container gives way to auto for this pod: " + root, field + "init-container gives way to auto for this pod: " + image},
			api.SearchAppend, "peers.default.svc.k8s.example"},
		{"init-container, and its name is taken", sameName, "domain", api.SearchInitContainer, hasImage, nil,
			`spec.containers[1].name: Invalid value: "netmode-resolvconf": ` + name,
			[]string{field + "init-container gives way to auto for this pod: spec.containers[1].name " + name}, api.SearchAppend, "peers.default.svc.k8s.example"},
		{"post-start, and nothing runs as root", nonRoot, "known", api.SearchPostStart, hasImage, nil, asks + `"post-start": ` + nothing,
			[]string{field + "post-start gives way to auto for this pod: " + nothing}, api.SearchPrepend, "peers.default.svc.cluster.local"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			settings := resolv.Settings{Facts: facts[tt.facts], InitContainer: tt.image}
			asked := rewriteCase{spec: tt.spec, asked: tt.strategy, given: given(api.SearchNone), settings: settings, labels: tt.labels}
			if p, _ := asked.run(t); p.Denial() != tt.denial || len(p.Mutations) > 0 {
				t.Errorf("asked: got  %s\nwant %s", p.Denial(), tt.denial)
			}
			c := rewriteCase{spec: tt.spec, given: given(tt.strategy), settings: settings, labels: tt.labels}
			p, spec := c.run(t)
			if p.Refused() || p.Strategy != tt.then {
				t.Errorf("strategy %q, want %q; denial %q", p.Strategy, tt.then, p.Denial())
			}
			if diff := cmp.Diff(tt.warnings, warnings(p)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if want := string(tt.strategy) + ", the search rewrite of policy platform (SearchByPolicy)"; p.Message(&p.Trace[0]) != want {
				t.Errorf("the trace begins %q, want %q", p.Message(&p.Trace[0]), want)
			}
			if !strings.Contains(spec, `"searches":["`+tt.searches) {
				t.Errorf("the pod is %s", spec)
			}
			checkIdempotence(t, c, p, spec)
		})
	}
}

// A strategy that can be used applies, also where it is not what auto would be.
func TestGivenStrategyApplies(t *testing.T) {
	for _, strategy := range api.SearchRewrites() {
		c := rewriteCase{spec: `{"containers":[{"name":"main"}]}`, given: given(strategy),
			settings: resolv.Settings{Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "netmode:1"}}}
		p, _ := c.run(t)
		want := strategy
		if strategy == api.SearchAuto {
			want = api.SearchPrepend
		}
		if p.Strategy != want || p.Refused() || !slices.Contains(p.Reasons(), plan.SearchByPolicy) {
			t.Errorf("%s: strategy %q, denial %q, reasons %v", strategy, p.Strategy, p.Denial(), p.Reasons())
		}
		asked := c
		asked.asked = api.SearchAppend
		if p, _ := asked.run(t); p.Strategy != api.SearchAppend || slices.Contains(p.Reasons(), plan.SearchByPolicy) {
			t.Errorf("%s, and the pod asks for append: strategy %q, reasons %v", strategy, p.Strategy, p.Reasons())
		}
	}
}

// What one call wrote stands when another knows another policy or none: between
// the two, policies may change. What the pod asks for is done all the same.
func TestGivenStrategyChanges(t *testing.T) {
	settings := resolv.Settings{Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "netmode:1"}}
	strategies := slices.DeleteFunc(append(api.SearchRewrites(), ""), func(s api.SearchRewrite) bool { return s == api.SearchNone })
	for _, before := range strategies {
		first := rewriteCase{spec: `{"containers":[{"name":"main"}]}`, given: given(before), settings: settings}
		_, spec := first.run(t)
		for _, after := range strategies {
			second := rewriteCase{spec: spec, given: given(after), settings: settings}
			if p, _ := second.run(t); len(p.Mutations) > 0 || p.Refused() || !slices.Contains(p.Reasons(), plan.SearchInPlace) {
				t.Errorf("%q and then %q: %v %v", before, after, p.Mutations, p.Reasons())
			}
		}
		if before == api.SearchPostStart {
			continue
		}
		asks := rewriteCase{spec: spec, asked: api.SearchPostStart, given: given(before), settings: settings}
		if p, _ := asks.run(t); p.Changes() != !strings.Contains(spec, `"dnsPolicy":"None"`) {
			t.Errorf("%q, and the pod asks for post-start: %v %v", before, p.Mutations, p.Reasons())
		}
	}
}

// The dnsPolicy of the pod is its author's, whoever gives the strategy.
func TestGivenStrategyAndDNSPolicyDefault(t *testing.T) {
	c := rewriteCase{spec: fmt.Sprintf(plainPod, defaultPolicy[0]), given: given(api.SearchPrepend), settings: resolv.Settings{Facts: facts["known"]}}
	if p, _ := c.run(t); p.Denial() != nodesDNS {
		t.Errorf("got  %s\nwant %s", p.Denial(), nodesDNS)
	}
	c.given = given(api.SearchNone)
	if p, _ := c.run(t); p.Refused() || p.Strategy != api.SearchNone {
		t.Errorf("none: %s", p.Denial())
	}
}

// Whoever chooses the strategy, the domains of a policy are told by its name.
func TestGivenDomains(t *testing.T) {
	whole := "spec.dnsConfig: the nameservers of cluster.local, and peers.default.svc.cluster.local first in the search list" +
		", with the domains of policy platform behind the cluster's (SearchPrepended)"
	beside := "spec.dnsConfig.searches: peers.default.svc.cluster.local first, then the cluster's, then the pod's own" +
		", with the domains of policy platform behind the cluster's (SearchPrepended)"
	behind := "spec.dnsConfig.searches: peers.default.svc.cluster.local first, and a.example, which policy platform gives, behind them (SearchPrepended)"
	added := "spec.dnsConfig.searches: added a.example, which policy platform gives (SearchExtra)"
	for _, tt := range []struct {
		asked api.SearchRewrite
		dns   string
		want  string
	}{
		{"", "", whole},
		{api.SearchPrepend, `,"dnsConfig":{"searches":["own.example"]}`, beside},
		{api.SearchPrepend, ownDNS, behind},
		{api.SearchPrepend, strings.Replace(ownDNS, `"own.example"`, `"own.example","peers.default.svc.cluster.local"`, 1), behind},
		{api.SearchAppend, "", added},
		{api.SearchInitContainer, "", added},
		{api.SearchPostStart, "", added},
	} {
		c := rewriteCase{spec: fmt.Sprintf(plainPod, tt.dns), asked: tt.asked, given: given("", "a.example"),
			settings: resolv.Settings{Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "netmode:1"}}}
		p, spec := c.run(t)
		if !slices.ContainsFunc(p.Trace, func(f plan.Finding) bool { return p.Message(&f) == tt.want }) || !strings.Contains(spec, `"a.example"`) {
			t.Errorf("%q%s: %v\nwant %s", tt.asked, tt.dns, p.Trace, tt.want)
		}
	}
}

// What Kubernetes has no room for is told by the policy's name.
func TestGivenDomainsLeftOut(t *testing.T) {
	const of = ": shorten the search list of the nodes or of the policy (SearchesCut)"
	for _, tt := range []struct {
		asked api.SearchRewrite
		own   int
		want  string
	}{
		{api.SearchAppend, 31, "spec.dnsConfig.searches: left out a.example, which policy platform gives" + of},
		{api.SearchPrepend, 28, "spec.dnsConfig.searches: left out a.example corp.example, some of which policy platform gives" + of},
		{api.SearchPrepend, 27, "spec.dnsConfig.searches: left out corp.example" + of},
	} {
		spec := withDNS(t, "", api.PodDNSConfig{Searches: domains(tt.own, 600)})
		c := rewriteCase{spec: spec, asked: tt.asked, given: given("", "a.example"), settings: resolv.Settings{Facts: facts["known"]}}
		if p, _ := c.run(t); !slices.Contains(warnings(p), tt.want) {
			t.Errorf("%s: %q\nwant %s", tt.asked, warnings(p), tt.want)
		}
	}
}
