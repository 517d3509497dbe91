// Package dnswait waits until names resolve in the cluster's DNS.
//
// It asks the nameservers itself, for absolute names, and the answers to A and
// AAAA, as every program in the pod gets them, are what counts. But a nameserver
// that is asked for a name before its pod is there keeps "no such name", by name
// and query type: CoreDNS with cache 30 for up to 30 s, for everybody. So
// [Wait] polls with query types that nobody else uses, each time another one,
// and asks for A and AAAA once the name is there. What others have made a
// cache keep, it waits for: programs in the pod would get no other answer. So it
// does with a list of addresses that was too short when it was asked for, which
// caches keep for its TTL: 5 s by CoreDNS's own default, 30 s where its
// Corefile says ttl 30 and does not switch the cache off for the cluster.
package dnswait

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// tryTime is how long one nameserver has for one answer.
	tryTime = 2 * time.Second
	// maxInFlight is how many names are looked at at once.
	maxInFlight = 8
)

// Asker sends a question to one nameserver. [Network] does.
type Asker interface {
	Ask(ctx context.Context, server netip.AddrPort, q Question) (Answer, error)
}

// Options say what to wait for, whom to ask, and for how long.
type Options struct {
	Targets []Target
	// Servers are asked in order, the next one when one fails. There is one at least.
	Servers []netip.AddrPort
	Timeout time.Duration
	Asker   Asker
	// Progress gets lines on who is missing.
	Progress io.Writer
}

// Wait returns when all targets resolve, and how long that took. It fails, with
// who is missing, why and the cure, at the time-out, and at once when its
// context ends. Nothing of it goes on behind its return.
func Wait(ctx context.Context, o Options) (time.Duration, error) {
	begin := time.Now()
	w := &waiter{asker: o.Asker, servers: newServers(o.Servers), landed: make(chan landing, maxInFlight)}
	for _, t := range o.Targets {
		w.names = append(w.names, newName(t, begin))
	}
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer w.group.Wait()
	defer cancel()
	progress := newProgress(o.Progress, begin)
	for {
		w.start(limited, time.Now())
		w.event(limited, progress.next)
		missing, now := w.missing(), time.Now()
		took := now.Sub(begin)
		switch {
		case len(missing) == 0:
			return took, nil
		case ctx.Err() != nil:
			return took, stopped(took, missing, len(w.names))
		case limited.Err() != nil:
			return took, timedOut(o.Timeout, missing, len(w.names))
		}
		progress.tell(now, missing, len(w.names))
	}
}

// waiter is the state of one Wait.
type waiter struct {
	asker   Asker
	servers *servers
	names   []*name
	// flying is how many names are being looked at. Each lands as a copy.
	flying int
	landed chan landing
	group  sync.WaitGroup
}

type landing struct {
	of   *name
	look name
}

func (w *waiter) missing() []*name {
	return slices.DeleteFunc(slices.Clone(w.names), func(n *name) bool { return n.done })
}

// start looks at the names that are due, as far as there is room.
func (w *waiter) start(ctx context.Context, now time.Time) {
	due := slices.DeleteFunc(w.missing(), func(n *name) bool { return n.flies || now.Before(n.due) })
	slices.SortStableFunc(due, func(a, b *name) int { return a.due.Compare(b.due) })
	for _, n := range due[:min(len(due), maxInFlight-w.flying)] {
		n.flies = true
		w.flying++
		look := *n
		w.group.Go(func() {
			w.look(ctx, &look)
			w.landed <- landing{of: n, look: look}
		})
	}
}

// event waits until a name lands, another is due, or it is time for progress.
// When the context ends, it waits for all that fly: they land at once.
func (w *waiter) event(ctx context.Context, next time.Time) {
	for _, n := range w.missing() {
		if !n.flies && w.flying < maxInFlight && n.due.Before(next) {
			next = n.due
		}
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case l := <-w.landed:
		w.land(l)
	case <-timer.C:
	case <-ctx.Done():
	}
	for ctx.Err() != nil && w.flying > 0 {
		w.land(<-w.landed)
	}
}

func (w *waiter) land(l landing) {
	w.flying--
	*l.of = l.look
	l.of.flies = false
	l.of.end(time.Now(), len(w.missing()))
}

// look asks the servers in order about a name, until one answers. One that is
// interrupted learns nothing.
func (w *waiter) look(ctx context.Context, n *name) {
	var reasons []string
	for _, s := range w.servers.order(time.Now()) {
		err := w.lookAt(ctx, s, n)
		if err == nil || over(ctx) {
			return
		}
		reasons = append(reasons, err.Error())
	}
	n.failed(reasons)
}

func (w *waiter) lookAt(ctx context.Context, s server, n *name) error {
	if !s.plain {
		answer, err := w.ask(ctx, s.addr, n.polls.next(n.Name))
		if err != nil {
			return err
		}
		if declines(answer) {
			w.servers.learn(s.addr, func(s *server) { s.plain = true })
		} else if err := usable(s.addr, answer); err != nil || !n.polled(time.Now(), answer) {
			return err
		}
	}
	return w.resolve(ctx, s.addr, n)
}

// resolve asks for the addresses, as programs in the pod will.
func (w *waiter) resolve(ctx context.Context, addr netip.AddrPort, n *name) error {
	n.asking()
	v4, err := w.askAddresses(ctx, addr, n, dnsmessage.TypeA)
	if err != nil {
		return err
	}
	var v6 Answer
	if len(v4.Addresses) < n.Addresses {
		if v6, err = w.askAddresses(ctx, addr, n, dnsmessage.TypeAAAA); err != nil {
			return err
		}
	}
	n.resolved(v4, v6)
	return nil
}

func (w *waiter) askAddresses(ctx context.Context, addr netip.AddrPort, n *name, t dnsmessage.Type) (Answer, error) {
	answer, err := w.ask(ctx, addr, Question{Name: n.Name, Type: t})
	if err != nil {
		return Answer{}, err
	}
	if declines(answer) {
		w.servers.setAside(addr, time.Now())
	}
	return answer, usable(addr, answer)
}

// ask gives the server its time, and sets it aside if it does not answer.
func (w *waiter) ask(ctx context.Context, addr netip.AddrPort, q Question) (Answer, error) {
	try, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	answer, err := w.asker.Ask(try, addr, q)
	if err == nil {
		return answer, nil
	}
	if !over(ctx) {
		w.servers.setAside(addr, time.Now())
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return Answer{}, fmt.Errorf("no answer from %s within %s", addr, tryTime)
	}
	return Answer{}, fmt.Errorf("no answer from %s: %w", addr, err)
}

// over says whether the context has ended. Its deadline ends what goes over the
// network, and some moments later the context itself.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// declines says whether the server will not answer such questions, whatever the name.
func declines(a Answer) bool {
	return a.Code == dnsmessage.RCodeNotImplemented || a.Code == dnsmessage.RCodeRefused || a.Code == dnsmessage.RCodeFormatError
}

// usable says whether the server said something about the name.
func usable(addr netip.AddrPort, a Answer) error {
	if a.Code == dnsmessage.RCodeSuccess || a.Code == dnsmessage.RCodeNameError {
		return nil
	}
	return fmt.Errorf("%s from %s", codeName(a.Code), addr)
}
