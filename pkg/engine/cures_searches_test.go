package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

func toldOfSearches() []told {
	var searches []string
	for i := range 30 {
		searches = append(searches, fmt.Sprintf("d%d.%s.example", i, strings.Repeat("x", 60)))
	}
	quoted := `"` + strings.Join(searches, `","`) + `"`

	pod := func(strategy, spec string, around ...func(*scene)) scene {
		s := scene{object: asking("Pod", peersMode, named, `{"subdomain":"s",`+spec+`}`, api.AnnotationSearchRewrite, strategy), settings: knowsDNS()}
		for _, change := range around {
			change(&s)
		}
		return s
	}
	unknown := func(s *scene) { s.settings.Search.Facts.Nameservers, s.settings.Search.Facts.Domain = nil, "" }
	noImage := func(s *scene) { s.settings.Search.InitContainer.Image = "" }
	restricted := func(s *scene) { s.labels = api.LabelPodSecurityEnforce + "=restricted" }
	ofNode := func(s *scene) { s.settings.Search.Facts.NodeSearches = searches }
	ofPolicy := func(s *scene) {
		s.policies = []string{"p", `{"namespaceSelector":{},"searchRewrite":{"extraSearches":["` + strings.Join(searches[:16], `","`) + `"]}}`}
		s.settings.Search.Facts.NodeSearches = searches[16:]
	}
	long := func(s *scene) {
		s.namespace, s.settings.Search.Facts.NodeSearches = strings.Repeat("n", 63), searches[:1]
	}

	calling := func(strategy string) scene {
		object := asking("Pod", "default", named, `{"containers":[{"name":"c"}]}`, api.AnnotationPeers, "zk", api.AnnotationSearchRewrite, strategy)
		return scene{object: object, services: `[{"metadata":{"name":"s"},"spec":{"clusterIP":"None","selector":{"app":"s"}}}]`, settings: knowsDNS()}
	}
	started := func(_ *testing.T, s *scene) { s.settings = knowsDNS() }
	auto := func(was string) edit { return swap(`"`+was+`"`, `"auto"`) }
	const (
		plain, useAuto = `"containers":[{"name":"c"}]`, "use netmode.io/search-rewrite: auto"
		sameName       = `"containers":[{"name":"c"}],"initContainers":[{"name":"netmode-resolvconf","command":["x"]}]`
		nonRoot        = `"securityContext":{"runAsNonRoot":true},"containers":[{"name":"c"}]`
	)
	return []told{
		{plan.ClusterDNSUnknown, "start netmode with --cluster-dns and --cluster-domain", pod("prepend", plain, unknown), started},
		{plan.ClusterDNSUnknown, "or use netmode.io/search-rewrite: append", pod("prepend", plain, unknown), swap("prepend", "append")},
		{plan.ClusterDomainAssumed, "start netmode with --cluster-domain", pod("append", plain, unknown), started},
		{plan.SearchOtherDomain, "remove that entry", pod("append", `"dnsConfig":{"searches":["s.storm.svc.k8s.example"]}`), swap(`"s.storm.svc.k8s.example"`, ``)},
		{plan.SearchLimit, "shorten dnsConfig.searches", pod("prepend", `"dnsConfig":{"searches":[`+quoted+`]}`), swap(quoted, `"d.example"`)},
		{plan.SearchesCut, "shorten the search list of the nodes", pod("prepend", plain, ofNode), started},
		{plan.SearchesCut, "or of the policy", pod("prepend", plain, ofPolicy), func(_ *testing.T, s *scene) { s.policies = nil }},
		{plan.NameserversCut, "list fewer nameservers", pod("prepend", `"dnsConfig":{"nameservers":["192.0.2.1","192.0.2.2","192.0.2.3"]}`), swap(`,"192.0.2.3"`, ``)},
		{plan.SearchTooLongForMusl, "shorten the namespace's or the domains' names", pod("prepend", plain, long), func(_ *testing.T, s *scene) { s.namespace = "n" }},
		{plan.PeersUnused, "set netmode.io/search-rewrite: auto", calling("none"), auto("none")},
		{plan.PeersUnused, "or remove netmode.io/peers", calling("none"), swap(`,"netmode.io/peers":"zk"`, ``)},
		{plan.PeerMissing, "create it", calling("auto"), swapServices(`"name":"s"`, `"name":"zk"`)},
		{plan.PeerMissing, "or correct netmode.io/peers", calling("auto"), swap(`"netmode.io/peers":"zk"`, `"netmode.io/peers":"s"`)},
		{plan.SearchNdots, "set ndots to 5", pod("append", `"dnsConfig":{"options":[{"name":"ndots","value":"0"}]}`), swap(`"value":"0"`, `"value":"5"`)},
		{plan.SearchNdots, "or remove it", pod("prepend", `"dnsConfig":{"options":[{"name":"ndots","value":"five"}]}`), swap(`{"name":"ndots","value":"five"}`, ``)},
		{plan.PostStartNeedsShell, "or " + useAuto, pod("post-start", plain), auto("post-start")},
		{plan.PostStartNeedsShell, "or " + useAuto, pod("post-start", plain, unknown, noImage), auto("post-start")},
		{plan.PostStartImpossible, useAuto, pod("post-start", nonRoot), auto("post-start")},
		{plan.PostStartImpossible, useAuto, pod("post-start", nonRoot, unknown, noImage), auto("post-start")},
		{plan.InitContainerRoot, useAuto, pod("init-container", plain, restricted), auto("init-container")},
		{plan.InitContainerRoot, useAuto, pod("init-container", plain, restricted, unknown), auto("init-container")},
		{plan.InitContainerImage, "start netmode with --init-image", pod("init-container", plain, noImage), started},
		{plan.InitContainerImage, "or " + useAuto, pod("init-container", plain, noImage, unknown), auto("init-container")},
		{plan.InitContainerName, "rename that container", pod("init-container", sameName), swap("netmode-resolvconf", "other")},
		{plan.InitContainerName, "or remove it", pod("init-container", sameName), swap(`,"initContainers":[{"name":"netmode-resolvconf","command":["x"]}]`, ``)},
	}
}
