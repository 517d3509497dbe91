package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// No call is lost while a server drains: clients that keep their connections, as
// API servers do, some busy and some with pauses, and that learn only after a
// while that they should connect elsewhere.
func TestDrainLosesNoCall(t *testing.T) {
	t.Parallel()
	const drains, atOnce = 20, 4
	turns := make(chan struct{}, atOnce)
	for i := range drains {
		t.Run(fmt.Sprint("drain ", i), func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			drainUnderLoad(t, uint64(i)) //nolint:gosec // G115: not negative
		})
	}
}

func drainUnderLoad(t *testing.T, seed uint64) {
	t.Helper()
	over := make(chan time.Time)
	draining := start(t, func(s *setup) {
		s.ShutdownDelay = time.Hour
		s.tune = func(s *Server) { s.after = func(time.Duration) <-chan time.Time { return over } }
	})
	staying := start(t, nil)
	before, after := draining.Addr().String(), staying.Addr().String()
	var target atomic.Pointer[string]
	target.Store(&before)
	body := review(t, "u", "hostnetwork")

	stop := make(chan struct{})
	var clients sync.WaitGroup
	const busy, pausing = 6, 12
	var calls [busy + pausing]atomic.Int64
	// each waits until every client has made so many calls more.
	each := func(more int64) {
		t.Helper()
		var had [busy + pausing]int64
		for i := range calls {
			had[i] = calls[i].Load()
		}
		for i := range calls {
			for begin := time.Now(); calls[i].Load() < had[i]+more && !t.Failed(); <-time.After(time.Millisecond) {
				if time.Since(begin) > patience {
					t.Fatalf("client %d is stuck", i)
				}
			}
		}
	}
	for i := range calls {
		client := draining.client(t, false)
		transport := client.Transport.(*http.Transport) //nolint:errcheck // client makes it so
		roots := draining.roots.Clone()
		roots.AppendCertsFromPEM(staying.bundle)
		transport.TLSClientConfig.RootCAs, transport.TLSClientConfig.ServerName = roots, "localhost"
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, *target.Load())
		}
		random := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // G404, G115: the test's own dice
		clients.Go(func() {
			for {
				code, text, err := try(client, newRequest(t, http.MethodPost, "https://webhook.test/mutate/asked", jsonType, strings.NewReader(body)))
				calls[i].Add(1)
				if err != nil || code != http.StatusOK || !strings.Contains(text, `"patch":`) {
					t.Errorf("lost: %v: %d %s", err, code, text)
					return
				}
				pause := time.Duration(random.IntN(5)) * time.Millisecond
				if i >= busy {
					pause = time.Duration(random.IntN(100)) * time.Millisecond
				}
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	each(3)
	draining.cancel()
	draining.waitForReadiness(t, http.StatusServiceUnavailable)
	each(1) // as long as EndpointSlices and kube-proxies take, new connections come
	target.Store(&after)
	each(2) // now no connection is being made to it; those that were used are closed
	close(over)
	if err := draining.stopped(); err != nil {
		t.Errorf("Run: %v", err)
	}
	each(1)
	close(stop)
	clients.Wait()
}

// A connection that was idle for the whole delay is served yet: its client may
// have sent a request before it could hear of the end.
func TestIdleConnectionOutlivesTheDelay(t *testing.T) {
	t.Parallel()
	over := make(chan time.Time)
	r := start(t, func(s *setup) {
		s.ShutdownDelay = time.Hour
		s.tune = func(s *Server) {
			s.after = func(time.Duration) <-chan time.Time { return over }
			s.quiet = time.Hour
		}
	})
	var conns []*tls.Conn
	ask := func(conn *tls.Conn) (closes bool) {
		t.Helper()
		body := review(t, "u", "")
		if _, err := fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", postHeaders, len(body), body); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		checkAnswer(t, response.StatusCode, readAll(t, response), "u")
		return response.Close
	}
	for range 5 {
		conn := r.dial(t)
		if ask(conn) {
			t.Error("closed before the drain")
		}
		conns = append(conns, conn)
	}
	r.cancel()
	r.waitForReadiness(t, http.StatusServiceUnavailable)
	close(over)
	r.waitForRefusal(t)
	for _, conn := range conns {
		if !ask(conn) {
			t.Error("kept open in the drain")
		}
	}
	if err := r.stopped(); err != nil { // at once, without the hour of rest: none is left
		t.Errorf("Run: %v", err)
	}
}

// A connection that nothing comes on any more ends after the rest.
func TestRestEndsTheDrain(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.quiet = 200 * time.Millisecond } })
	client := r.client(t, false)
	code, text := post(t, client, r.url("/mutate/asked"), review(t, "u", ""))
	checkAnswer(t, code, text, "u")
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %s", took)
	}
}
