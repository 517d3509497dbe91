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
	return newLiveReads(false, func(ctx context.Context, key string) (int64, error) {
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
	}), &n
}

// What comes back was read after the call: callers who come while a read is
// under way share the next one, and a read that is done serves nobody else.
func TestLiveReadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(100 * time.Millisecond)
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
		began := time.Now()
		get("a", 4)
		callers.Wait()
		if took := time.Since(began); took != readEvery {
			t.Errorf("the next read was there after %s, want %s: one begins every %s, and takes 100 ms", took, readEvery, readEvery)
		}
	})
}

// However many ask, and however often: a namespace is read once every readEvery,
// and everybody has what was there when he asked.
func TestLiveReadsAreRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int64
		state := atomic.Int64{}
		live := newLiveReads(false, func(context.Context, string) (int64, error) {
			reads.Add(1)
			return state.Load(), nil
		})
		var callers sync.WaitGroup
		const seconds = 10
		for range seconds * 100 {
			written := state.Add(1)
			callers.Go(func() {
				if got, err := live.get(t.Context(), "a"); err != nil || got < written {
					t.Errorf("have %d, %v, and wrote %d before", got, err, written)
				}
			})
			<-time.After(10 * time.Millisecond)
		}
		callers.Wait()
		if most := int64(seconds*time.Second/readEvery) + 2; reads.Load() > most {
			t.Errorf("%d reads in %d s, want at most %d", reads.Load(), seconds, most)
		}
	})
}

// Names that nobody has heard of cost the API server no more than the rate, and
// netmode no more than readKeys.
func TestLiveReadsOfManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(10 * time.Millisecond)
		reads.reuse = true
		var callers sync.WaitGroup
		var refused, failed atomic.Int64
		began := time.Now()
		for i := range 5 * readKeys {
			callers.Go(func() {
				switch _, err := reads.get(t.Context(), fmt.Sprint("namespace-", i)); {
				case errors.Is(err, errTooManyReads):
					refused.Add(1)
				case err != nil:
					failed.Add(1)
				}
			})
		}
		callers.Wait()
		if took := time.Since(began); took > readTimeout {
			t.Errorf("an answer took %s", took)
		}
		if most := int64(readBurst + readRate); n.Load() > most || n.Load() < readBurst {
			t.Errorf("%d reads, want %d to %d", n.Load(), readBurst, most)
		}
		if refused.Load() != 4*readKeys || failed.Load()+n.Load() < readKeys || failed.Load() > readKeys {
			t.Errorf("%d refused and %d failed, want %d and the rest", refused.Load(), failed.Load(), 4*readKeys)
		}
	})
}

// At most readAtOnce reads run at once, whatever the keys.
func TestLiveReadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(300 * time.Millisecond)
		var callers sync.WaitGroup
		for i := range 3 * readAtOnce {
			callers.Go(func() {
				if _, err := reads.get(t.Context(), fmt.Sprint("namespace-", i)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n.Load() != readAtOnce {
			t.Errorf("%d reads at once, want %d", n.Load(), readAtOnce)
		}
		callers.Wait()
	})
}

// Where outcomes are reused, a read serves all who come while it is under way, and for
// a second after it, no longer.
func TestLiveReadsStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(300 * time.Millisecond)
		reads.reuse = true
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
		// The failure is reused for a second, so that an API server in trouble is spared.
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
		reads, n := counted(100 * time.Millisecond)
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
		reads.reuse = true
		for i := range readBurst {
			if _, err := reads.get(t.Context(), fmt.Sprint("namespace-", i)); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(readValid)
		if _, err := reads.get(t.Context(), "bad"); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("have %v", err)
		}
		if len(reads.byKey) != 1 || len(reads.forgettable) != 1 {
			t.Errorf("%d outcomes are kept, want that of the last", len(reads.byKey))
		}
	})
}
