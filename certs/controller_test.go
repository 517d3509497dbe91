package certs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestControllerRotates: over months, what is served always verifies, with all CAs
// that may be trusted, even for a pod that never loads another certificate.
func TestControllerRotates(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.stuck = true
		start := time.Now()
		k, stop := w.controller(testConfig)
		defer stop()
		w.pass(time.Second)
		w.wantOrder()
		if told := w.controllersTold(); !told.leafEnd.Equal(start.Add(30*day)) || !told.caEnd.Equal(start.Add(90*day)) {
			w.Errorf("at %s: the leaf ends at %s, the CA at %s", start, told.leafEnd, told.caEnd)
		}
		for range 200 {
			w.pass(day)
			told, now := w.controllersTold(), time.Now()
			if !k.Ready() || told.leafEnd.Before(now.Add(10*day-time.Hour)) || told.caEnd.Before(now.Add(30*day-time.Hour)) {
				w.Fatalf("at %s: ready %t, the leaf ends at %s, the CA at %s", stamp(now), k.Ready(), told.leafEnd, told.caEnd)
			}
		}
		w.wantOrder()
		// A CA is due after 60 days and a leaf after 20; one of each begins with the CA.
		want := map[Step]int{StepBegin: 1, StepStage: 3, StepSettle: 3, StepPromote: 3, StepIssue: 10, StepRetire: 2,
			StepBundle: 2 * (1 + 3 + 2), StepServe: 1 + 2*3 + 10 + 2}
		if diff := cmp.Diff(want, w.controllersTold().steps); diff != "" {
			w.Error(diff)
		}
		if err := w.controllersTold().failure; err != nil {
			w.Error(err)
		}
	})
}

// TestControllerStopsAtAnyWrite: a Controller that ends at any of its writes, done or
// not done, leaves nothing that the next one does not carry on.
func TestControllerStopsAtAnyWrite(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		t.Run(fmt.Sprintf("done %t", done), func(t *testing.T) {
			t.Parallel()
			n := 1
			for stopAtWrite(t, n, done) {
				n++
			}
			if n < 20 {
				t.Errorf("there were only %d writes to stop at", n-1)
			}
		})
	}
}

// stopAtWrite runs a Controller through a rotation to the end of the old CA, and
// replaces it at its nth write. It says whether there was one.
func stopAtWrite(t *testing.T, n int, done bool) (stopped bool) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.stuck = true
		config := testConfig
		config.CALifetime, config.LeafLifetime = 3*time.Hour, time.Hour
		var writes atomic.Int32
		at := make(chan struct{})
		fatal := func(call apiCall) bool {
			if !call.writes() || int(writes.Add(1)) != n {
				return false
			}
			close(at)
			return true
		}
		if done {
			w.api.lost = fatal
		} else {
			w.api.before = func(ctx context.Context, call apiCall) int {
				if fatal(call) {
					<-ctx.Done()
					return 500
				}
				return 0
			}
		}
		_, stop := w.controller(config)
		end := time.After(3*time.Hour + 20*time.Minute)
		select {
		case <-at:
			stopped = true
			stop()
			w.pass(time.Duration(n*n%200) * time.Second)
			_, stop = w.controller(config)
			<-end
		case <-end:
		}
		w.pass(5 * time.Minute)
		stop()
		w.wantOrder()
		if w.Failed() {
			w.Fatalf("stopped at write %d, done %t", n, done)
		}
	})
	return stopped && !t.Failed()
}

// TestControllersTogether: Controllers that start at once, meet real conflicts and made
// up ones, and end with one CA and one leaf.
func TestControllersTogether(t *testing.T) {
	t.Parallel()
	var conflicts atomic.Int32
	for seed := range uint64(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.recheck = 10 * day
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // G404: the test's own dice
				w.api.before = func(_ context.Context, call apiCall) int {
					mu.Lock()
					delay, refuse := time.Duration(random.IntN(50))*time.Millisecond, random.IntN(5) == 0
					mu.Unlock()
					<-time.After(delay)
					if refuse && call.writes() {
						conflicts.Add(1)
						return 409
					}
					return 0
				}
				for range 2 + seed%2 {
					_, stop := w.controller(testConfig)
					w.Cleanup(stop)
				}
				w.pass(30 * time.Second)
				seen := w.wantOrder()
				cas, err := parseCertificates(seen.serving.CA)
				if err != nil || len(cas) != 1 || len(w.served) != 1 {
					w.Errorf("%d CAs (%v), %d certificates were served", len(cas), err, len(w.served))
				}
				if told := w.controllersTold(); told.failure != nil || told.steps[StepBegin] != 1 {
					w.Errorf("began %d times, failure: %v", told.steps[StepBegin], told.failure)
				}
				if seed < 4 {
					w.pass(70 * day) // past a rotation, together
					w.wantOrder()
				}
			})
		})
	}
	if conflicts.Load() < 50 {
		t.Errorf("only %d conflicts", conflicts.Load())
	}
}

