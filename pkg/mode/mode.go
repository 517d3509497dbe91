// Package mode holds the network modes: one file per mode, each a list of
// rules for Pods and a list of rules for Services, and the registry.
//
// A [Mode] says all that there is to say of one: its rules, the annotations that
// mean something in it, the words of the README's table, and its [Promise], which
// the API server holds after all webhooks.
//
// The package is pure: a rule takes values and records what it found in a plan.
package mode

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Mode is what one network mode does to Pods and to Services.
type Mode struct {
	Name api.Mode
	// Summary says in one line what the mode is for, OnPod and OnService what it does:
	// the README's table, in Markdown.
	Summary, OnPod, OnService string
	// PodRules look at a Pod that is being created, in order.
	PodRules []PodRule
	// ServiceRules look at a Service that is being created, in order.
	ServiceRules []ServiceRule
	// Applied reports whether the pod holds what the mode writes and nobody else
	// is likely to; service governs it. nil: the mode writes nothing.
	Applied func(c *PodCase, service string) bool
	// Rewrites says that the rules see to the search list, and to peers in it.
	Rewrites bool
	// PodAnnotations and ServiceAnnotations are the author's keys, besides the
	// mode, that mean something in this mode; NameAnnotations do so on a Pod that has
	// netmode.io/service, too.
	PodAnnotations     []string
	NameAnnotations    []string
	ServiceAnnotations []string
	// Promise is what the API server holds of whoever asks for the mode.
	Promise Promise
}

// PodRule is one thing that a mode sees to in a Pod.
type PodRule struct {
	// Name is the rule in a few words.
	Name  string
	Check func(*PodCase)
}

// ServiceRule is one thing that a mode sees to in a Service.
type ServiceRule struct {
	// Name is the rule in a few words.
	Name  string
	Check func(*ServiceCase)
}

// Snapshot tells a rule about the objects around the one in question. It answers
// from memory: a decision waits for nothing.
type Snapshot interface {
	// Services returns the Services of a namespace; known is false where
	// nobody can tell.
	Services(namespace string) (services []api.Service, known bool)
	// Namespace returns a Namespace; known is false where nobody can tell.
	Namespace(name string) (namespace api.Namespace, known bool)
}

// PodCase is a Pod before the rules of a mode.
type PodCase struct {
	Pod       *api.Pod
	Namespace string
	// NamespaceLabels are the labels of the pod's Namespace where they are known.
	NamespaceLabels map[string]string
	Intent          api.Intent
	// UID is the request's, and another in each: names are made of it. Offline there is
	// none.
	UID string
	// Workload is what will make the pod, where the pod is that of a template.
	Workload *workload.Workload
	Snapshot Snapshot
	Search   *resolv.Settings
	// Written is the search rewrite that the pod's status names; empty: none does.
	Written api.SearchRewrite
	// Rewrite is what a policy says of the search rewrite, and Options what one gives
	// of the resolver's.
	Rewrite resolv.PolicyDefaults
	Options resolv.GivenOptions
	Plan    *plan.Plan

	// aside says that the rule which looks is not for this pod.
	aside bool
	// eachHostname says that each pod of the template has a hostname of its own.
	eachHostname bool
}

// only makes rules of some pods: of the others they say nothing.
func only(pods func(*PodCase) bool, rules ...PodRule) []PodRule {
	for i, rule := range rules {
		rules[i].Check = func(c *PodCase) {
			if c.aside = !pods(c); !c.aside {
				rule.Check(c)
			}
		}
	}
	return rules
}

// ServiceCase is a Service before the rules of a mode.
type ServiceCase struct {
	Service   *api.Service
	Namespace string
	Intent    api.Intent
	Snapshot  Snapshot
	Plan      *plan.Plan
}

// registry holds every mode, in the order of the documentation; it is read-only.
// CONTRIBUTING.md says how to add one.
var registry = []Mode{standard(), hostNetwork(), headless(), statefulSetHeadless()}

// UsedByPod are the author's keys that mean something on a Pod with the intent.
func (m Mode) UsedByPod(intent api.Intent) []string {
	if intent.Service == "" {
		return m.PodAnnotations
	}
	return slices.Concat(m.PodAnnotations, m.NameAnnotations)
}

// Modes returns every mode, in the order of the documentation.
func Modes() []Mode { return slices.Clone(registry) }

// Find returns the mode of that name.
func Find(name api.Mode) (Mode, bool) {
	i := slices.IndexFunc(registry, func(m Mode) bool { return m.Name == name })
	if i < 0 {
		return Mode{}, false
	}
	return registry[i], true
}

// CheckPod runs the mode's rules over a Pod, and sees to its peers, which it may have
// in any mode, and to its resolver's options, which it gets in any but default.
func (m Mode) CheckPod(c *PodCase) {
	for _, rule := range m.PodRules {
		c.aside = false
		check(c.Plan, rule.Name, func() (aside bool) {
			rule.Check(c)
			return c.aside
		})
	}
	look := func(name string, run func()) {
		check(c.Plan, name, func() (aside bool) {
			run()
			return false
		})
	}
	if len(c.Intent.Peers) > 0 {
		look("peers", func() { warnMissingPeers(c) })
		if !m.Rewrites {
			look("search rewrite", func() { rewriteForPeers(c) })
		}
	}
	if len(c.Options.Options) > 0 && (m.Name != api.ModeDefault || len(c.Intent.Peers) > 0) {
		look("resolver options", func() { resolv.GiveOptions(c.search("")) })
	}
}

// CheckService runs the mode's rules over a Service that is being created.
func (m Mode) CheckService(c *ServiceCase) {
	for _, rule := range m.ServiceRules {
		check(c.Plan, rule.Name, func() (aside bool) {
			rule.Check(c)
			return false
		})
	}
}

// check records a rule that found nothing as passed, unless it is not for the object.
func check(p *plan.Plan, name string, run func() (aside bool)) {
	p.Rule(name)
	before := p.Found()
	if aside := run(); !aside && p.Found() == before {
		p.Pass()
	}
}
