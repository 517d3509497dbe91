package server

import (
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/netmode-io/netmode/pkg/metrics"
)

// A neighbour who opens connections without end, and sends nothing, or a request
// now and then, locks nobody out; and who had reviews answered before keeps his
// connection.
func TestIdleConnectionsLockNobodyOut(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.MaxConnections = 8 })
	established := r.client(t, false)
	ask := func(client *http.Client) (reused bool) {
		t.Helper()
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
		request := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "u", "")))
		code, text := do(t, client, request.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		checkAnswer(t, code, text, "u")
		return reused
	}
	ask(established)
	for i := range 100 {
		conn := r.dial(t)
		if i%2 == 0 {
			if _, err := io.WriteString(conn, "GET /mutate/asked HTTP/1.1\r\nHost: netmode\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 == 0 {
			if !ask(established) {
				t.Errorf("after %d connections, the established one is gone", i)
			}
			newcomer := r.client(t, false)
			ask(newcomer)
			newcomer.CloseIdleConnections()
		}
	}
	if n := r.turnedAway(t, "connections"); n < 90 {
		t.Errorf("%g counted, want that of nearly each", n)
	}
	if records := r.log.records(t, "connection closed to make room for another: raise --max-connections if this lasts"); len(records) < boundedRate {
		t.Errorf("%d lines in the log", len(records))
	}
}

// With every connection at work there is no room.
func TestConnectionsAtWorkStay(t *testing.T) {
	t.Parallel()
	var b breakable
	r := start(t, func(s *setup) {
		s.MaxConnections = 2
		b = withBreakable(s)
	})
	var atWork []<-chan outcome
	for range 2 {
		atWork = append(atWork, r.send(t, r.client(t, false), ""))
		<-b.entered
	}
	conn := r.dial(t)
	if err := conn.HandshakeContext(t.Context()); err == nil {
		t.Error("a third connection is served")
	}
	close(b.release)
	for _, done := range atWork {
		if o := <-done; o.err != nil || o.code != http.StatusOK {
			t.Errorf("%+v", o)
		}
	}
	code, text := post(t, r.client(t, false), r.url("/mutate/asked"), review(t, "u", ""))
	checkAnswer(t, code, text, "u")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if records := r.log.records(t, "connection refused: all are at work: raise --max-connections if this lasts"); len(records) != 1 {
		t.Errorf("log lines %v", records)
	}
}

// Which connection makes room: one that never had a review answered, of the
// address with most, the one that has waited longest.
func TestDispensable(t *testing.T) {
	type open struct {
		host   string
		state  http.ConnState
		age    time.Duration
		proven bool
	}
	const newer, older = time.Second, time.Minute
	for name, tt := range map[string]struct {
		open []open
		want int
	}{
		"the oldest":               {[]open{{"a", http.StateIdle, newer, false}, {"a", http.StateNew, older, false}}, 1},
		"not one at work":          {[]open{{"a", http.StateActive, older, false}, {"a", http.StateIdle, newer, false}}, 1},
		"none":                     {[]open{{"a", http.StateActive, older, false}, {"b", http.StateActive, newer, true}}, -1},
		"of the host with most":    {[]open{{"a", http.StateIdle, older, false}, {"b", http.StateNew, newer, false}, {"b", http.StateActive, older, false}}, 1},
		"not one that was proven":  {[]open{{"a", http.StateIdle, older, true}, {"a", http.StateIdle, older, true}, {"b", http.StateNew, newer, false}}, 2},
		"one proven if all are so": {[]open{{"a", http.StateIdle, newer, true}, {"a", http.StateIdle, older, true}, {"a", http.StateActive, older, false}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cs := newConnections(10, func(metrics.Cause) {}, newBoundedLog(logr.Discard()))
			all := make([]*connection, len(tt.open))
			for i, o := range tt.open {
				c := &connection{of: cs, host: o.host}
				c.state.Store(int32(o.state)) //nolint:gosec // G115: there are five states
				c.since.Store(time.Now().Add(-o.age).UnixNano())
				c.proven.Store(o.proven)
				all[i], cs.open[c] = c, struct{}{}
			}
			var want *connection
			if tt.want >= 0 {
				want = all[tt.want]
			}
			if got := cs.dispensable(); got != want {
				t.Errorf("have %+v, want number %d", got, tt.want)
			}
		})
	}
}

// A closed connection is forgotten, whoever closed it.
func TestConnectionsAreForgotten(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for range 20 {
		client := r.client(t, false)
		code, text := post(t, client, r.url("/mutate/asked"), review(t, "u", ""))
		checkAnswer(t, code, text, "u")
		client.CloseIdleConnections()
	}
	for begin := time.Now(); ; {
		r.connections.mu.Lock()
		left := len(r.connections.open)
		r.connections.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("%d connections are remembered", left)
		}
	}
	if c := tracked(&net.TCPConn{}); c != nil {
		t.Error("found a connection that is none of the listener's")
	}
}