// TestControllerOutlivesErrors: whatever the API answers is told, tried again, less
// and less often, and forgotten when it works again.
func TestControllerOutlivesErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what   string
		before func(ctx context.Context, call apiCall) int
		want   []string
	}{
		{"forbidden to read a Secret", refuse(403, "get", "secrets"), []string{"read Secret netmode-system/webhook-tls: ", "allow it in the Role or ClusterRole of this ServiceAccount"}},
		{"forbidden to write a Secret", refuse(403, "update", "secrets"), []string{"write Secret netmode-system/webhook-tls-ca: ", "allow it in the Role"}},
		{"forbidden to read a configuration", refuse(403, "get", "mutatingwebhookconfigurations"), []string{"read MutatingWebhookConfiguration netmode: ", "allow it in the Role"}},
		{"forbidden to patch", refuse(403, "patch", "mutatingwebhookconfigurations"), []string{"write caBundle of MutatingWebhookConfiguration netmode: ", "allow it in the Role"}},
		{"server error", refuse(500, "get", "secrets"), []string{"read Secret netmode-system/webhook-tls: "}},
		{"no answer", func(ctx context.Context, call apiCall) int {
			if call.verb == "get" {
				<-ctx.Done()
			}
			return 0
		}, []string{"read Secret netmode-system/webhook-tls: ", "deadline exceeded"}},
		{"conflicts for ever", refuse(409, "update", "secrets"), []string{"not in order after 25 attempts in a row: see which other writer changes Secret netmode-system/webhook-tls"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.api.before = tc.before
				k, stop := w.controller(testConfig)
				defer stop()
				w.pass(20 * time.Minute)
				if k.Ready() {
					w.Error("ready")
				}
				told := w.controllersTold()
				wantError(w, told.failure, tc.want...)
				wantText(w, w.log.take(), "certificates not in order")
				failures := told.failures
				if n := len(failures); n < 15 || n > 40 {
					w.Errorf("failed %d times in 20 minutes", n)
				}
				for i := range failures[1:] {
					if gap := failures[i+1].Sub(failures[i]); gap > 100*time.Second {
						w.Errorf("tried again only after %s", gap)
					}
				}
				w.api.refuse(nil)
				w.pass(90 * time.Second)
				w.wantOrder()
				if !k.Ready() {
					w.Error("not ready")
				}
			})
		})
	}
}

func refuse(status int, verb, resource string) func(context.Context, apiCall) int {
	return func(_ context.Context, call apiCall) int {
		if call.verb == verb && call.resource == resource {
			return status
		}
		return 0
	}
}

// TestControllerWorksRoundWhatFails: one caBundle that cannot be written keeps
// neither the other nor the Secrets from being in order.
func TestControllerWorksRoundWhatFails(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.lawless = true
		w.api.before = func(_ context.Context, call apiCall) int {
			if call.verb == "patch" && call.name == "netmode" {
				return 403
			}
			return 0
		}
		config := testConfig
		config.CALifetime, config.LeafLifetime = 3*time.Hour, time.Hour
		_, stop := w.controller(config)
		defer stop()
		w.pass(150 * time.Minute) // past two thirds of the CA's life
		seen := w.state()
		if needs, reason := NeedsRenewal(seen.serving, testNames, time.Now()); needs {
			w.Error(reason)
		}
		if !seen.configurations[1].holds(seen.serving.CA) {
			w.Error("the other configuration was left alone")
		}
		if seen.record.next == nil || len(seen.record.retired) > 0 {
			w.Error("the CA was rotated though a caBundle cannot have it")
		}
	})
}

// TestControllerWatchFails: without its watch a Controller still looks from time to time.
func TestControllerWatchFails(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.recheck = 10 * time.Minute
		w.api.before = func(_ context.Context, call apiCall) int {
			if call.verb == "watch" || call.verb == "list" {
				return 403
			}
			return 0
		}
		_, stop := w.controller(testConfig)
		defer stop()
		w.pass(time.Minute)
		wantText(t, w.log.take(), "watch broken, opened again soon", "allow it in the Role")
		w.edit(servingAt, func(data map[string][]byte) { clear(data) })
		w.pass(w.recheck + time.Second)
		w.wantOrder()
	})
}

func TestControllerEndsAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		k := NewController(w.api.client(), testConfig, ControllerHooks{}, w.log.logger())
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		k.Run(ctx)
		if k.Ready() {
			w.Error("ready")
		}
		synctest.Wait()
		if text := w.log.take(); text != "" {
			w.Errorf("logged: %s", text)
		}
	})
}
