package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// turnedAway is how often the server has turned something away for the cause.
func (r *running) turnedAway(t *testing.T, cause string) float64 {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "netmode_turned_away_total" && metric.GetLabel()[0].GetValue() == cause {
				return metric.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no cause %q", cause)
	return 0
}

// promise sends the beginning of a body over HTTP/2, and the rest never.
func (r *running) promise(t *testing.T, client *http.Client, begin io.Reader, length int64) {
	t.Helper()
	owed, owing := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	request := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, io.MultiReader(begin, owed)).WithContext(ctx)
	request.ContentLength = length
	go func() { _, _, _ = try(client, request) }() // it ends with the test
	t.Cleanup(func() { cancel(); _ = owing.Close() })
}

// Sixty streams that promise 8 MiB each and send nothing hold next to nothing.
func TestPromisesTakeNoMemory(t *testing.T) {
	r := start(t, nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 2 {
		client := r.client(t, true)
		for range 30 {
			r.promise(t, client, strings.NewReader(`{"kind":`), 8<<20)
		}
	}
	code, text := post(t, r.client(t, false), r.url("/mutate/asked"), review(t, "u", ""))
	checkAnswer(t, code, text, "u")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+64<<20 {
		t.Errorf("%d bytes, and %d before", after.HeapAlloc, before.HeapAlloc)
	}
}

// While large bodies take all that they may, another large one finds no room, and
// small ones do not notice.
func TestSmallBodiesDoNotWaitForLargeOnes(t *testing.T) {
	t.Parallel()
	const maxBody = 1 << 20
	limits := NewLimits(MinMaxBytes(maxBody), 64)
	limits.wait = 100 * time.Millisecond
	r := start(t, func(s *setup) { s.limits, s.maxBody = limits, maxBody })
	taken := MinMaxBytes(maxBody) - MinMaxBytes(maxBody)/3
	if !limits.largeBytes.TryAcquire(taken) {
		t.Fatal("the room of large bodies is not free")
	}
	large := review(t, "large", "") + strings.Repeat(" ", 600<<10)
	client := r.client(t, false)
	code, text := post(t, client, r.url("/mutate/asked"), large)
	if answer := checkAnswer(t, code, text, "large"); answer.Allowed || answer.Result.Code != http.StatusServiceUnavailable ||
		!strings.Contains(answer.Result.Message, "no room for this review now: try again") {
		t.Errorf("have %s, want no room", text)
	}
	if n := r.turnedAway(t, "bytes"); n != 1 {
		t.Errorf("%g counted, want 1", n)
	}
	for range 20 {
		code, text := post(t, client, r.url("/mutate/asked"), review(t, "small", ""))
		if answer := checkAnswer(t, code, text, "small"); !answer.Allowed {
			t.Fatalf("a small one is refused: %s", text)
		}
	}
	limits.largeBytes.Release(taken)
	code, text = post(t, client, r.url("/mutate/asked"), large)
	if !checkAnswer(t, code, text, "large").Allowed {
		t.Errorf("the room does not come back: %s", text)
	}
}

// Every byte that was taken is given back, whatever became of the request.
func TestRoomComesBack(t *testing.T) {
	t.Parallel()
	const maxBody = 1 << 20
	limits := NewLimits(MinMaxBytes(maxBody), 4)
	r := start(t, func(s *setup) { s.limits, s.maxBody, s.reviewer = limits, maxBody, faulty{s.reviewer} })
	var group sync.WaitGroup
	for worker := range 8 {
		client := r.client(t, worker%2 == 0)
		group.Go(func() {
			for i := range 20 {
				body := review(t, []string{"u", "panic", "fault"}[i%3], "") + strings.Repeat(" ", []int{0, 300 << 10, 900 << 10, maxBody}[i%4])
				_, _, err := try(client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(body)))
				if err != nil && len(body) <= maxBody { // the connection of a larger one may end while it is sent
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	small := MinMaxBytes(maxBody) / 3
	if !limits.smallBytes.TryAcquire(small) || !limits.largeBytes.TryAcquire(MinMaxBytes(maxBody)-small) || !limits.reviews.TryAcquire(4) || !limits.largeReviews.TryAcquire(1) {
		t.Error("something is still taken")
	}
}

func TestReviewsAtWork(t *testing.T) {
	t.Parallel()
	var b breakable
	limits := NewLimits(DefaultMaxBytes, 1)
	limits.wait = 50 * time.Millisecond
	r := start(t, func(s *setup) {
		s.limits = limits
		b = withBreakable(s)
	})
	atWork := r.send(t, r.client(t, false), "")
	<-b.entered
	code, text := post(t, r.client(t, false), r.url("/mutate/asked"), review(t, "u", ""))
	if answer := checkAnswer(t, code, text, "u"); answer.Allowed || answer.Result.Code != http.StatusServiceUnavailable {
		t.Errorf("have %s, want no room", text)
	}
	close(b.release)
	if o := <-atWork; o.err != nil || o.code != http.StatusOK {
		t.Errorf("%+v", o)
	}
	code, text = post(t, r.client(t, false), r.url("/mutate/asked"), review(t, "u", ""))
	if !checkAnswer(t, code, text, "u").Allowed {
		t.Errorf("have %s", text)
	}
	if n := r.turnedAway(t, "reviews"); n != 1 {
		t.Errorf("%g counted, want 1", n)
	}
}

// A review whose caller is gone is not begun.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, http2 bool) {
		t.Parallel()
		var b breakable
		limits := NewLimits(DefaultMaxBytes, 1)
		limits.wait = patience
		r := start(t, func(s *setup) {
			s.limits = limits
			b = withBreakable(s)
		})
		atWork := r.send(t, r.client(t, http2), "")
		<-b.entered
		client := r.client(t, http2)
		for patient := 10 * time.Millisecond; r.turnedAway(t, "gone") == 0; patient *= 2 {
			if patient > patience {
				t.Fatal("not counted")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patient)
			request := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "panic", ""))).WithContext(ctx)
			if _, _, err := try(client, request); err == nil {
				t.Error("it is answered")
			}
			cancel()
		}
		alone := int64(DefaultMaxBytes/3 - firstBuffer) // free when the review at work is the only one left
		for begin := time.Now(); !limits.smallBytes.TryAcquire(alone); <-time.After(time.Millisecond) {
			if time.Since(begin) > patience {
				t.Fatal("the callers' going is not noticed")
			}
		}
		limits.smallBytes.Release(alone)
		close(b.release)
		if o := <-atWork; o.err != nil || o.code != http.StatusOK {
			t.Errorf("%+v", o)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if records := r.log.records(t, "request failed"); len(records) > 0 {
			t.Error("the review was begun")
		}
	})
}

