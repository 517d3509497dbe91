package resolv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// Which pods count as done already. The cluster's domain in them is another
// than the one that netmode knows now: those whose status names the strategy. Without
// that, those with the domain of now, or of any where none is known.
func TestInPlace(t *testing.T) {
	const (
		first    = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default.svc.old.example","own.example"]},"containers":[{"name":"main"}]}`
		second   = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["own.example","peers.default.svc.old.example"]},"containers":[{"name":"main"}]}`
		listed   = `{"dnsPolicy":"ClusterFirst","dnsConfig":{"searches":["peers.default.svc.old.example"]},"containers":[{"name":"main"}]}`
		wholeDot = `{"dnsPolicy":"ClusterFirst","dnsConfig":{"searches":["peers.default.svc.old.example."]},"containers":[{"name":"main"}]}`
		other    = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default-prod.svc.old.example"]},"containers":[{"name":"main"}]}`
		longer   = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["db-peers.default.svc.old.example"]},"containers":[{"name":"main"}]}`
		bare     = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default"]},"containers":[{"name":"main"}]}`
		inited   = `{"initContainers":[{"name":"other"},{"name":"netmode-resolvconf","command":["/netmode","resolvconf","peers.default.svc.old.example"]}],"containers":[{"name":"main"}]}`
		hooked   = `{"containers":[{"name":"main"},{"name":"side","lifecycle":{"postStart":{"exec":{"command":["/bin/sh","-c","old script","netmode-post-start","peers.default.svc.old.example","x"]}}}}]}`
		unhooked = `{"containers":[{"name":"main","lifecycle":{"postStart":{"exec":{"command":["/bin/sh","-c","script","netmode-post-start","web.default.svc.old.example"]}}}}]}`
	)
	all := []api.SearchRewrite{"auto", "prepend", "append", "init-container", "post-start"}
	tests := []struct {
		name, spec string
		done       []api.SearchRewrite
	}{
		{"first of its own list", first, all},
		{"second of its own list", second, []api.SearchRewrite{"append"}},
		{"in the list that comes last", listed, []api.SearchRewrite{"auto", "append"}},
		{"with a dot at its end", wholeDot, []api.SearchRewrite{"auto", "append"}},
		{"another namespace that begins alike", other, nil},
		{"another Service that ends alike", longer, nil},
		{"no domain of the cluster", bare, nil},
		{"own init container", inited, []api.SearchRewrite{"init-container"}},
		{"own hook in one container", hooked, []api.SearchRewrite{"post-start"}},
		{"own hook for another Service", unhooked, nil},
	}
	for _, tt := range tests {
		for _, asked := range all {
			for _, now := range []struct {
				name, domain, facts string
				written, stands     bool
			}{
				{"the status names it", "old.example", "known", true, true},
				{"by hand, for another cluster", "old.example", "known", false, false},
				{"by hand, for this cluster", "cluster.local", "known", false, true},
				{"by hand, where nothing is known", "old.example", "unknown", false, true},
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", tt.name, asked, now.name), func(t *testing.T) {
					c := rewriteCase{spec: strings.ReplaceAll(tt.spec, "old.example", now.domain), asked: asked, settings: resolv.Settings{
						Facts: facts[now.facts], InitContainer: resolv.InitContainer{Image: "netmode:1"},
					}}
					if now.written {
						c.written = writtenBy(asked, tt.spec)
					}
					want := now.stands && slices.Contains(tt.done, asked)
					p, spec := c.run(t)
					if now.facts == "unknown" && !want {
						return // prepend is refused, or the assumed domain added
					}
					if done := spec == c.spec && len(p.Mutations) == 0 && !p.Refused(); done != want {
						t.Errorf("left alone: %t, want %t: reasons %v\n%s", done, want, p.Reasons(), spec)
					}
				})
			}
		}
	}
}

// writtenBy is what the status of such a pod names: never auto.
func writtenBy(asked api.SearchRewrite, spec string) api.SearchRewrite {
	switch {
	case asked != api.SearchAuto:
		return asked
	case strings.Contains(spec, "None"):
		return api.SearchPrepend
	default:
		return api.SearchAppend
	}
}

