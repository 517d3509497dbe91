package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// readTimeout bounds one live read: an API server waits 3 s for the webhook.
	readTimeout = time.Second
	// readValid is how long the outcome of a live read stands for the next ones.
	readValid = time.Second
)

// liveReads asks the API server what the cache does not know yet: one read at a
// time for each key, whose outcome, failure included, all callers share.
type liveReads[T any] struct {
	read func(ctx context.Context, key string) (T, error)

	mu    sync.Mutex
	byKey map[string]*liveRead[T]
}

// liveRead is one read. Its outcome may be looked at when done is closed.
type liveRead[T any] struct {
	done  chan struct{}
	value T
	err   error
	until time.Time // of the validity; zero while it is under way
}

// get returns the outcome of a read that is under way, or was a moment ago, or
// begins now. It fails when ctx ends first.
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
	if r, ok := l.byKey[key]; ok {
		return r
	}
	if l.byKey == nil {
		l.byKey = map[string]*liveRead[T]{}
	}
	r := &liveRead[T]{done: make(chan struct{})}
	l.byKey[key] = r
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), readTimeout, fmt.Errorf("no answer within %s", readTimeout))
		defer cancel()
		r.value, r.err = l.read(ctx, key)
		l.mu.Lock()
		r.until = time.Now().Add(readValid)
		l.mu.Unlock()
		close(r.done)
	}()
	return r
}
