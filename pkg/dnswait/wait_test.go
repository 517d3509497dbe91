package dnswait

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const peers = "peers.default.svc.cluster.local"

// With a cache that keeps "no such name" for 30 s, names are found as soon as
// they are there: nobody asked for their addresses before.
func TestWaitIsNotHeldByTheCache(t *testing.T) {
	for _, comes := range []time.Duration{0, 50 * time.Millisecond, 700 * time.Millisecond, 7 * time.Second, 61 * time.Second, 4 * time.Minute} {
		w := &world{addresses: since(map[string]time.Duration{"app-0." + peers: 0, "app-1." + peers: comes}), negative: 30 * time.Second, positive: 5 * time.Second}
		got := w.run(t, Options{Targets: names("app-0."+peers, "app-1."+peers)}, nil)
		if got.err != nil || got.took < comes || got.took > comes+1300*time.Millisecond {
			t.Errorf("there after %s: took %s, error %v", comes, got.took, got.err)
		}
		for _, a := range w.asked {
			if a.Name == "app-1."+peers && !a.private() && a.after < comes {
				t.Errorf("there after %s: asked for %s after %s", comes, a.Type, a.after)
			}
		}
	}
}

// After 1,000 polls all types have been for private use.
func TestWaitPollsWithPrivateTypes(t *testing.T) {
	w := &world{addresses: since(nil), negative: 30 * time.Second}
	got := w.run(t, Options{Targets: names("app-0." + peers), Timeout: time.Hour}, nil)
	if got.err == nil || len(w.asked) < 1000 {
		t.Fatalf("%d questions, error %v", len(w.asked), got.err)
	}
	for _, a := range w.asked {
		if a.Type < 65281 || a.Type > 65534 {
			t.Fatalf("asked for type %d", a.Type)
		}
	}
}

// One look at a name is not enough to ask for its addresses: of two replicas one
// may not know it yet.
func TestWaitLooksTwice(t *testing.T) {
	w := &world{addresses: since(map[string]time.Duration{"app-0." + peers: 0})}
	if got := w.run(t, Options{Targets: names("app-0." + peers)}, nil); got.err != nil || got.took > 200*time.Millisecond {
		t.Errorf("took %s, error %v", got.took, got.err)
	}
	if len(w.asked) != 3 || !w.asked[0].private() || !w.asked[1].private() || w.asked[2].Type != dnsmessage.TypeA {
		t.Errorf("asked %+v", w.asked)
	}
}

// What somebody else made the cache keep is waited for: programs in the pod
// would be told the same.
func TestWaitForWhatACacheKeeps(t *testing.T) {
	w := &world{addresses: since(map[string]time.Duration{"app-0." + peers: 0}), negative: 30 * time.Second}
	stale := cached{Answer{Code: dnsmessage.RCodeNameError, Keep: 30 * time.Second}, time.Time{}}
	w.serial = func(time.Duration) uint32 { return 1 }
	got := w.run(t, Options{Targets: names("app-0." + peers), Timeout: time.Minute}, func(ctx context.Context) context.Context {
		stale.until = time.Now().Add(20 * time.Second)
		w.cache[Question{Name: "app-0." + peers, Type: dnsmessage.TypeA}] = stale
		return ctx
	})
	if got.err != nil || got.took < 20*time.Second || got.took > 21500*time.Millisecond {
		t.Errorf("took %s, error %v", got.took, got.err)
	}
	if want := "NXDOMAIN, which caches may keep for "; !strings.Contains(got.progress, want) {
		t.Errorf("want %q in\n%s", want, got.progress)
	}
}

