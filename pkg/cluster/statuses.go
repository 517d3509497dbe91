package cluster

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/v1alpha1"
	"github.com/netmode-io/netmode/pkg/policy"
)

// written is a status that the informer may not have seen yet.
type written struct {
	status v1alpha1.Status
	over   string // resourceVersion of what it was written over
}

// statusPolicy is what a PolicyController keeps of a NetworkModePolicy.
type statusPolicy struct {
	trimmedPolicy
	status v1alpha1.Status
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
			p.status = v1alpha1.Status{}
		}
	}
	return p, nil
}

// writeStatuses writes each status that is not what it should be; policies that
// have none in statuses keep theirs.
func (c *PolicyController) writeStatuses(ctx context.Context, known []*statusPolicy, statuses map[string]policy.Status) error {
	kept := make(map[string]written, len(known))
	var errs []error
	for _, p := range known {
		status, ok := statuses[p.Name]
		if !ok {
			continue
		}
		if w, ok := c.written[p.Name]; ok && w.over == p.ResourceVersion {
			p = &statusPolicy{trimmedPolicy: p.trimmedPolicy, status: w.status}
			kept[p.Name] = w
		}
		want := p.next(status, metav1.Now().Rfc3339Copy())
		if equality.Semantic.DeepEqual(want, p.status) {
			continue
		}
		if err := c.writeStatus(ctx, p.Name, want); err != nil {
			errs = append(errs, err)
			continue
		}
		kept[p.Name] = written{want, p.ResourceVersion}
	}
	c.written = kept
	return errors.Join(errs...)
}

// next is the status to write over p's.
func (p *statusPolicy) next(s policy.Status, now metav1.Time) v1alpha1.Status {
	next := v1alpha1.Status{
		ObservedGeneration: p.Generation, UnlabelledExamples: s.UnlabelledExamples,
		SelectedNamespaces: int32(s.Selected), UnlabelledNamespaces: int32(s.Unlabelled), //nolint:gosec // G115: no cluster has so many
	}
	for _, c := range s.Conditions {
		condition := v1alpha1.Condition{
			Type: c.Type, Status: c.Status, ObservedGeneration: p.Generation,
			LastTransitionTime: now, Reason: c.Reason, Message: c.Message,
		}
		for _, before := range p.status.Conditions {
			if before.Type == c.Type && before.Status == c.Status {
				condition.LastTransitionTime = before.LastTransitionTime
			}
		}
		next.Conditions = append(next.Conditions, condition)
	}
	return next
}

func (c *PolicyController) writeStatus(ctx context.Context, name string, status v1alpha1.Status) error {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return err
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": api.PolicyAPIVersion, "kind": api.PolicyKind, "metadata": map[string]any{"name": name}, "status": fields,
	}}
	_, err = c.resource.ApplyStatus(ctx, name, object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	switch {
	case apierrors.IsNotFound(err): // deleted a moment ago
		return nil
	case err != nil:
		return fmt.Errorf("write the status of policy %s: %w", name, err)
	}
	c.hooks.StatusWritten()
	c.log.Info("status written", "policy", name, "namespaces", status.SelectedNamespaces, "unlabelled", status.UnlabelledNamespaces)
	return nil
}
