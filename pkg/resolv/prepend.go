package resolv

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

var specPath = field.NewPath("spec")

// prepend writes the pod's DNS configuration out whole (dnsPolicy None), as
// the kubelet would make it for a ClusterFirst pod, with the peer domain first.
// A pod that has dnsPolicy None keeps its own nameservers and options.
func prepend() Strategy {
	return Strategy{
		Name:    api.SearchPrepend,
		Summary: "writes the pod's DNS configuration out whole",
		Place:   "first",
		Needs:   "the cluster's DNS: `--cluster-dns` and `--cluster-domain`, or a pod's resolv.conf",
		Promise: Promise{
			Variable: "first",
			Found: "object.spec.?dnsPolicy.orValue('') == 'None' && size(variables.searches) > 0 && " +
				"variables.searches[0].startsWith(variables.domain)",
			Holds: "variables.first",
		},
		inPlace: func(c *Case) bool { return c.first(api.SearchPrepend) },
		byAuto:  true,
		obstacles: func(c *Case) []obstacle {
			if c.Pod.Spec.DNSPolicy == api.DNSNone || c.Settings.Facts.Known() {
				return nil
			}
			return []obstacle{{reason: plan.ClusterDNSUnknown, detail: "the cluster's DNS is not known to netmode"}}
		},
		apply: func(c *Case) {
			if c.Pod.Spec.DNSPolicy == api.DNSNone {
				prependToOwn(c)
				return
			}
			prependToCluster(c)
		},
	}
}

// prependToOwn puts the domains into the searches of a pod that brings its whole
// DNS configuration: the foreign ones last, but for those that it has itself.
func prependToOwn(c *Case) {
	domains := c.domains()
	own := c.Pod.Searches()
	others := slices.DeleteFunc(slices.Clone(own), func(s string) bool { return slices.Contains(domains.First, s) })
	last := slices.DeleteFunc(domains.Then, func(s string) bool { return slices.Contains(own, s) })
	searches := slices.Concat(domains.First, others, last)
	if refuseOverLimit(c, searches) {
		return
	}
	var where []string
	if len(domains.First) > 0 {
		where = append(where, strings.Join(domains.First, ", ")+" first")
	}
	if len(last) > 0 {
		where = append(where, strings.Join(last, ", ")+" last")
	}
	if extra := extraFor(c, searches); len(extra) > 0 {
		searches = slices.Concat(searches, extra)
		where = append(where, strings.Join(extra, ", ")+", which policy "+c.Defaults.Policy+" gives, behind them")
	}
	c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsConfig/searches", Value: searches},
		plan.SearchPrepended, "spec.dnsConfig.searches", strings.Join(where, ", and "))
	warnMusl(c, searches)
}

// prependToCluster writes the configuration of a pod that asks the cluster's DNS.
func prependToCluster(c *Case) {
	domains := c.domains()
	searches, ok := clusterSearches(c, domains)
	if !ok {
		return
	}
	config := api.PodDNSConfig{Nameservers: mergeNameservers(c), Searches: searches}
	c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsPolicy", Value: api.DNSNone},
		plan.SearchPrepended, "spec.dnsPolicy", "None, because the whole DNS configuration is written out")
	if c.lacksNdots() {
		ndots := strconv.Itoa(kubeletNdots)
		config.Options = []api.PodDNSConfigOption{{Name: string(api.OptionNdots), Value: &ndots}}
	}
	with := ""
	if len(c.Defaults.ExtraSearches) > 0 {
		with = ", with the domains of policy " + c.Defaults.Policy + " behind the cluster's"
	}
	// What a policy gives is appended to the options, and so must not be part of one whole.
	if c.Pod.Spec.DNSConfig == nil && len(c.optionsToGive()) == 0 {
		c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsConfig", Value: config}, plan.SearchPrepended, "spec.dnsConfig",
			fmt.Sprintf("the nameservers of %s, and %s in the search list%s", c.Settings.Facts.Domain, domains, with))
	} else {
		prependToMembers(c, &config, domains.String()+", then the cluster's, then the pod's own"+with)
	}
	warnMusl(c, searches)
}

