package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watched keeps the objects of one kind.
type watched struct {
	cache.SharedIndexInformer
	// heard is when the API server last told something of them.
	heard atomic.Pointer[time.Time]
}

// resource is where objects of a kind are listed and watched.
type resource[List runtime.Object] interface {
	List(ctx context.Context, options metav1.ListOptions) (List, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// newWatched reads from the resource of a client. Of each object it keeps what
// trim returns.
func newWatched[List runtime.Object](client any, from resource[List], example runtime.Object, trim cache.TransformFunc, failed cache.WatchErrorHandlerWithContext) (*watched, error) {
	w := &watched{}
	w.hear()
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := from.List(ctx, options)
			if err == nil {
				w.hear()
			}
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			events, err := from.Watch(ctx, options)
			if err != nil {
				return nil, err
			}
			return newHeardWatch(events, w.hear), nil
		},
	}
	w.SharedIndexInformer = cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(source, client), example, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	if err := w.SetTransform(trim); err != nil {
		return nil, err
	}
	return w, w.SetWatchErrorHandlerWithContext(failed)
}

func (w *watched) hear() { w.heard.Store(new(time.Now())) }

// age is how long ago the API server was last heard. It bookmarks a watch about
// once a minute, whatever happens.
func (w *watched) age() time.Duration { return time.Since(*w.heard.Load()) }

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