// The buffer grows with what has come, and by no more than trustLength of it.
func TestBufferGrows(t *testing.T) {
	const most = 16 << 20
	for _, length := range []int64{-1, 1 << 10, 100 << 10, 3 << 20, most} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			limits := NewLimits(DefaultMaxBytes, 1)
			bodies := &bodies{}
			b := bodies.get(limits)
			defer bodies.put(b)
			size := length
			if size < 0 {
				size = 5 << 20
			}
			from := &trickle{left: size, seen: func(read int64) {
				if held := int64(cap(b.data)); held > max(firstBuffer, trustLength*read+1) || b.held != held {
					t.Errorf("%d bytes are held, and %d counted, for %d that came", held, b.held, read)
				}
			}}
			if err := b.read(t.Context(), from, length, most); err != nil || int64(len(b.data)) != size {
				t.Errorf("%d bytes, %v, want %d", len(b.data), err, size)
			}
			if length > 0 && int64(cap(b.data)) > max(firstBuffer, 2*length) {
				t.Errorf("%d bytes are held in the end for %d", cap(b.data), length)
			}
		})
	}
}

// trickle gives what it is asked for, at most 4 kB at once.
type trickle struct {
	left, read int64
	seen       func(read int64)
}

func (f *trickle) Read(p []byte) (int, error) {
	f.seen(f.read)
	if f.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), 4<<10, f.left))
	f.left, f.read = f.left-int64(n), f.read+int64(n)
	return n, nil
}
