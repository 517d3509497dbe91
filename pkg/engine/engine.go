// Package engine decides what netmode does with one object: it resolves the
// mode, runs the mode's rules, and returns the plan. The webhook and the CLI
// share it.
//
// [Decide] is its one door. A [Request] holds all that a decision depends on: the
// object, as a view that has what is read of it ([api.Pod], [api.Service], a
// [WorkloadCase] or an [Other]); a [Snapshot] of the Services, the Namespace and the policies
// around it; and the [Settings] of the process. The [plan.Plan] holds all that
// comes of it: mutations, for package patch to turn into operations on the raw
// object, and findings, for people.
//
// Which rules run, and in which order, is one table, in decision.go. What a
// single mode does is in package mode.
//
// The package is pure: no I/O, no clock, no randomness, so that the same request
// always gives the same plan.
package engine

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Settings are what every decision of one netmode process shares.
type Settings struct {
	// ExemptNamespaces are never touched.
	ExemptNamespaces []string
	// SystemNamespaces have what nodes need, such as a CNI's pods: there a policy
	// lets pods of a system-critical priority class pass.
	SystemNamespaces []string
	Search           resolv.Settings
}

// Snapshot tells a decision about the objects around the one in question. It
// answers from memory: a decision waits for nothing.
type Snapshot interface {
	mode.Snapshot
	// Policies returns the policies that select the namespace.
	Policies(namespace string) policy.Set
}

// EmptySnapshot is for a decision of whose cluster nothing is known: the
// governing Service is what the pod itself names.
type EmptySnapshot struct{}

// Services knows none.
func (EmptySnapshot) Services(string) ([]api.Service, bool) { return nil, false }

// Namespace knows none.
func (EmptySnapshot) Namespace(string) (api.Namespace, bool) { return api.Namespace{}, false }

// Policies knows none.
func (EmptySnapshot) Policies(string) policy.Set { return policy.Set{} }

// Object is what a decision is about: a *api.Pod, a *api.Service or a
// *WorkloadCase, which is about to be created or, the last, updated, or an *Other.
type Object interface{ Meta() *api.ObjectMeta }

// Request is all that a decision depends on.
type Request struct {
	Settings *Settings
	Snapshot Snapshot
	// Namespace is the object's.
	Namespace string
	Object    Object
	// UID is that of the admission request, of which names are made; empty where there
	// is none.
	UID string
	// Workload is what will make a Pod that is the first one of a template; nil for
	// any other.
	Workload *workload.Workload
	// Judge has Pods and Services judged by what policies forbid. It is false where
	// the API server does that itself, later. Templates are judged always: their
	// author is to hear of it.
	Judge bool
}

// Decide returns the plan for an object: how it changes, what was looked at, and
// whether it is refused. The plan of a workload has the template's first pod, too.
func Decide(r Request) *plan.Plan { return rulesFor(r.Object).decide(r) }
