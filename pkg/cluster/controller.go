package cluster

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/policy"
)

const (
	// fieldManager owns in metadata.managedFields what a PolicyController writes.
	fieldManager = "netmode-policies"
	// roundEvery is the least time between two rounds; what changes meanwhile is
	// in the next.
	roundEvery = time.Second
	// retryAfter is when a round that failed is tried again.
	retryAfter = 5 * time.Second
)

// PolicyHooks are called with what a PolicyController does.
type PolicyHooks struct {
	StatusWritten func()
	// ObjectWritten is called after each write of an object that policies are
	// enforced by.
	ObjectWritten func(ObjectKind, ObjectAction)
	// Enforced counts the policies by the status of condition Enforced.
	Enforced func(map[metav1.ConditionStatus]int)
	Failed   func(error)
}

// PolicyController has the API server enforce NetworkModePolicies, by objects of
// its own kinds, and writes the policies' status. It needs get, list and watch on
// NetworkModePolicies and patch on their status; list and watch on Namespaces;
// create, get, list, watch, patch and delete on ValidatingAdmissionPolicies and
// their bindings; and get and delete on one ValidatingWebhookConfiguration.
type PolicyController struct {
	namespaces, policies *watched
	admission            *ownedKind[*admissionPolicy]
	bindings             *ownedKind[*admissionBinding]
	leftover             *leftover
	resource             dynamic.ResourceInterface
	settings             policy.AdmissionSettings
	hooks                PolicyHooks
	log                  logr.Logger

	changed chan struct{}      // of one element: a round is due
	written map[string]written // by name of the policy
	inOrder atomic.Bool
}

// NewPolicyController makes a PolicyController that reads and writes policies
// through custom.
func NewPolicyController(client kubernetes.Interface, custom dynamic.Interface, settings policy.AdmissionSettings, hooks PolicyHooks, log logr.Logger) (*PolicyController, error) {
	c := &PolicyController{
		resource: custom.Resource(PolicyResource()), settings: settings, hooks: hooks, log: log,
		changed: make(chan struct{}, 1), written: map[string]written{},
		leftover: &leftover{client: client.AdmissionregistrationV1().ValidatingWebhookConfigurations(), log: log},
	}
	var errs [5]error
	trim := &trimmer{}
	c.namespaces, errs[0] = newWatched(client.CoreV1().Namespaces(), &corev1.Namespace{}, nil, trim.namespace, log)
	c.policies, errs[1] = newWatched(c.resource, &unstructured.Unstructured{}, nil, trimStatusPolicy, log)
	c.admission, errs[2] = newOwned(KindPolicy, client.AdmissionregistrationV1().ValidatingAdmissionPolicies(), &admissionPolicy{},
		func(p *admissionPolicy) any { return p.Spec }, hooks.ObjectWritten, log)
	c.bindings, errs[3] = newOwned(KindBinding, client.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings(), &admissionBinding{},
		func(b *admissionBinding) any { return b.Spec }, hooks.ObjectWritten, log)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	_, errs[4] = c.namespaces.AddEventHandler(c.onChange(func(before, now any) bool {
		a, isNamespace := before.(*trimmedNamespace)
		b, alsoNamespace := now.(*trimmedNamespace)
		return isNamespace && alsoNamespace && maps.Equal(a.view.Labels, b.view.Labels)
	}))
	all := errs[:]
	for _, w := range []*watched{c.policies, c.admission.watched, c.bindings.watched} {
		_, err := w.AddEventHandler(c.onChange(func(any, any) bool { return false }))
		all = append(all, err)
	}
	return c, errors.Join(all...)
}

// onChange has a round follow each event but updates that leave things the same.
func (c *PolicyController) onChange(same func(before, now any) bool) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { c.due() },
		UpdateFunc: func(before, now any) {
			if !same(before, now) {
				c.due()
			}
		},
		DeleteFunc: func(any) { c.due() },
	}
}

func (c *PolicyController) due() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Ready says whether all was in order at the end of the last round.
func (c *PolicyController) Ready() bool { return c.inOrder.Load() }

// Run keeps policies enforced and their statuses right until ctx ends.
func (c *PolicyController) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	var synced []cache.InformerSynced
	for _, w := range []*watched{c.namespaces, c.policies, c.admission.watched, c.bindings.watched} {
		running.Go(func() { w.RunWithContext(ctx) })
		synced = append(synced, w.HasSynced)
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return
	}
	for c.due(); ; {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-time.After(lookAgainAfter): // what is not watched may have come back
		}
		again := c.try(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(roundEvery):
		}
		if !again {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-time.After(retryAfter - roundEvery):
		}
		c.due()
	}
}

// try has one round, and says whether another is due without a change.
func (c *PolicyController) try(ctx context.Context) (again bool) {
	again, err := c.round(ctx)
	switch {
	case err == nil:
		c.inOrder.Store(true)
	case ctx.Err() == nil:
		c.inOrder.Store(false)
		c.hooks.Failed(err)
		c.log.Error(err, "policies not in order, tried again soon")
	}
	return again || err != nil
}

// round brings the API server's objects in order, and then each status.
func (c *PolicyController) round(ctx context.Context) (again bool, err error) {
	labels := map[string]map[string]string{}
	for _, found := range c.namespaces.GetStore().List() {
		if n, ok := found.(*trimmedNamespace); ok {
			labels[n.name] = n.view.Labels
		}
	}
	var all []*policy.Policy
	var known []*statusPolicy
	for _, found := range c.policies.GetStore().List() {
		p, ok := found.(*statusPolicy)
		if !ok {
			continue
		}
		known = append(known, p)
		if p.compiled != nil {
			all = append(all, p.compiled)
		}
	}
	enforced, again, err := c.enforce(ctx, known)
	statuses := policy.NewSet(all).Statuses(labels, c.settings.ExemptNamespaces)
	for _, p := range known {
		condition, ok := enforced[p.Name]
		switch {
		case p.compiled == nil:
			statuses[p.Name] = policy.NotUnderstood(p.problem)
		case !ok: // it is not there any more
			delete(statuses, p.Name)
		default:
			status := statuses[p.Name]
			status.Conditions = append(status.Conditions, condition)
			statuses[p.Name] = status
		}
	}
	err = errors.Join(err, c.writeStatuses(ctx, known, statuses))
	if c.count(known, statuses) && err == nil {
		settled, removeErr := c.leftover.remove(ctx)
		again, err = again || !settled, removeErr
	} else {
		c.leftover.wait()
	}
	return again, err
}

// count tells how many policies are enforced, and says whether all are, as far as
// they are meant to be.
func (c *PolicyController) count(known []*statusPolicy, statuses map[string]policy.Status) (all bool) {
	counts := map[metav1.ConditionStatus]int{metav1.ConditionTrue: 0, metav1.ConditionFalse: 0, metav1.ConditionUnknown: 0}
	all = true
	for _, p := range known {
		for _, condition := range statuses[p.Name].Conditions {
			if condition.Type == policy.ConditionEnforced {
				counts[condition.Status]++
				all = all && (condition.Status == metav1.ConditionTrue || condition.Reason == policy.ReasonObserveOnly)
			}
		}
	}
	c.hooks.Enforced(counts)
	return all
}
