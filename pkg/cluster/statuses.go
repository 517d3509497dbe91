package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

const (
	// statusManager owns the status in metadata.managedFields.
	statusManager = "netmode-policies"
	// roundEvery is the least time between two rounds; what changes meanwhile is
	// in the next.
	roundEvery = time.Second
	// retryAfter is when a round that failed is tried again.
	retryAfter = 5 * time.Second
)

// StatusObserver is told what a StatusKeeper does.
type StatusObserver struct {
	Written func()
	Failed  func(error)
}

// StatusKeeper writes the status of NetworkModePolicies. It needs list and watch
// on Namespaces and NetworkModePolicies, and patch on the latter's status.
type StatusKeeper struct {
	namespaces, policies *watched
	resource             dynamic.ResourceInterface
	exempt               []string
	observer             StatusObserver
	log                  logr.Logger

	changed chan struct{}      // of one element: a round is due
	written map[string]written // by name of the policy
	inOrder atomic.Bool
}

// written is a status that the informer may not have seen yet.
type written struct {
	status policyStatus
	over   string // resourceVersion of what it was written over
}

// policyStatus is the status of a NetworkModePolicy.
type policyStatus struct {
	ObservedGeneration   int64              `json:"observedGeneration"`
	SelectedNamespaces   int                `json:"selectedNamespaces"`
	UnlabelledNamespaces int                `json:"unlabelledNamespaces"`
	UnlabelledExamples   []string           `json:"unlabelledExamples,omitempty"`
	Conditions           []metav1.Condition `json:"conditions"`
}

// statusPolicy is what a StatusKeeper keeps of a NetworkModePolicy.
type statusPolicy struct {
	trimmedPolicy
	status policyStatus
}

// DeepCopyObject implements runtime.Object. A trimmed object does not change.
func (p *statusPolicy) DeepCopyObject() runtime.Object { return p }

func trimStatusPolicy(found any) (any, error) {
	u, ok := found.(*unstructured.Unstructured)
	if !ok {
		return found, nil
	}
	p := &statusPolicy{trimmedPolicy: newTrimmedPolicy(u)}
	if status, ok := u.Object["status"].(map[string]any); ok {
		// A status that is not as it should be is written anew.
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(status, &p.status); err != nil {
			p.status = policyStatus{}
		}
	}
	return p, nil
}

// NewStatusKeeper makes a StatusKeeper that reads and writes policies through
// custom. Exempt namespaces are never touched by netmode.
func NewStatusKeeper(client kubernetes.Interface, custom dynamic.Interface, exempt []string, observer StatusObserver, log logr.Logger) (*StatusKeeper, error) {
	k := &StatusKeeper{
		resource: custom.Resource(PolicyResource()), exempt: exempt, observer: observer, log: log,
		changed: make(chan struct{}, 1), written: map[string]written{},
	}
	failed := func(_ context.Context, _ *cache.Reflector, err error) { watchFailed(log, err) }
	var errs [4]error
	trim := &trimmer{}
	k.namespaces, errs[0] = newWatched(client.CoreV1().Namespaces(), &corev1.Namespace{}, nil, trim.namespace, failed)
	k.policies, errs[1] = newWatched(k.resource, &unstructured.Unstructured{}, nil, trimStatusPolicy, failed)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	_, errs[2] = k.namespaces.AddEventHandler(k.onChange(func(before, now any) bool {
		a, isNamespace := before.(*trimmedNamespace)
		b, alsoNamespace := now.(*trimmedNamespace)
		return isNamespace && alsoNamespace && maps.Equal(a.view.Labels, b.view.Labels)
	}))
	_, errs[3] = k.policies.AddEventHandler(k.onChange(func(any, any) bool { return false }))
	return k, errors.Join(errs[:]...)
}

// onChange has a round follow each event but updates that leave things the same.
func (k *StatusKeeper) onChange(same func(before, now any) bool) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { k.due() },
		UpdateFunc: func(before, now any) {
			if !same(before, now) {
				k.due()
			}
		},
		DeleteFunc: func(any) { k.due() },
	}
}

