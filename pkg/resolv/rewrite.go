// Package resolv puts the domains of a pod's peers into the search list of its
// resolv.conf: one file per strategy, and the facts about the cluster's DNS that
// they need.
//
// [Rewrite] picks the strategy for a pod and runs it. [Facts] are what it knows of
// the cluster's DNS: what an operator declares, or what the resolv.conf of a pod
// tells. [Domains.Put] is what the init container does to the file itself.
//
// The package is pure: it reads values and records what to change.
package resolv

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Settings are what every rewrite of one netmode process shares.
type Settings struct {
	Facts         Facts
	InitContainer InitContainer
}

// Case is one pod whose search list is to name its peers.
type Case struct {
	Pod *api.Pod
	// Namespace is the pod's, and NamespaceLabels its labels where they are known.
	Namespace       string
	NamespaceLabels map[string]string
	// Subdomain is the governing Service, whose pods are the first of its peers; empty:
	// none is wanted.
	Subdomain string
	// Peers are more Services whose pods are its peers: each once, with its namespace,
	// without the governing one.
	Peers []api.Peer
	// NodeDNS says that dnsPolicy ClusterFirst amounts to Default, as it does to a pod
	// on the host network.
	NodeDNS bool
	// Defaults are what a policy says.
	Defaults PolicyDefaults
	// Options are what a policy gives.
	Options  GivenOptions
	Settings *Settings
	Plan     *plan.Plan
	// Written is the strategy that the pod's status names; empty: none does.
	Written api.SearchRewrite

	// asked says whether the pod itself asks for a strategy. Where it does not, any
	// rewrite that is in place stands.
	asked  bool
	stands api.SearchRewrite
}

// PolicyDefaults are what a NetworkModePolicy says of the search rewrite; the zero PolicyDefaults
// says nothing.
type PolicyDefaults struct {
	// Policy is its name.
	Policy string
	api.PolicyRewrite
}

// Strategy is one way to rewrite the search list.
type Strategy struct {
	Name api.SearchRewrite
	// Summary says in one line what the strategy does, Place where the peer domain then
	// is, and Needs what that takes: the README's table, in Markdown.
	Summary, Place, Needs string
	// Promise is what the API server holds of whoever asks for the strategy.
	Promise Promise

	// inPlace reports whether the pod holds what apply would write, whatever
	// the facts say now.
	inPlace func(*Case) bool
	// byAuto marks a strategy that auto chooses: auto's inPlace tells of it as well.
	byAuto bool
	// obstacles are what keeps the strategy from the pod, beside the pod's own
	// DNS fields; nil: nothing does.
	obstacles func(*Case) []obstacle
	// apply records the mutations, or refuses the pod's own DNS fields.
	apply func(*Case)
}

// obstacle is why a strategy cannot be used.
type obstacle struct {
	reason plan.Reason
	// path is the field in the way; nil: none, the strategy itself is at fault.
	path   *field.Path
	value  string
	detail string
}

// registry holds every strategy, in the order of the documentation; it is
// read-only. CONTRIBUTING.md says how to add one.
var registry = []Strategy{auto(), prepend(), appendLast(), initContainer(), postStart(), none()}

// Strategies returns every strategy that an author may ask for.
func Strategies() []Strategy { return slices.Clone(registry) }

// Rewrite records in c.Plan what a strategy does to the pod: the asked one, else
// the policy's, else auto:
//
//	the pod asks  the policy gives  it can be used  what is done
//	s             any               yes             s
//	s             any               no              refused
//	none          s                 yes             s
//	none          s                 no              auto, with a warning that names the policy
//	none          none              any             auto
//
// Where the pod asks for none, the rewrite of an earlier call stands, whichever
// it was: policies change.
func Rewrite(c *Case, asked api.SearchRewrite) {
	c.asked = asked != ""
	if c.stands = ""; !c.asked {
		c.stands = standing(c)
	}
	if given := c.Defaults.Strategy; given != "" && !c.asked {
		c.Plan.Keep(plan.SearchByPolicy, "", string(given)+", the search rewrite of policy "+c.Defaults.Policy)
	}
	name := cmp.Or(asked, c.Defaults.Strategy, api.SearchAuto)
	if name != api.SearchNone {
		c.warnNdots()
	}
	for _, s := range registry {
		if s.Name == name {
			s.run(c)
			return
		}
	}
}

