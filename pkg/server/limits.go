package server

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bounds that hold unless configured otherwise.
const (
	// DefaultMaxBody is the largest body that is read. An object of 1.5 MB, which
	// is what etcd holds, can be 8.7 MB in a review, and an update has two.
	DefaultMaxBody = 16 << 20
	// DefaultMaxBytes is how much all bodies together may take in memory. With
	// what reviews make of them it fits a container of 256 MiB.
	DefaultMaxBytes = 48 << 20
	// DefaultMaxConnections is how many connections may be open.
	DefaultMaxConnections = 512
)

const (
	// smallBody is the largest body of a share that large ones do not take.
	smallBody = 256 << 10
	// roomTime is how long a request waits for room: API servers wait 3 s for all.
	roomTime = time.Second
	// largePart is the part of the reviews at work that may be large: each may
	// take a fifth of a second.
	largePart = 32
)

// DefaultMaxReviews is how many reviews may be at work at once. Most take a
// fifth of a millisecond of a CPU; some wait for the API server.
func DefaultMaxReviews() int { return 64 * runtime.GOMAXPROCS(0) }

// MinMaxBytes is the least that NewLimits takes for bodies of up to maxBody: of
// all bytes, a third is kept for small bodies.
func MinMaxBytes(maxBody int64) int64 { return 2*maxBody + 3*smallBody }

// Limits bound what all reviews of a server together may take. Small bodies have
// a share of their own, so that they never wait for large ones.
type Limits struct {
	smallBytes, largeBytes *semaphore.Weighted
	reviews, largeReviews  *semaphore.Weighted
	wait                   time.Duration
}

// NewLimits makes room for so many bytes of bodies, and reviews at work.
func NewLimits(maxBytes int64, maxReviews int) *Limits {
	small := maxBytes / 3
	return &Limits{
		smallBytes:   semaphore.NewWeighted(small),
		largeBytes:   semaphore.NewWeighted(maxBytes - small),
		reviews:      semaphore.NewWeighted(int64(maxReviews)),
		largeReviews: semaphore.NewWeighted(int64(max(1, maxReviews/largePart))),
		wait:         roomTime,
	}
}

// errNoRoom is what a request gets that has waited too long for room.
var errNoRoom = errors.New("no room")

// take waits for n of the room, not long. The error is errNoRoom, or says that
// the caller is gone.
func (l *Limits) take(ctx context.Context, room *semaphore.Weighted, n int64) error {
	if room.TryAcquire(n) {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	if room.Acquire(wait, n) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errNoRoom
}

// work waits until a review of so many bytes may begin. Whoever gets no error
// calls done in the end.
func (l *Limits) work(ctx context.Context, size int) (done func(), err error) {
	room := l.reviews
	if size > smallBody {
		room = l.largeReviews
	}
	if err := l.take(ctx, room, 1); err != nil {
		return nil, err
	}
	return func() { room.Release(1) }, nil
}
