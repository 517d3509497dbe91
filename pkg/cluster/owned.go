package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/policy"
)

type (
	admissionPolicy  = admissionregistrationv1.ValidatingAdmissionPolicy
	admissionBinding = admissionregistrationv1.ValidatingAdmissionPolicyBinding
)

// ObjectKind is a kind of objects that policies own.
type ObjectKind string

// The kinds of what policies own.
const (
	KindPolicy  ObjectKind = "ValidatingAdmissionPolicy"
	KindBinding ObjectKind = "ValidatingAdmissionPolicyBinding"
)

// ObjectKinds returns every kind.
func ObjectKinds() []ObjectKind { return []ObjectKind{KindPolicy, KindBinding} }

// ObjectAction is what was done to an object, and why.
type ObjectAction string

// The actions.
const (
	// ActionCreated and ActionChanged follow the policy.
	ActionCreated ObjectAction = "created"
	ActionChanged ObjectAction = "changed"
	// ActionRepaired undoes what somebody else did.
	ActionRepaired ObjectAction = "repaired"
	ActionDeleted  ObjectAction = "deleted"
)

// ObjectActions returns every action.
func ObjectActions() []ObjectAction {
	return []ObjectAction{ActionCreated, ActionChanged, ActionRepaired, ActionDeleted}
}

// ownedObject is an object that a policy owns.
type ownedObject interface {
	metav1.Object
	runtime.Object
}

// ownedClient is where the API server has objects of a kind.
type ownedClient[T ownedObject] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	Patch(ctx context.Context, name string, how types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
}

// ownedKind keeps the objects of one kind as policies have them.
type ownedKind[T ownedObject] struct {
	*watched
	kind   ObjectKind
	client ownedClient[T]
	spec   func(T) any
	wrote  func(ObjectKind, ObjectAction)
	log    logr.Logger

	settled map[string]settled[T] // by name
}

// settled is an object that was in order.
type settled[T ownedObject] struct {
	want T
	// spec is what the API server made of it: a newer one may have defaults of its own.
	spec any
}

// takenError says that an object of this name is not netmode's.
type takenError struct {
	kind ObjectKind
	name string
}

// Error implements error.
func (e *takenError) Error() string { return fmt.Sprintf("%s %s is not netmode's", e.kind, e.name) }

// newOwned keeps those of a kind that have netmode's labels.
func newOwned[T ownedObject, List runtime.Object](kind ObjectKind, from interface {
	resource[List]
	ownedClient[T]
}, example T, spec func(T) any, wrote func(ObjectKind, ObjectAction), log logr.Logger) (*ownedKind[T], error) {
	w, err := newWatched(selected[List]{from, labels.SelectorFromSet(policy.AdmissionLabels()).String()}, example, nil, trimOwned, log)
	return &ownedKind[T]{watched: w, kind: kind, client: from, spec: spec, wrote: wrote, log: log, settled: map[string]settled[T]{}}, err
}

// trimOwned leaves out what nobody reads.
func trimOwned(found any) (any, error) {
	if object, ok := found.(ownedObject); ok {
		object.SetManagedFields(nil)
		object.SetAnnotations(nil)
	}
	return found, nil
}

// ensure has the API server hold the object as it is wanted. Right before it
// writes, it asks whether it may. What it returns is the API server's, which
// differs from what is wanted only by defaults.
func (k *ownedKind[T]) ensure(ctx context.Context, want T, may func() error) (have T, err error) {
	var none T
	name := want.GetName()
	if found, ok, _ := k.GetStore().GetByKey(name); ok {
		if have, ok := found.(T); ok && k.inOrder(want, have) {
			return k.settle(want, have), nil
		}
	}
	live, err := k.client.Get(ctx, name, metav1.GetOptions{})
	absent := apierrors.IsNotFound(err)
	switch {
	case absent:
	case err != nil:
		return none, err
	case k.inOrder(want, live): // the informer is late
		return k.settle(want, live), nil
	case !belongs(want, live):
		return none, &takenError{k.kind, name}
	}
	if err := may(); err != nil {
		return none, err
	}
	action := ActionChanged
	switch before, ok := k.settled[name]; {
	case ok && equality.Semantic.DeepEqual(before.want, want):
		action = ActionRepaired
	case absent:
		action = ActionCreated
	}
	uid := types.UID("")
	if !absent {
		uid = live.GetUID()
	}
	if have, err = k.apply(ctx, want, uid); err != nil {
		return none, err
	}
	if !k.inOrder(want, have) {
		if have, err = k.replace(ctx, want, have); err != nil {
			return none, err
		}
	}
	k.wrote(k.kind, action)
	k.log.Info(string(action), "kind", k.kind, "name", name)
	return k.settle(want, have), nil
}