// InPlace reports whether the pod holds what the asked strategy writes, or what
// any writes to a pod that asks for none.
func InPlace(c *Case, asked api.SearchRewrite) bool {
	return standing(c) != "" || slices.ContainsFunc(registry, func(s Strategy) bool { return s.Name == asked && s.inPlace(c) })
}

// standing is the strategy whose rewrite the pod holds; empty: none.
func standing(c *Case) api.SearchRewrite {
	for _, s := range registry {
		if !s.byAuto && s.inPlace(c) {
			return s.written(c)
		}
	}
	return ""
}

// written is the strategy that a rewrite in place is told of by: never auto.
func (s Strategy) written(c *Case) api.SearchRewrite {
	switch {
	case s.Name != api.SearchAuto:
		return s.Name
	case c.Pod.Spec.DNSPolicy == api.DNSNone:
		return api.SearchPrepend
	default:
		return api.SearchAppend
	}
}

func (s Strategy) run(c *Case) {
	if s.Name != api.SearchAuto {
		c.Plan.Strategy = s.Name
	}
	if s.Name == api.SearchNone {
		s.apply(c)
		return
	}
	if c.Pod.Spec.DNSPolicy == api.DNSDefault {
		c.Plan.Refuse(plan.DNSPolicyDefault, specPath.Child("dnsPolicy"), api.DNSDefault, "the node's DNS does not know the peers' names")
		return
	}
	if c.NodeDNS {
		c.Plan.Refuse(plan.DNSPolicyOfNode, specPath.Child("dnsPolicy"), api.DNSClusterFirst, "on the host network it means the node's DNS, which does not know the peers' names")
		return
	}
	inPlace := s.inPlace(c)
	if inPlace || c.stands != "" {
		c.Plan.Strategy = c.stands
		if inPlace {
			c.Plan.Strategy = s.written(c)
		}
		c.Plan.Keep(plan.SearchInPlace, "spec", "the search rewrite is in place already")
		return
	}
	var obstacles []obstacle
	if s.obstacles != nil {
		obstacles = s.obstacles(c)
	}
	switch {
	case len(obstacles) == 0:
		if s.Name != api.SearchAuto {
			c.warnOtherDomain()
		}
		s.apply(c)
	case c.asked:
		s.refuse(c, obstacles)
	default:
		s.fallBackToAuto(c, obstacles)
	}
}

func (s Strategy) refuse(c *Case, obstacles []obstacle) {
	for _, o := range obstacles {
		path := o.path
		if path == nil {
			path = field.NewPath("metadata").Child("annotations").Key(api.AnnotationSearchRewrite)
		}
		c.Plan.Refuse(o.reason, path, cmp.Or(o.value, string(s.Name)), o.detail)
	}
}

// fallBackToAuto does what auto does in place of a policy's strategy: the pod's author
// has not asked for it, and cannot change the policy.
func (s Strategy) fallBackToAuto(c *Case, obstacles []obstacle) {
	policy := c.Plan.About(&plan.Object{Kind: plan.OwnPolicy, Name: c.Defaults.Policy})
	for _, o := range obstacles {
		where := ""
		if o.path != nil {
			where = o.path.String() + " "
		}
		policy.Warn(o.reason, "spec.searchRewrite.strategy", fmt.Sprintf("%s gives way to auto for this pod: %s%s", s.Name, where, o.detail))
	}
	c.Plan.Strategy = ""
	auto().run(c)
}

// ClusterDomain is the cluster's domain. Where it is not known it is assumed, with one
// warning; that of a mode which was set aside is none.
func (s *Settings) ClusterDomain(p *plan.Plan) string {
	warned := func(f plan.Finding) bool { return f.Reason == plan.ClusterDomainAssumed && f.Verdict == plan.Warned }
	if s.Facts.Domain == "" && !slices.ContainsFunc(p.Trace, warned) {
		p.Warn(plan.ClusterDomainAssumed, "", "the cluster's domain is not known, and "+AssumedDomain+" is assumed")
	}
	return s.Facts.DomainOrAssumed()
}
