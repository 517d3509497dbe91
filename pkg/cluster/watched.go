package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watched keeps the objects of one kind.
type watched struct {
	cache.SharedIndexInformer
	// heard is when the API server last sent something about them.
	heard atomic.Pointer[time.Time]
	// refused is the last answer to a list or watch, if the kind was not there or
	// not to be read.
	refused atomic.Pointer[error]
}

// resource is where objects of a kind are listed and watched.
type resource[List runtime.Object] interface {
	List(ctx context.Context, options metav1.ListOptions) (List, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// selected are the objects of a resource that have some labels.
type selected[List runtime.Object] struct {
	resource[List]
	labels string
}

// List implements resource.
func (s selected[List]) List(ctx context.Context, options metav1.ListOptions) (List, error) {
	options.LabelSelector = s.labels
	return s.resource.List(ctx, options)
}

// Watch implements resource.
func (s selected[List]) Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.LabelSelector = s.labels
	return s.resource.Watch(ctx, options)
}

// newWatched reads from the resource. Of each object it keeps what trim returns.
func newWatched[List runtime.Object](from resource[List], example runtime.Object, indexers cache.Indexers, trim cache.TransformFunc, log logr.Logger) (*watched, error) {
	w := &watched{}
	w.hear()
	source := pagedLists{&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := listTrimmed(ctx, from, options, trim, w.hear)
			w.answered(err)
			if err != nil {
				return nil, err
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := from.Watch(ctx, options)
			w.answered(err)
			if err != nil {
				return nil, err
			}
			return newHeardWatch(events, w.hear), nil
		},
	}}
	w.SharedIndexInformer = cache.NewSharedIndexInformer(source, example, 0, indexers)
	if err := w.SetTransform(trim); err != nil {
		return nil, err
	}
	return w, w.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { watchFailed(log, err) })
}

func (w *watched) hear() { w.heard.Store(new(time.Now())) }

func (w *watched) answered(err error) {
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		w.refused.Store(&err)
	case err == nil:
		w.refused.Store(nil)
	}
}

// refusal is why what is kept may be of the past for good; nil: it is not.
func (w *watched) refusal() error {
	if err := w.refused.Load(); err != nil {
		return *err
	}
	return nil
}

// age is how long ago the API server was last heard. It bookmarks a watch about
// once a minute, whatever happens.
func (w *watched) age() time.Duration { return time.Since(*w.heard.Load()) }

// pagedLists has a reflector list before it watches: a stream of all objects
// takes several times as long, and is not to be had of every API server.
type pagedLists struct{ *cache.ListWatch }

// IsWatchListSemanticsUnSupported is what a reflector asks.
func (pagedLists) IsWatchListSemanticsUnSupported() bool { return true }

// pageSize bounds how many whole objects are in memory at once.
const pageSize = 500

// listTrimmed lists all objects as they are now, page by page, and trims each
// page before it reads the next.
func listTrimmed[List runtime.Object](ctx context.Context, from resource[List], options metav1.ListOptions, trim cache.TransformFunc, hear func()) (*trimmedList, error) {
	all := &trimmedList{}
	options.Limit, options.ResourceVersion, options.ResourceVersionMatch = pageSize, "", ""
	for {
		page, err := from.List(ctx, options)
		if err != nil {
			return nil, err
		}
		hear()
		if err := meta.EachListItem(page, func(found runtime.Object) error { return all.add(found, trim) }); err != nil {
			return nil, err
		}
		about, err := meta.ListAccessor(page)
		if err != nil {
			return nil, err
		}
		all.ResourceVersion, options.Continue = about.GetResourceVersion(), about.GetContinue()
		if options.Continue == "" {
			return all, nil
		}
	}
}

// trimmedList is a list of trimmed objects.
type trimmedList struct {
	object
	metav1.ListMeta
	Items []runtime.Object
}

// DeepCopyObject implements runtime.Object. A list does not change.
func (l *trimmedList) DeepCopyObject() runtime.Object { return l }

func (l *trimmedList) add(found runtime.Object, trim cache.TransformFunc) error {
	trimmed, err := trim(found)
	if err != nil {
		return err
	}
	item, ok := trimmed.(runtime.Object)
	if !ok {
		return fmt.Errorf("%T was trimmed to %T, which is no object", found, trimmed)
	}
	l.Items = append(l.Items, item)
	return nil
}

// object is what all runtime.Objects of this package have: no kind.
type object struct{}

// GetObjectKind implements runtime.Object.
func (object) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// heardWatch tells of each event, bookmarks included, that a watch has.
type heardWatch struct {
	watch.Interface
	events chan watch.Event
	ended  chan struct{}
	end    sync.Once
}

func newHeardWatch(events watch.Interface, hear func()) *heardWatch {
	h := &heardWatch{Interface: events, events: make(chan watch.Event), ended: make(chan struct{})}
	hear()
	go h.pass(hear)
	return h
}

func (h *heardWatch) pass(hear func()) {
	defer close(h.events)
	for event := range h.Interface.ResultChan() {
		if event.Type != watch.Error {
			hear()
		}
		select {
		case h.events <- event:
		case <-h.ended:
			return
		}
	}
}

// ResultChan implements watch.Interface.
func (h *heardWatch) ResultChan() <-chan watch.Event { return h.events }

// Stop implements watch.Interface.
func (h *heardWatch) Stop() {
	h.end.Do(func() { close(h.ended) })
	h.Interface.Stop()
}
