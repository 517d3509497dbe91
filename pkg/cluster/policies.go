package cluster

import (
	"fmt"
	"sync/atomic"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// PolicyResource is where a cluster has its NetworkModePolicies.
func PolicyResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: api.PolicyGroup, Version: api.PolicyVersion, Resource: api.PolicyResource}
}

// DecodePolicy reads a NetworkModePolicy of a cluster and makes it ready. A
// field that this build does not know is left to a newer one.
func DecodePolicy(found *unstructured.Unstructured) (*policy.Policy, error) {
	text, err := found.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var decoded api.NetworkModePolicy
	if err := api.Decode(text, &decoded, ""); err != nil {
		return nil, err
	}
	compiled, errs := policy.Compile(&decoded)
	return compiled, errs.ToAggregate()
}

// trimmedPolicy is all that the cache keeps of a NetworkModePolicy.
type trimmedPolicy struct {
	object
	metav1.ObjectMeta
	compiled *policy.Policy // nil: problem says why
	problem  error
}

// DeepCopyObject implements runtime.Object. A trimmed object does not change.
func (t *trimmedPolicy) DeepCopyObject() runtime.Object { return t }

// trimPolicy lets through what it does not know, as a trimmer does.
func trimPolicy(found any) (any, error) {
	u, ok := found.(*unstructured.Unstructured)
	if !ok {
		return found, nil
	}
	return new(newTrimmedPolicy(u)), nil
}

func newTrimmedPolicy(u *unstructured.Unstructured) trimmedPolicy {
	t := trimmedPolicy{ObjectMeta: metav1.ObjectMeta{
		Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Generation: u.GetGeneration(),
		DeletionTimestamp: u.GetDeletionTimestamp(),
	}}
	t.compiled, t.problem = DecodePolicy(u)
	return t
}

// sameSpec says whether only the status differs, which decisions do not read.
func (t *trimmedPolicy) sameSpec(other *trimmedPolicy) bool {
	return t.UID == other.UID && t.Generation == other.Generation
}

// policySet follows the cluster's policies. Every change makes a new Set, so
// that whoever looks once sees one state of the cluster.
type policySet struct {
	store   cache.Store
	log     logr.Logger
	current atomic.Pointer[policy.Set]
	// leftOut counts the policies that do not compile.
	leftOut atomic.Int64
}

// follow makes the Set that of the informer's policies, from now on. complete
// says when the first one is.
func (s *policySet) follow(informer cache.SharedIndexInformer, log logr.Logger) (complete cache.InformerSynced, err error) {
	s.store, s.log = informer.GetStore(), log
	s.current.Store(&policy.Set{})
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(found any) { s.changed(nil, found) },
		UpdateFunc: s.changed,
		DeleteFunc: func(any) { s.renew() },
	})
	if err != nil {
		return nil, fmt.Errorf("follow policies: %w", err)
	}
	return registration.HasSynced, nil
}

func (s *policySet) changed(before, found any) {
	now, ok := found.(*trimmedPolicy)
	if !ok {
		return
	}
	if old, ok := before.(*trimmedPolicy); ok && old.sameSpec(now) {
		return
	}
	if now.problem != nil {
		s.log.Error(now.problem, "policy left out: correct it", "policy", now.Name)
	}
	s.renew()
}

// renew takes all policies as the store has them.
func (s *policySet) renew() {
	found := s.store.List()
	policies := make([]*policy.Policy, 0, len(found))
	for _, f := range found {
		if t, ok := f.(*trimmedPolicy); ok && t.compiled != nil {
			policies = append(policies, t.compiled)
		}
	}
	s.leftOut.Store(int64(len(found) - len(policies)))
	s.current.Store(new(policy.NewSet(policies)))
}

// selection is what a Set has for one namespace.
type selection struct {
	of       *policy.Set
	policies policy.Set
}

// policies returns those of the Set that select the namespace. It remembers
// them as long as the Set and the Namespace stay what they are: with new labels,
// the cache has another trimmedNamespace.
func (n *trimmedNamespace) policies(of *policy.Set) policy.Set {
	if known := n.selected.Load(); known != nil && known.of == of {
		return known.policies
	}
	selected := of.ForNamespace(n.view.Labels)
	n.selected.Store(&selection{of, selected})
	return selected
}