// A domain that a person wrote for another cluster is told of, and the right one
// is added to it.
func TestSearchOfAnotherCluster(t *testing.T) {
	const told = "spec.dnsConfig.searches[0]: peers.default.svc.cluster.local is of another cluster: the domain of this one is k8s.example: " +
		"remove that entry: netmode adds the right one (SearchOtherDomain)"
	for _, policy := range []string{"None", "ClusterFirst"} {
		c := rewriteCase{settings: resolv.Settings{Facts: facts["domain"]},
			spec: `{"dnsPolicy":"` + policy + `","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default.svc.cluster.local"]},"containers":[{"name":"main"}]}`}
		p, spec := c.run(t)
		if got := warnings(p); !slices.Contains(got, told) {
			t.Errorf("%s: told %q", policy, got)
		}
		if !strings.Contains(spec, "peers.default.svc.k8s.example") {
			t.Errorf("%s: the right one is missing: %s", policy, spec)
		}
		checkIdempotence(t, c, p, spec)
		c.spec = strings.ReplaceAll(c.spec, `"peers.default.svc.cluster.local"`, "")
		if p, _ := c.run(t); slices.Contains(p.Reasons(), plan.SearchOtherDomain) || p.Refused() {
			t.Errorf("%s: the cure is followed: %v", policy, p.Reasons())
		}
	}
}

// A hook of netmode's for another cluster does not run behind the right one.
func TestHookOfAnotherCluster(t *testing.T) {
	c := rewriteCase{asked: api.SearchPostStart, settings: resolv.Settings{Facts: facts["known"]},
		spec: `{"containers":[{"name":"main","lifecycle":{"postStart":{"exec":{"command":["/bin/sh","-c","old","netmode-post-start","peers.default.svc.old.example","x","y"]}}}}]}`}
	p, spec := c.run(t)
	if !strings.Contains(spec, `"peers.default.svc.cluster.local","x","y"]`) || strings.Contains(spec, "old.example") {
		t.Errorf("%v: %s", p.Reasons(), spec)
	}
}

// A pod that has the peer domain in its own list, but not first, gets it first
// and once.
func TestPrependMovesThePeerDomain(t *testing.T) {
	own := `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["own.example","peers.default.svc.cluster.local","b.example"]}}`
	cluster := `{"dnsConfig":{"searches":["own.example","peers.default.svc.cluster.local","corp.example"],"options":[]}}`
	tests := []struct {
		spec, want string
		asked      api.SearchRewrite
	}{
		{own, `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default.svc.cluster.local","own.example","b.example"]}}`, "prepend"},
		{own, `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["peers.default.svc.cluster.local","own.example","b.example"]}}`, "auto"},
		{cluster, `{"dnsPolicy":"None","dnsConfig":{"nameservers":["10.96.0.10"],"searches":["peers.default.svc.cluster.local","default.svc.cluster.local",` +
			`"svc.cluster.local","cluster.local","corp.example","own.example"],"options":[{"name":"ndots","value":"5"}]}}`, "prepend"},
	}
	for _, tt := range tests {
		c := rewriteCase{spec: tt.spec, asked: tt.asked, settings: resolv.Settings{Facts: facts["known"]}}
		p, spec := c.run(t)
		if diff := sameJSON(t, tt.want, spec); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", tt.asked, p.Denial(), diff)
		}
		checkIdempotence(t, c, p, spec)
	}
}

// A pod that asks for no strategy keeps what any wrote. The peer domain behind others in the pod's
// own list comes first, unless the policy's strategy is append.
func TestInPlaceOfPodsThatAskForNone(t *testing.T) {
	const second = `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.53"],"searches":["own.example","peers.default.svc.cluster.local"]},"containers":[{"name":"main"}]}`
	for _, policy := range append(api.SearchRewrites(), "") {
		c := rewriteCase{spec: second, given: given(policy), settings: resolv.Settings{
			Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "netmode:1"},
		}}
		p, _ := c.run(t)
		if kept, want := !p.Changes(), policy == api.SearchAppend || policy == api.SearchNone; kept != want {
			t.Errorf("%q: left alone: %t, want %t: reasons %v", policy, kept, want, p.Reasons())
		}
	}
}