func (k *StatusKeeper) due() {
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// Ready says whether all statuses were right at the end of the last round.
func (k *StatusKeeper) Ready() bool { return k.inOrder.Load() }

// Run keeps the statuses until ctx ends.
func (k *StatusKeeper) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, w := range []*watched{k.namespaces, k.policies} {
		running.Go(func() { w.RunWithContext(ctx) })
	}
	if !cache.WaitForCacheSync(ctx.Done(), k.namespaces.HasSynced, k.policies.HasSynced) {
		return
	}
	for k.due(); ; {
		select {
		case <-ctx.Done():
			return
		case <-k.changed:
		}
		pause := roundEvery
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.inOrder.Store(false)
			k.observer.Failed(err)
			k.log.Error(err, "statuses not in order, tried again soon")
			pause = retryAfter
			k.due()
		} else if err == nil {
			k.inOrder.Store(true)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// round writes each status that is not what it should be.
func (k *StatusKeeper) round(ctx context.Context) error {
	labels := map[string]map[string]string{}
	for _, found := range k.namespaces.GetStore().List() {
		if n, ok := found.(*trimmedNamespace); ok {
			labels[n.name] = n.view.Labels
		}
	}
	var all []*policy.Policy
	var known []*statusPolicy
	for _, found := range k.policies.GetStore().List() {
		p, ok := found.(*statusPolicy)
		if !ok {
			continue
		}
		known = append(known, p)
		if p.compiled != nil {
			all = append(all, p.compiled)
		}
	}
	statuses := policy.NewSet(all).Statuses(labels, k.exempt)
	for _, p := range known {
		if p.compiled == nil {
			statuses[p.Name] = policy.NotUnderstood(p.problem)
		}
	}
	kept := make(map[string]written, len(known))
	var errs []error
	for _, p := range known {
		if w, ok := k.written[p.Name]; ok && w.over == p.ResourceVersion {
			p = &statusPolicy{trimmedPolicy: p.trimmedPolicy, status: w.status}
			kept[p.Name] = w
		}
		want := p.next(statuses[p.Name], metav1.Now().Rfc3339Copy())
		if equality.Semantic.DeepEqual(want, p.status) {
			continue
		}
		if err := k.write(ctx, p.Name, want); err != nil {
			errs = append(errs, err)
			continue
		}
		kept[p.Name] = written{want, p.ResourceVersion}
	}
	k.written = kept
	return errors.Join(errs...)
}

// next is the status to write over p's.
func (p *statusPolicy) next(s policy.Status, now metav1.Time) policyStatus {
	next := policyStatus{
		ObservedGeneration: p.Generation, SelectedNamespaces: s.Selected,
		UnlabelledNamespaces: s.Unlabelled, UnlabelledExamples: s.UnlabelledExamples,
	}
	for _, c := range s.Conditions {
		condition := metav1.Condition{
			Type: c.Type, Status: c.Status, ObservedGeneration: p.Generation,
			LastTransitionTime: now, Reason: c.Reason, Message: c.Message,
		}
		if before := meta.FindStatusCondition(p.status.Conditions, c.Type); before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
		next.Conditions = append(next.Conditions, condition)
	}
	return next
}

func (k *StatusKeeper) write(ctx context.Context, name string, status policyStatus) error {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": api.PolicyAPIVersion, "kind": api.PolicyKind, "metadata": map[string]any{"name": name}, "status": fields,
	}}
	_, err = k.resource.ApplyStatus(ctx, name, object, metav1.ApplyOptions{FieldManager: statusManager, Force: true})
	switch {
	case apierrors.IsNotFound(err): // deleted a moment ago
		return nil
	case err != nil:
		return fmt.Errorf("write the status of policy %s: %w", name, err)
	}
	k.observer.Written()
	k.log.Info("status written", "policy", name, "namespaces", status.SelectedNamespaces, "unlabelled", status.UnlabelledNamespaces)
	return nil
}