func (k *ownedKind[T]) settle(want, have T) T {
	k.settled[want.GetName()] = settled[T]{want, k.spec(have)}
	return have
}

// inOrder says whether the API server's object is as it is wanted.
func (k *ownedKind[T]) inOrder(want, have T) bool {
	if !metaInOrder(want, have) {
		return false
	}
	if equality.Semantic.DeepEqual(k.spec(want), k.spec(have)) {
		return true
	}
	before, ok := k.settled[want.GetName()]
	return ok && equality.Semantic.DeepEqual(k.spec(before.want), k.spec(want)) && equality.Semantic.DeepEqual(before.spec, k.spec(have))
}

// metaInOrder says whether the object has its labels, and its owner alone: with
// another one, it would outlive its policy.
func metaInOrder(want, have metav1.Object) bool {
	return hasLabels(have) && equality.Semantic.DeepEqual(want.GetOwnerReferences(), have.GetOwnerReferences())
}

func hasLabels(object metav1.Object) bool {
	return labels.SelectorFromSet(policy.AdmissionLabels()).Matches(labels.Set(object.GetLabels()))
}

// belongs says whether an object of the name of the wanted one is netmode's: it
// has the labels, or the owner.
func belongs(want, have metav1.Object) bool {
	return hasLabels(have) || slices.ContainsFunc(have.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		return slices.ContainsFunc(want.GetOwnerReferences(), func(wanted metav1.OwnerReference) bool { return owner.UID == wanted.UID })
	})
}

// apply writes all that is wanted. With a uid, it does not create.
func (k *ownedKind[T]) apply(ctx context.Context, want T, uid types.UID) (have T, err error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return have, err
	}
	delete(fields, "status")
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
		if uid != "" {
			meta["uid"] = string(uid)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return have, err
	}
	return k.client.Patch(ctx, want.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: fieldManager, Force: new(true)})
}

// replace takes away what another field manager added.
func (k *ownedKind[T]) replace(ctx context.Context, want, have T) (T, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	data, err := json.Marshal([]operation{
		{"add", "/metadata/resourceVersion", have.GetResourceVersion()}, // a conflict, if it is another by now
		{"add", "/metadata/ownerReferences", want.GetOwnerReferences()},
		{"add", "/spec", k.spec(want)},
	})
	if err != nil {
		return have, err
	}
	now, err := k.client.Patch(ctx, want.GetName(), types.JSONPatchType, data, metav1.PatchOptions{FieldManager: fieldManager})
	if err == nil && !metaInOrder(want, now) {
		err = fmt.Errorf("labels %v, owners %v: something changes what netmode writes: find it", now.GetLabels(), now.GetOwnerReferences())
	}
	return now, err
}

// remove deletes the object, unless it has changed.
func (k *ownedKind[T]) remove(ctx context.Context, object metav1.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := k.client.Delete(ctx, object.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version}})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("delete %s %s: %w", k.kind, object.GetName(), err)
	}
	k.wrote(k.kind, ActionDeleted)
	k.log.Info(string(ActionDeleted), "kind", k.kind, "name", object.GetName())
	return nil
}

// forget leaves out what is not wanted any more.
func (k *ownedKind[T]) forget(wanted map[string]bool) {
	maps.DeleteFunc(k.settled, func(name string, _ settled[T]) bool { return !wanted[name] })
}

// removeUnless deletes the objects that are not kept.
func (k *ownedKind[T]) removeUnless(ctx context.Context, kept func(metav1.Object) (bool, error)) []error {
	var errs []error
	for _, found := range k.GetStore().List() {
		object, ok := found.(T)
		if !ok {
			continue
		}
		stays, err := kept(object)
		if !stays && err == nil {
			err = k.remove(ctx, object)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
