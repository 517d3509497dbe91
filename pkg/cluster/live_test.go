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

func TestLiveReadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, n := counted(300 * time.Millisecond)
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if got, err := reads.get(t.Context(), "a"); got != 1 || err != nil {
					t.Errorf("have %d, %v", got, err)
				}
			})
		}
		callers.Wait()
		if n.Load() != 1 {
			t.Errorf("%d reads, want 1", n.Load())
		}
		// Its outcome is good for a second, and no longer.
		<-time.After(readValid - time.Millisecond)
		if got, _ := reads.get(t.Context(), "a"); got != 1 {
			t.Errorf("read %d within a second, want 1", got)
		}
		<-time.After(time.Millisecond)
		if got, _ := reads.get(t.Context(), "a"); got != 2 {
			t.Errorf("read %d after a second, want 2", got)
		}
		// Another key is read at once.
		if got, _ := reads.get(t.Context(), "b"); got != 3 {
			t.Errorf("read %d of another key, want 3", got)
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
			if got, err := reads.get(t.Context(), "a"); got != 1 || err != nil {
				t.Errorf("have %d, %v", got, err)
			}
		})
		synctest.Wait()
		cancel(errors.New("gone"))
		callers.Wait()
		if n.Load() != 1 {
			t.Errorf("%d reads, want 1", n.Load())
		}
	})
}

func TestLiveReadsForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, _ := counted(0)
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