// prependToMembers writes the configuration member by member.
func prependToMembers(c *Case, config *api.PodDNSConfig, text string) {
	if own := c.Pod.Spec.DNSConfig; own == nil || !slices.Equal(config.Nameservers, own.Nameservers) {
		c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsConfig/nameservers", Value: config.Nameservers},
			plan.SearchPrepended, "spec.dnsConfig.nameservers", "the nameservers of "+c.Settings.Facts.Domain+", then the pod's own")
	}
	c.Plan.Change(plan.Mutation{Pointer: "/spec/dnsConfig/searches", Value: config.Searches}, plan.SearchPrepended, "spec.dnsConfig.searches", text)
	for _, option := range config.Options {
		c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/dnsConfig/options", Value: option},
			plan.SearchPrepended, "spec.dnsConfig.options", "ndots 5, as for every pod of the cluster")
	}
}

// clusterSearches is the searches that a ClusterFirst pod would have, with the
// domains in their places and those of a policy before the node's, and the pod's own. The
// node's, then the policy's, are cut where the list is too long; only the pod's
// own can be the cause of a refusal.
func clusterSearches(c *Case, domains Domains) (searches []string, ok bool) {
	facts := &c.Settings.Facts
	head := domains.in([]string{c.Namespace + ".svc." + facts.Domain, "svc." + facts.Domain, facts.Domain})
	tail := c.Pod.Searches()
	if refuseOverLimit(c, unique(head, tail)) {
		return nil, false
	}
	given := slices.Concat(c.Defaults.ExtraSearches, facts.NodeSearches)
	// The list never grows when another entry is left out.
	cut := sort.Search(len(given), func(n int) bool { return fits(unique(head, given[:len(given)-n], tail)) })
	kept := len(given) - cut
	searches = unique(head, given[:kept], tail)
	if cut > 0 {
		text := "left out " + plan.List(given[kept:], " ")
		if kept < len(c.Defaults.ExtraSearches) {
			text += ", some of which policy " + c.Defaults.Policy + " gives"
		}
		c.Plan.Warn(plan.SearchesCut, "spec.dnsConfig.searches", text)
	}
	return searches, true
}

// unique joins lists and keeps the first of equal entries, as the kubelet does.
func unique(lists ...[]string) []string {
	all := slices.Concat(lists...)
	kept := all[:0]
	if len(all) <= 2*maxSearches {
		for _, s := range all {
			if !slices.Contains(kept, s) {
				kept = append(kept, s)
			}
		}
		return kept
	}
	seen := make(map[string]bool, len(all))
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// mergeNameservers is the cluster's nameservers, then the pod's own, as the
// kubelet merges them.
func mergeNameservers(c *Case) []string {
	merged := c.Settings.Facts.Nameservers
	if own := c.Pod.Spec.DNSConfig; own != nil {
		merged = unique(merged, own.Nameservers)
	}
	if len(merged) > maxNameservers {
		c.Plan.Warn(plan.NameserversCut, "spec.dnsConfig.nameservers", "left out "+plan.List(merged[maxNameservers:], " "))
		merged = merged[:maxNameservers]
	}
	return merged
}

func fits(searches []string) bool {
	return len(searches) <= maxSearches && len(strings.Join(searches, " ")) <= maxSearchChars
}

// refuseOverLimit refuses a search list that would be too long, naming the
// pod's own entries.
func refuseOverLimit(c *Case, searches []string) bool {
	if fits(searches) {
		return false
	}
	from := ""
	if len(c.Peers) > 0 {
		from = fmt.Sprintf(", of which %s gives %d,", api.AnnotationPeers, len(c.Peers))
	}
	c.Plan.Refuse(plan.SearchLimit, specPath.Child("dnsConfig", "searches"), len(c.Pod.Searches()),
		fmt.Sprintf("with the entries that the pod needs%s the list would have %d entries and %d characters, and Kubernetes allows %d and %d",
			from, len(searches), len(strings.Join(searches, " ")), maxSearches, maxSearchChars))
	return true
}
