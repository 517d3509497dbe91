package dnswait

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

// Lines come every second at first, and then more rarely.
func TestProgress(t *testing.T) {
	w := &world{addresses: since(map[string]time.Duration{"app-0." + peers: 0, "app-1." + peers: 3500 * time.Millisecond})}
	got := w.run(t, Options{Targets: names("app-0."+peers, "app-1."+peers, "app-2."+peers), Timeout: 3 * time.Minute}, nil)
	var want []string
	for _, second := range []int{1, 2, 3, 4, 5, 7, 11, 19, 35, 65, 95, 125, 155} {
		line := fmt.Sprintf("waiting for 1 of 3 names: app-2.%s (NXDOMAIN)", peers)
		if second < 4 {
			line = fmt.Sprintf("waiting for 2 of 3 names: app-1.%s (NXDOMAIN), app-2.%s (NXDOMAIN)", peers, peers)
		}
		want = append(want, fmt.Sprintf("%s: %s", time.Duration(second)*time.Second, line))
	}
	if diff := cmp.Diff(want, got.lines()); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

const podsCure = `
Are the pods scheduled, and does the Service publish not-ready addresses (publishNotReadyAddresses: true)? See:
  kubectl get endpointslices `

const dnsCure = `
Does the cluster's DNS run, and may this pod reach its port 53 over UDP and TCP? See:
  kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide`

// What is said at the time-out: who is missing, what DNS said last, and the cure.
func TestTimedOut(t *testing.T) {
	one := names("app-0." + peers)
	cut := Answer{Addresses: addrs("10.0.0.1"), Cut: fmt.Errorf("tcp: connect: connection refused")}
	tests := map[string]struct {
		targets []Target
		answers answers
		servers []netip.AddrPort
		want    string
	}{
		"no such name": {one, nil, nil,
			"the name; DNS said last:\n  app-0." + peers + ": NXDOMAIN" + podsCure + "-n default -l kubernetes.io/service-name=peers"},
		"of several Services": {names("a.b.c.svc.d", "e.b.c.svc.d", "f.g.svc.d", "x.example"), nil, nil,
			"4 of 4 names; DNS said last:\n  a.b.c.svc.d: NXDOMAIN\n  e.b.c.svc.d: NXDOMAIN\n  f.g.svc.d: NXDOMAIN\n  x.example: NXDOMAIN" + podsCure +
				"-n c -l kubernetes.io/service-name=b\n  kubectl get endpointslices -n g -l kubernetes.io/service-name=f\n  kubectl get endpointslices -l kubernetes.io/service-name=SERVICE"},
		"no addresses": {one, answers{serverOne: func(context.Context, Question) (Answer, error) { return Answer{Keep: 23 * time.Second}, nil }}, nil,
			"the name; DNS said last:\n  app-0." + peers + ": no addresses, which caches may keep for 23s" + podsCure},
		"too few addresses": {[]Target{{peers, 4}}, answers{serverOne: func(_ context.Context, q Question) (Answer, error) {
			return Answer{Addresses: map[dnsmessage.Type][]netip.Addr{dnsmessage.TypeA: addrs("10.0.0.1"), dnsmessage.TypeAAAA: addrs("fd00::1", "fd00::2")}[q.Type]}, nil
		}}, nil, "the name; DNS said last:\n  " + peers + ": 2 of 4 addresses" + podsCure + "-n default -l kubernetes.io/service-name=peers"},
		"an answer that is cut": {[]Target{{peers, 4}}, answers{serverOne: func(context.Context, Question) (Answer, error) { return cut, nil }}, nil,
			peers + ": 1 of 4 addresses in a cut answer: tcp: connect: connection refused; let TCP to port 53 through" + podsCure},
		"SERVFAIL": {one, answers{serverOne: failing(dnsmessage.RCodeServerFailure)}, nil,
			"app-0." + peers + ": SERVFAIL from 10.96.0.10:53" + dnsCure},
		"another error": {one, answers{serverOne: failing(9)}, nil,
			"app-0." + peers + ": error code 9 from 10.96.0.10:53" + dnsCure},
		"silence": {one, answers{serverOne: silent}, nil,
			"app-0." + peers + ": no answer from 10.96.0.10:53 within 2s" + dnsCure},
		"two servers": {one, answers{serverOne: silent, serverTwo: unreachable}, []netip.AddrPort{serverOne, serverTwo},
			"app-0." + peers + ": no answer from 10.96.0.10:53 within 2s; no answer from 10.96.0.11:53: udp: read: connection refused" + dnsCure},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			w := &world{addresses: since(nil), answers: tt.answers}
			got := w.run(t, Options{Targets: tt.targets, Servers: tt.servers, Timeout: 90 * time.Second}, nil)
			if got.err == nil || got.took != 90*time.Second {
				t.Fatalf("took %s, error %v", got.took, got.err)
			}
			if text := got.err.Error(); !strings.HasPrefix(text, "after 1m30s, still waiting for ") || !strings.Contains(text, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", text, tt.want)
			}
		})
	}
}

