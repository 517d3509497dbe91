package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// errGone says that a policy is not there any more, or is another one now.
var errGone = errors.New("the policy is gone")

// heldError says why nothing is applied, which is as it should be.
type heldError struct{ why error }

// Error implements error.
func (e *heldError) Error() string { return e.why.Error() }

// enforce has the API server hold what each policy forbids, and returns the
// condition Enforced of each that is there, by name. Again says that it has to be
// looked at again though nothing changes that is watched.
//
// What goes on denying without its policy and the CustomResourceDefinition would
// never be collected. So nothing is applied for a policy that is being deleted, nor
// while policies cannot be read, and each is read once more right before.
func (c *PolicyController) enforce(ctx context.Context, known []*statusPolicy) (conditions map[string]policy.Condition, again bool, err error) {
	var errs []error
	unread := c.policies.refusal()
	if unread != nil {
		errs = append(errs, fmt.Errorf("nothing is applied while NetworkModePolicies cannot be read: %w", unread))
	}
	wanted := map[string]bool{}
	conditions = make(map[string]policy.Condition, len(known))
	for _, p := range known {
		if p.compiled == nil {
			continue
		}
		may := sync.OnceValue(func() error { return c.mayApply(ctx, p, unread) })
		var found []policy.AdmissionFound
		gone := false
		for _, want := range p.compiled.AdmissionPolicies(&c.settings, p.UID) {
			wanted[want.Policy.Name] = true
			have, err := c.ensure(ctx, &want, may)
			one := policy.AdmissionFound{Name: want.Policy.Name, Policy: have}
			var taken *takenError
			var held *heldError
			switch {
			case err == nil:
			case errors.Is(err, errGone):
				gone, again = true, true
			case errors.As(err, &taken):
				one.Taken, again = string(taken.kind), true
			case errors.As(err, &held):
				one.Problem = err
			default:
				one.Problem = err
				errs = append(errs, fmt.Errorf("enforce policy %s: %w", p.Name, err))
			}
			found = append(found, one)
		}
		if !gone {
			conditions[p.Name] = p.compiled.Enforced(&c.settings, found)
		}
	}
	errs = append(errs, c.removeOthers(ctx, known, wanted, unread == nil)...)
	return conditions, again, errors.Join(errs...)
}

// ensure never binds a policy that is not as it should be.
func (c *PolicyController) ensure(ctx context.Context, want *policy.AdmissionPolicy, may func() error) (*admissionPolicy, error) {
	have, err := c.admission.ensure(ctx, want.Policy, may)
	if err == nil {
		_, err = c.bindings.ensure(ctx, want.Binding, may)
	}
	return have, err
}

// mayApply is an error where an object must not be given the policy as its owner.
func (c *PolicyController) mayApply(ctx context.Context, p *statusPolicy, unread error) error {
	switch {
	case unread != nil:
		return &heldError{fmt.Errorf("NetworkModePolicies cannot be read: %w", unread)}
	case p.DeletionTimestamp != nil:
		return &heldError{errors.New("the policy is being deleted")}
	}
	live, err := c.resource.Get(ctx, p.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return errGone
	case err != nil:
		return fmt.Errorf("read the policy: %w", err)
	case live.GetUID() != p.UID || live.GetDeletionTimestamp() != nil:
		return errGone
	}
	return nil
}

// removeOthers deletes what no rule of a policy needs. What policies that are not
// understood, or are being deleted, had before stays; so does what has no policy as
// its owner, which nobody but its author can judge.
func (c *PolicyController) removeOthers(ctx context.Context, known []*statusPolicy, wanted map[string]bool, mayBeRead bool) []error {
	byUID := make(map[types.UID]*statusPolicy, len(known))
	for _, p := range known {
		byUID[p.UID] = p
	}
	kept := func(object metav1.Object) (bool, error) {
		owner := policyOwner(object)
		if owner == nil || wanted[object.GetName()] {
			return true, nil
		}
		if p := byUID[owner.UID]; p != nil {
			return !mayBeRead || p.compiled == nil || p.DeletionTimestamp != nil, nil
		}
		live, err := c.resource.Get(ctx, owner.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return false, nil
		case err != nil:
			return true, fmt.Errorf("read policy %s, to which %s belonged: %w", owner.Name, object.GetName(), err)
		}
		// One made anew that is not seen yet takes over in place.
		return live.GetUID() == owner.UID || byUID[live.GetUID()] == nil, nil
	}
	c.admission.forget(wanted)
	c.bindings.forget(wanted)
	return append(c.bindings.removeUnless(ctx, kept), c.admission.removeUnless(ctx, kept)...)
}

// policyOwner is the NetworkModePolicy that owns the object; nil: none does.
func policyOwner(object metav1.Object) *metav1.OwnerReference {
	owners := object.GetOwnerReferences()
	for i := range owners {
		if owners[i].Kind == api.PolicyKind && strings.HasPrefix(owners[i].APIVersion, api.PolicyGroup+"/") {
			return &owners[i]
		}
	}
	return nil
}
