package dnswait

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// world is the DNS of a cluster as its nameservers show it, in the clock of the
// test: CoreDNS with its cache, or something less able.
type world struct {
	// addresses are behind a name this long after the beginning; none and false is
	// no such name, none and true a name without addresses.
	addresses func(name string, t dnsmessage.Type, after time.Duration) (addrs []netip.Addr, there bool)
	// serial is the zone's.
	serial func(after time.Duration) uint32
	// negative and positive are how long the cache keeps answers.
	negative, positive time.Duration
	// answers are what servers do otherwise than as above.
	answers map[netip.AddrPort]func(ctx context.Context, q Question) (Answer, error)

	mu             sync.Mutex
	begin          time.Time
	cache          map[Question]cached
	asked          []askedFor
	inFlight, most int
}

type cached struct {
	answer Answer
	until  time.Time
}

// askedFor is one question that came.
type askedFor struct {
	Question
	server netip.AddrPort
	after  time.Duration
}

func (a askedFor) private() bool { return a.Type >= firstPrivate }

const latency = 2 * time.Millisecond

func (w *world) Ask(ctx context.Context, server netip.AddrPort, q Question) (Answer, error) {
	w.note(server, q)
	select {
	case <-ctx.Done():
	case <-time.After(latency):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight--
	if ctx.Err() != nil {
		return Answer{}, ctx.Err()
	}
	if answer := w.answers[server]; answer != nil {
		w.mu.Unlock()
		defer w.mu.Lock()
		return answer(ctx, q)
	}
	return w.answer(q), nil
}

func (w *world) note(server netip.AddrPort, q Question) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, askedFor{q, server, time.Since(w.begin)})
	w.inFlight++
	w.most = max(w.most, w.inFlight)
}

func (w *world) answer(q Question) Answer {
	if c, ok := w.cache[q]; ok && time.Now().Before(c.until) {
		c.answer.Keep = min(c.answer.Keep, time.Until(c.until))
		return c.answer
	}
	a, keep := Answer{}, w.positive
	addrs, there := w.addresses(q.Name, q.Type, time.Since(w.begin))
	a.Addresses = addrs
	if len(addrs) == 0 {
		keep = w.negative
		a.Keep, a.Serial = w.negative, w.serial(time.Since(w.begin))
	}
	if !there {
		a.Code = dnsmessage.RCodeNameError
	}
	w.cache[q] = cached{a, time.Now().Add(keep)}
	return a
}

// since makes the addresses of pods, one behind each name, that come after a time.
func since(pods map[string]time.Duration) func(string, dnsmessage.Type, time.Duration) ([]netip.Addr, bool) {
	return func(name string, t dnsmessage.Type, after time.Duration) ([]netip.Addr, bool) {
		comes, known := pods[name]
		if !known || after < comes {
			return nil, false
		}
		if t == dnsmessage.TypeA {
			return addrs("10.0.0.1"), true
		}
		return nil, true
	}
}

// service makes the addresses behind a Service whose pods come after these times.
func service(families string, comes ...time.Duration) func(string, dnsmessage.Type, time.Duration) ([]netip.Addr, bool) {
	return func(_ string, t dnsmessage.Type, after time.Duration) (all []netip.Addr, there bool) {
		addr := map[dnsmessage.Type]netip.Addr{dnsmessage.TypeA: netip.MustParseAddr("10.0.0.1"), dnsmessage.TypeAAAA: netip.MustParseAddr("fd00::1")}[t]
		for _, c := range comes {
			if after < c {
				continue
			}
			there = true
			if addr.Is4() && strings.Contains(families, "4") || addr.Is6() && strings.Contains(families, "6") {
				all = append(all, addr)
			}
			addr = addr.Next()
		}
		return all, there
	}
}

var (
	serverOne   = netip.MustParseAddrPort("10.96.0.10:53")
	serverTwo   = netip.MustParseAddrPort("10.96.0.11:53")
	serverThree = netip.MustParseAddrPort("10.96.0.12:53")
)

func names(all ...string) []Target {
	var targets []Target
	for _, n := range all {
		targets = append(targets, Target{Name: n, Addresses: 1})
	}
	return targets
}

// outcome is what a Wait came to.
type outcome struct {
	took     time.Duration
	err      error
	progress string
}

// lines are those of the progress.
func (o outcome) lines() []string { return strings.Split(strings.TrimSpace(o.progress), "\n") }

// run waits in a clock of its own; a goroutine that stays behind is an error.
func (w *world) run(t *testing.T, o Options, watch func(ctx context.Context) context.Context) (got outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.begin, w.cache = time.Now(), map[Question]cached{}
		if w.serial == nil {
			w.serial = func(time.Duration) uint32 { return 1 }
		}
		ctx := t.Context()
		if watch != nil {
			ctx = watch(ctx)
		}
		var progress strings.Builder
		o.Asker, o.Progress = w, &progress
		if o.Servers == nil {
			o.Servers = []netip.AddrPort{serverOne}
		}
		if o.Timeout == 0 {
			o.Timeout = 5 * time.Minute
		}
		got.took, got.err = Wait(ctx, o)
		got.progress = progress.String()
		if w.inFlight != 0 {
			t.Errorf("%d questions are still on their way", w.inFlight)
		}
	})
	return got
}