func TestWaitForAddresses(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		families string
		comes    []time.Duration
		count    int
		positive time.Duration
		// serial counts the pods; busy grows each second, as others' pods come.
		busy        bool
		least, most time.Duration
	}{
		"all there":                         {"4", []time.Duration{0, 0, 0}, 3, 30 * s, false, 2 * s, 4 * s},
		"one after another":                 {"4", []time.Duration{0, 1 * s, 2 * s, 3 * s}, 4, 30 * s, false, 3 * s, 7 * s},
		"one after another, in a busy zone": {"4", []time.Duration{0, 1 * s, 2 * s, 3 * s}, 4, 30 * s, true, 3 * s, 12 * s},
		"the last one late":                 {"4", []time.Duration{0, 0, 40 * s}, 3, 5 * s, false, 40 * s, 46500 * time.Millisecond},
		"the last one late, no cache":       {"4", []time.Duration{0, 0, 40 * s}, 3, 0, false, 40 * s, 41500 * time.Millisecond},
		"one":                               {"4", []time.Duration{3 * s}, 1, 30 * s, false, 3 * s, 4500 * time.Millisecond},
		"IPv6":                              {"6", []time.Duration{0, 3 * s}, 2, 5 * s, false, 3 * s, 9 * s},
		"dual stack counts pods":            {"46", []time.Duration{0, 60 * s}, 2, 5 * s, false, 60 * s, 67 * s},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			w := &world{addresses: service(tt.families, tt.comes...), negative: 30 * s, positive: tt.positive}
			w.serial = func(after time.Duration) (serial uint32) {
				for _, c := range tt.comes {
					if c <= after {
						serial++
					}
				}
				for second := s; tt.busy && second <= after; second += s {
					serial++
				}
				return serial
			}
			got := w.run(t, Options{Targets: []Target{{Name: peers, Addresses: tt.count}}}, nil)
			if got.err != nil || got.took < tt.least || got.took > tt.most {
				t.Errorf("took %s, error %v, want %s to %s\n%s", got.took, got.err, tt.least, tt.most, got.progress)
			}
		})
	}
}

// A server that refuses private types is asked for addresses, at most once a
// second.
func TestWaitForPlainServers(t *testing.T) {
	for _, code := range []dnsmessage.RCode{dnsmessage.RCodeNotImplemented, dnsmessage.RCodeRefused, dnsmessage.RCodeFormatError} {
		w := &world{addresses: since(map[string]time.Duration{"app-0." + peers: 10 * time.Second})}
		w.answers = map[netip.AddrPort]func(context.Context, Question) (Answer, error){serverOne: func(_ context.Context, q Question) (Answer, error) {
			if q.Type >= firstPrivate {
				return Answer{Code: code}, nil
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.answer(q), nil
		}}
		got := w.run(t, Options{Targets: names("app-0." + peers)}, nil)
		if got.err != nil || got.took < 10*time.Second || got.took > 11500*time.Millisecond {
			t.Errorf("%s: took %s, error %v", code, got.took, got.err)
		}
		private, last := 0, -time.Hour
		for _, a := range w.asked {
			switch {
			case a.private():
				private++
			case a.Type == dnsmessage.TypeA:
				if a.after-last < time.Second {
					t.Errorf("%s: asked for A after %s and %s", code, last, a.after)
				}
				last = a.after
			}
		}
		if private != 1 {
			t.Errorf("%s: asked %d times with private types", code, private)
		}
	}
}

// silent never answers.
func silent(ctx context.Context, _ Question) (Answer, error) {
	<-ctx.Done()
	return Answer{}, fmt.Errorf("udp: %w", ctx.Err())
}

func failing(code dnsmessage.RCode) func(context.Context, Question) (Answer, error) {
	return func(context.Context, Question) (Answer, error) { return Answer{Code: code}, nil }
}

func unreachable(context.Context, Question) (Answer, error) {
	return Answer{}, errors.New("udp: read: connection refused")
}

type answers = map[netip.AddrPort]func(context.Context, Question) (Answer, error)

// A nameserver that fails costs its time once in a while, and the next one is asked.
func TestWaitAsksTheNextServer(t *testing.T) {
	tests := map[string]struct {
		answers answers
		most    time.Duration
	}{
		"all well":                     {nil, 1300 * time.Millisecond},
		"the first silent":             {answers{serverOne: silent}, 2500 * time.Millisecond},
		"the first two silent":         {answers{serverOne: silent, serverTwo: silent}, 4500 * time.Millisecond},
		"the first unreachable":        {answers{serverOne: unreachable}, 1300 * time.Millisecond},
		"the first fails":              {answers{serverOne: failing(dnsmessage.RCodeServerFailure)}, 1300 * time.Millisecond},
		"the first refuses everything": {answers{serverOne: failing(dnsmessage.RCodeRefused)}, 1300 * time.Millisecond},
		"the last silent":              {answers{serverThree: silent}, 1300 * time.Millisecond},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			pods, targets := map[string]time.Duration{}, []string{}
			for i := range 8 {
				name := fmt.Sprintf("app-%d.%s", i, peers)
				pods[name], targets = 500*time.Millisecond, append(targets, name)
			}
			w := &world{addresses: since(pods), answers: tt.answers, negative: 30 * time.Second}
			got := w.run(t, Options{Targets: names(targets...), Servers: []netip.AddrPort{serverOne, serverTwo, serverThree}}, nil)
			if got.err != nil || got.took > tt.most {
				t.Errorf("took %s, error %v", got.took, got.err)
			}
		})
	}
}

