package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted reads take a while and are counted.
func counted(takes time.Duration) (*liveReads[int64], *atomic.Int64) {
	var n atomic.Int64
	return &liveReads[int64]{read: func(ctx context.Context, key string) (int64, error) {
		mine := n.Add(1)
		select {
		case <-time.After(takes):
			if key == "bad" {
				return 0, errors.New("refused")
			}
			return mine, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}}, &n
}

// What comes back was read after the call: callers who come while a read is
// under way share the next one, and a read that is done serves nobody else.
func TestLiveReadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(300 * time.Millisecond)
		var callers sync.WaitGroup
		get := func(key string, want int64) {
			callers.Go(func() {
				if got, err := reads.get(t.Context(), key); got != want || err != nil {
					t.Errorf("have %d, %v, want %d", got, err, want)
				}
			})
			synctest.Wait()
		}
		get("a", 1)
		for range 20 {
			get("a", 3)
		}
		get("b", 2) // another key is read at once
		callers.Wait()
		if n.Load() != 3 {
			t.Errorf("%d reads, want 3", n.Load())
		}
		get("a", 4)
		callers.Wait()
	})
}

// Where outcomes stand, a read serves all who come while it is under way, and for
// a second after it, no longer.
func TestLiveReadsStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(300 * time.Millisecond)
		reads.stands = true
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if got, err := reads.get(t.Context(), "a"); got != 1 || err != nil {
					t.Errorf("have %d, %v", got, err)
				}
			})
		}
		callers.Wait()
		<-time.After(readValid - time.Millisecond)
		if got, _ := reads.get(t.Context(), "a"); got != 1 {
			t.Errorf("read %d within a second, want 1", got)
		}
		<-time.After(time.Millisecond)
		if got, _ := reads.get(t.Context(), "a"); got != 2 || n.Load() != 2 {
			t.Errorf("read %d after a second, want 2", got)
		}
	})
}

func TestLiveReadsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(time.Hour)
		began := time.Now()
		if _, err := reads.get(t.Context(), "a"); err == nil || err.Error() != "no answer within 1s" {
			t.Errorf("have %v", err)
		}
		if took := time.Since(began); took != readTimeout {
			t.Errorf("took %s, want %s", took, readTimeout)
		}
		// The failure stands for a second, so that an API server in trouble is spared.
		if _, err := reads.get(t.Context(), "a"); err == nil || n.Load() != 1 {
			t.Errorf("have %v after %d reads, want the failure of the first", err, n.Load())
		}
	})
}

// The wait for the read before counts, too.
func TestLiveReadsThatFollowEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, _ := counted(time.Hour)
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				began := time.Now()
				if _, err := reads.get(t.Context(), "a"); err == nil || time.Since(began) > readTimeout {
					t.Errorf("have %v after %s", err, time.Since(began))
				}
			})
			<-time.After(400 * time.Millisecond)
		}
		callers.Wait()
	})
}

// A caller who goes away takes only his own answer with him.
func TestLiveReadsOutliveTheirFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(500 * time.Millisecond)
		ctx, cancel := context.WithCancelCause(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := reads.get(ctx, "a"); err == nil || err.Error() != "read a: gone" {
				t.Errorf("have %v", err)
			}
		})
		synctest.Wait()
		callers.Go(func() {
			if got, err := reads.get(t.Context(), "a"); got != 2 || err != nil {
				t.Errorf("have %d, %v", got, err)
			}
		})
		synctest.Wait()
		cancel(errors.New("gone"))
		callers.Wait()
		if n.Load() != 2 {
			t.Errorf("%d reads, want 2", n.Load())
		}
	})
}

func TestLiveReadsForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, _ := counted(0)
		reads.stands = true
		for i := range 1000 {
			if _, err := reads.get(t.Context(), fmt.Sprint("namespace-", i)); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(readValid)
		if _, err := reads.get(t.Context(), "bad"); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("have %v", err)
		}
		if len(reads.byKey) != 1 {
			t.Errorf("%d outcomes are kept, want that of the last", len(reads.byKey))
		}
	})
}
