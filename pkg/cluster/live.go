package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// readTimeout bounds the wait for a live read: an API server waits 3 s for the
	// webhook.
	readTimeout = time.Second
	// readValid is how long the outcome of a live read stands for the next ones,
	// where it stands at all.
	readValid = time.Second
)

// liveReads asks the API server what the cache does not know yet: one read at a
// time for each key. What a caller gets was read after it called, so that it
// has what the caller wrote a moment before; callers who come while a read is
// under way share the one that follows. A failure stands for a while, and so
// does everything else with stands.
type liveReads[T any] struct {
	read   func(ctx context.Context, key string) (T, error)
	stands bool

	mu    sync.Mutex
	byKey map[string]*liveRead[T] // under way, or standing
}

// liveRead is one read. Its outcome may be looked at when done is closed.
type liveRead[T any] struct {
	done  chan struct{}
	value T
	err   error
	until time.Time    // of the validity; zero while it is under way
	next  *liveRead[T] // begins when this one is done; nil: nobody waits for it
}

// get returns the outcome of a read that begins now, or as soon as the one
// under way is done. It fails when ctx ends first.
func (l *liveReads[T]) get(ctx context.Context, key string) (T, error) {
	r := l.join(ctx, key)
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("read %s: %w", key, context.Cause(ctx))
	}
}

// join finds the read to wait for, or starts it. It does not end with the
// caller who happened to start it.
func (l *liveReads[T]) join(ctx context.Context, key string) *liveRead[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for k, r := range l.byKey {
		if !r.until.IsZero() && !now.Before(r.until) {
			delete(l.byKey, k)
		}
	}
	before := l.byKey[key]
	switch {
	case before != nil && !before.until.IsZero():
		return before
	case before != nil && l.stands:
		return before
	case before != nil && before.next != nil:
		return before.next
	}
	r := &liveRead[T]{done: make(chan struct{})}
	if before != nil {
		before.next = r
	} else {
		if l.byKey == nil {
			l.byKey = map[string]*liveRead[T]{}
		}
		l.byKey[key] = r
	}
	go l.run(context.WithoutCancel(ctx), key, r, before)
	return r
}

// run reads, after the read before if there is one.
func (l *liveReads[T]) run(ctx context.Context, key string, r, before *liveRead[T]) {
	ctx, cancel := context.WithTimeoutCause(ctx, readTimeout, fmt.Errorf("no answer within %s", readTimeout))
	defer cancel()
	if before != nil {
		<-before.done
	}
	r.value, r.err = l.read(ctx, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.next != nil:
		l.byKey[key] = r.next
	case r.err != nil || l.stands:
		r.until = time.Now().Add(readValid)
	default:
		delete(l.byKey, key)
	}
	close(r.done)
}