// Who has not heard anything says so.
func TestTimedOutBeforeAnAnswer(t *testing.T) {
	w := &world{addresses: since(nil), answers: answers{serverOne: silent}}
	got := w.run(t, Options{Targets: names("app-0." + peers), Timeout: time.Second}, nil)
	if want := "app-0." + peers + ": no answer yet" + dnsCure; got.err == nil || got.took != time.Second || !strings.HasSuffix(got.err.Error(), want) {
		t.Errorf("took %s, error %v", got.took, got.err)
	}
}

// lateContext is past its deadline, and its timer has not gone off yet.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now().Add(-time.Microsecond), true }

// What the time-out interrupts is not taken for what DNS said.
func TestInterruptedLookSaysNothing(t *testing.T) {
	for title, err := range map[string]error{"dialling": fmt.Errorf("udp: %w", context.DeadlineExceeded), "reading": fmt.Errorf("udp: %w", os.ErrDeadlineExceeded)} {
		t.Run(title, func(t *testing.T) {
			w := &waiter{servers: newServers([]netip.AddrPort{serverOne}), asker: askerFunc(func(context.Context, netip.AddrPort, Question) (Answer, error) {
				return Answer{}, err
			})}
			n := name{said: "NXDOMAIN"}
			w.look(lateContext{t.Context()}, &n)
			if n.said != "NXDOMAIN" || n.unanswered || !w.servers.all[0].aside.IsZero() {
				t.Errorf("said %q, server %+v", n.said, w.servers.all[0])
			}
			w.look(t.Context(), &n)
			if n.said != "no answer from 10.96.0.10:53 within 2s" || w.servers.all[0].aside.IsZero() {
				t.Errorf("in time: said %q, server %+v", n.said, w.servers.all[0])
			}
		})
	}
}

// A wait ends at once with its context, between two looks and in one.
func TestStopped(t *testing.T) {
	for title, asked := range map[string]answers{"resting": nil, "asking": {serverOne: silent}} {
		t.Run(title, func(t *testing.T) {
			w := &world{addresses: since(nil), answers: asked}
			got := w.run(t, Options{Targets: names("app-0."+peers, "app-1."+peers)}, func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(7300*time.Millisecond, cancel)
				return ctx
			})
			if got.err == nil || got.took != 7300*time.Millisecond || !strings.HasPrefix(got.err.Error(), "stopped after 7.3s, still waiting for 2 of 2 names: app-0."+peers+" (") {
				t.Errorf("took %s, error %v", got.took, got.err)
			}
		})
	}
}

// What lands with the end counts.
func TestFoundAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		last := askerFunc(func(context.Context, netip.AddrPort, Question) (Answer, error) {
			cancel()
			return Answer{Code: dnsmessage.RCodeSuccess, Addresses: addrs("10.0.0.1")}, nil
		})
		_, err := Wait(ctx, Options{
			Targets: names("app-0." + peers), Servers: []netip.AddrPort{serverOne}, Timeout: time.Minute,
			Asker: askerFunc(func(ctx context.Context, s netip.AddrPort, q Question) (Answer, error) {
				if q.Type == dnsmessage.TypeA {
					return last(ctx, s, q)
				}
				return Answer{}, nil
			}),
			Progress: &strings.Builder{},
		})
		if err != nil {
			t.Error(err)
		}
	})
}

type askerFunc func(context.Context, netip.AddrPort, Question) (Answer, error)

func (f askerFunc) Ask(ctx context.Context, s netip.AddrPort, q Question) (Answer, error) {
	return f(ctx, s, q)
}

func TestNameservers(t *testing.T) {
	tests := map[string]struct {
		values []string
		want   string
	}{
		"IPv4, IPv6, with a zone": {[]string{"10.96.0.10", "fd00::a", "fe80::1%eth0"}, "[10.96.0.10:53 [fd00::a]:53 [fe80::1%eth0]:53]"},
		"with ports":              {[]string{"[127.0.0.1]:5353", "[::1]:5353"}, "[127.0.0.1:5353 [::1]:5353]"},
		"one twice":               {[]string{"10.96.0.10", "10.96.0.10", "[10.96.0.10]:53"}, "[10.96.0.10:53]"},
		"more than three":         {[]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, "[10.0.0.1:53 10.0.0.2:53 10.0.0.3:53]"},
		"none of them":            {[]string{"dns.example", "10.0.0.1:53", "[10.0.0.1]:0", "[dns]:53", "10.0.0", ""}, "[]"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			if got := fmt.Sprint(Nameservers(tt.values)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