// A nameserver that comes back is asked first again.
func TestWaitGoesBackToTheFirstServer(t *testing.T) {
	w := &world{addresses: since(nil)}
	w.answers = answers{serverOne: func(ctx context.Context, q Question) (Answer, error) {
		if time.Since(w.begin) < 20*time.Second {
			return unreachable(ctx, q)
		}
		return failing(dnsmessage.RCodeNameError)(ctx, q)
	}}
	w.run(t, Options{Targets: names("app-0." + peers), Servers: []netip.AddrPort{serverOne, serverTwo}, Timeout: time.Minute}, nil)
	early, late := 0, 0
	for _, a := range w.asked {
		switch {
		case a.server == serverOne && a.after < 20*time.Second:
			early++
		case a.server == serverTwo && a.after > 32*time.Second:
			late++
		}
	}
	if early != 2 || late != 0 {
		t.Errorf("while the first is away it is asked %d times, and behind that the second %d times", early, late)
	}
}

// Many names are no flood, and each is looked at.
func TestWaitForManyNames(t *testing.T) {
	targets := make([]string, 0, 1000)
	for i := range cap(targets) {
		targets = append(targets, fmt.Sprintf("app-%d.%s", i, peers))
	}
	w := &world{addresses: since(nil)}
	got := w.run(t, Options{Targets: names(targets...), Timeout: 2 * time.Minute}, nil)
	if w.most != 8 {
		t.Errorf("%d questions at once", w.most)
	}
	seen := map[string]int{}
	for _, a := range w.asked {
		seen[a.Name]++
	}
	if len(seen) != len(targets) || len(w.asked) > 1000+20*120+100 {
		t.Errorf("%d questions for %d names", len(w.asked), len(seen))
	}
	if got.err == nil || !strings.Contains(got.err.Error(), "\n  and 990 more\n") || !strings.Contains(got.progress, ", and 990 more\n") {
		t.Errorf("error %v, progress\n%s", got.err, got.progress)
	}
}

// While no nameserver answers, all names have their turn.
func TestWaitGivesEachNameItsTurn(t *testing.T) {
	targets := make([]string, 0, 20)
	for i := range cap(targets) {
		targets = append(targets, fmt.Sprintf("app-%d.%s", i, peers))
	}
	w := &world{answers: answers{serverOne: silent}}
	w.run(t, Options{Targets: names(targets...), Timeout: 5 * time.Second}, nil)
	asked := map[string]bool{}
	for _, a := range w.asked {
		asked[a.Name] = true
	}
	if len(asked) != len(targets) {
		t.Errorf("%d of %d names had their turn", len(asked), len(targets))
	}
}

// Replicas of a nameserver have serials of their own: only one that grows means
// that something has changed.
func TestPolledWithSerialsOfReplicas(t *testing.T) {
	n := newName(Target{Name: peers, Addresses: 2}, time.Time{})
	var now time.Time
	for i, serial := range []uint32{7, 6, 7, 6, 7, 6} {
		now = time.Time{}.Add(time.Duration(i) * 500 * time.Millisecond)
		if ask, want := n.polled(now, Answer{Serial: serial}), i >= 4; ask != want {
			t.Errorf("after %s: %v", now.Sub(time.Time{}), ask)
		}
	}
	if n.polled(now, Answer{Serial: 8}) {
		t.Error("something has changed this moment, and addresses are asked for")
	}
}

// Names behind one that no server answers for are looked at all the same.
func TestWaitIsNotHeldByOneName(t *testing.T) {
	pods, targets := map[string]time.Duration{}, []string{}
	for i := range 20 {
		targets = append(targets, fmt.Sprintf("app-%d.%s", i, peers))
		pods[targets[i]] = 0
	}
	w := &world{addresses: since(pods)}
	w.answers = answers{serverOne: func(ctx context.Context, q Question) (Answer, error) {
		if q.Name == targets[0] || q.Name == targets[1] {
			return silent(ctx, q)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.answer(q), nil
	}}
	got := w.run(t, Options{Targets: names(targets...), Timeout: 5 * time.Second}, nil)
	if got.err == nil || !strings.Contains(got.err.Error(), "waiting for 2 of 20 names") {
		t.Errorf("error %v", got.err)
	}
}
