package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

const (
	// readTimeout bounds the wait for a live read: an API server waits 3 s for the
	// webhook.
	readTimeout = time.Second
	// readValid is how long the outcome of a live read is good for the next callers,
	// where it is reused at all.
	readValid = time.Second
	// readEvery is the least time from one read of a key to the next. Whoever comes
	// right after one began has time left for an answer.
	readEvery = 400 * time.Millisecond
	// Live reads of a kind, whatever the keys: so many a second, so many in a row,
	// and so many at once. The API server must not feel who asks the webhook.
	readRate   = 20
	readBurst  = 20
	readAtOnce = 4
	// readKeys is how many keys are remembered; more at once are not read.
	readKeys = 1000
)

// errTooManyReads is what callers get beyond readKeys.
var errTooManyReads = errors.New("too many live reads at once")

// liveReads asks the API server what the cache does not know yet: one read at a
// time for each key, and no sooner than readEvery after the one before. What a
// caller gets was read after it called, so that it has what the caller wrote a
// moment before; callers who come while a read is under way, or was a moment
// ago, share the one that follows. A failure is reused for readValid, and with
// reuse so is every outcome.
type liveReads[T any] struct {
	read   func(ctx context.Context, key string) (T, error)
	reuse  bool
	rate   *rate.Limiter
	atOnce *semaphore.Weighted

	mu    sync.Mutex
	byKey map[string]*keyReads[T]
	// forgettable are keys with the time from which they may be forgotten, in its
	// order.
	forgettable []forgettable
}

type forgettable struct {
	key string
	at  time.Time
}

func newLiveReads[T any](reuse bool, read func(ctx context.Context, key string) (T, error)) *liveReads[T] {
	return &liveReads[T]{
		read: read, reuse: reuse, rate: rate.NewLimiter(readRate, readBurst), atOnce: semaphore.NewWeighted(readAtOnce),
		byKey: map[string]*keyReads[T]{},
	}
}

// keyReads are the reads of one key.
type keyReads[T any] struct {
	waiting *liveRead[T] // the one that will begin
	reading *liveRead[T] // the one under way
	recent  *liveRead[T] // the one that is done, while it is good for the next callers
	until   time.Time    // of recent
	began   time.Time    // of the latest read
}

// liveRead is one read. Its outcome may be looked at when done is closed.
type liveRead[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// get returns the outcome of a read that begins now, or as soon as one may. It
// fails when ctx ends first.
func (l *liveReads[T]) get(ctx context.Context, key string) (T, error) {
	var none T
	r := l.join(ctx, key)
	if r == nil {
		return none, errTooManyReads
	}
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		return none, fmt.Errorf("read %s: %w", key, context.Cause(ctx))
	}
}

// join finds the read to wait for, or starts it. It does not end with the caller
// who happened to start it. nil: there are too many.
func (l *liveReads[T]) join(ctx context.Context, key string) *liveRead[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.forget(now)
	k := l.byKey[key]
	switch {
	case k == nil && len(l.byKey) >= readKeys:
		return nil
	case k == nil:
		k = &keyReads[T]{}
		l.byKey[key] = k
	case k.recent != nil && now.Before(k.until):
		return k.recent
	case k.reading != nil && l.reuse:
		return k.reading
	case k.waiting != nil:
		return k.waiting
	}
	k.waiting = &liveRead[T]{done: make(chan struct{})}
	go l.run(context.WithoutCancel(ctx), key, k, k.waiting, k.reading)
	return k.waiting
}

// forget drops the keys of which nothing need be known any more.
func (l *liveReads[T]) forget(now time.Time) {
	for len(l.forgettable) > 0 && !now.Before(l.forgettable[0].at) {
		key := l.forgettable[0].key
		l.forgettable = l.forgettable[1:]
		k := l.byKey[key]
		if k != nil && k.waiting == nil && k.reading == nil && !now.Before(k.until) && !now.Before(k.began.Add(readEvery)) {
			delete(l.byKey, key)
		}
	}
}

// run reads when it may, after the read before if there is one.
func (l *liveReads[T]) run(ctx context.Context, key string, k *keyReads[T], r, before *liveRead[T]) {
	ctx, cancel := context.WithTimeoutCause(ctx, readTimeout, fmt.Errorf("no answer within %s", readTimeout))
	defer cancel()
	if before != nil {
		<-before.done
	}
	r.err = l.turn(ctx, k)
	l.mu.Lock()
	k.waiting, k.reading = nil, r
	if r.err == nil {
		k.began = time.Now()
	}
	l.mu.Unlock()
	if r.err == nil {
		r.value, r.err = l.read(ctx, key)
		l.atOnce.Release(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k.reading, k.recent = nil, nil
	now := time.Now()
	if r.err != nil || l.reuse {
		k.recent, k.until = r, now.Add(readValid)
	}
	l.forgettable = append(l.forgettable, forgettable{key, now.Add(max(readValid, readEvery))})
	close(r.done)
}

// turn waits until a read of the key may begin. Without an error, one of atOnce
// is taken.
func (l *liveReads[T]) turn(ctx context.Context, k *keyReads[T]) error {
	l.mu.Lock()
	pause := time.Until(k.began.Add(readEvery))
	l.mu.Unlock()
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := l.rate.Wait(ctx); err != nil {
		return fmt.Errorf("more than %d live reads a second: %w", readRate, err)
	}
	if err := l.atOnce.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("%d live reads at once: %w", readAtOnce, context.Cause(ctx))
	}
	return nil
}
