package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netmode-io/netmode/pkg/metrics"
)

// connections are the open ones. When there are as many as there may be, a new
// one takes the place of one that waits for a request: first of those that never
// had a review answered, and of the address that has most.
type connections struct {
	max    int
	turned func(metrics.Cause)
	log    *boundedLog

	mu   sync.Mutex
	open map[*connection]struct{}
	// ended is when the last connection closed that had been at work.
	ended atomic.Int64
}

// connection is one of them.
type connection struct {
	net.Conn
	of     *connections
	host   string
	state  atomic.Int32 // http.ConnState
	since  atomic.Int64 // when that began, in Unix nanoseconds
	proven atomic.Bool  // a review was answered on it
}

func newConnections(most int, turned func(metrics.Cause), log *boundedLog) *connections {
	return &connections{max: most, turned: turned, log: log, open: map[*connection]struct{}{}}
}

// Close forgets the connection, too.
func (c *connection) Close() error {
	c.of.mu.Lock()
	if _, isOpen := c.of.open[c]; isOpen {
		delete(c.of.open, c)
		if c.proven.Load() {
			c.of.ended.Store(time.Now().UnixNano())
		}
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (c *connection) enter(state http.ConnState) {
	c.since.Store(time.Now().UnixNano())
	c.state.Store(int32(state)) //nolint:gosec // G115: there are five states
}

func (c *connection) waits() bool {
	state := http.ConnState(c.state.Load())
	return state == http.StateNew || state == http.StateIdle
}

// listener counts what it accepts.
type listener struct {
	net.Listener
	connections *connections
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.connections.add(accepted); c != nil {
			return c, nil
		}
	}
}

// add returns nil where the connection had to be closed.
func (cs *connections) add(accepted net.Conn) *connection {
	host, _, err := net.SplitHostPort(accepted.RemoteAddr().String())
	if err != nil {
		host = accepted.RemoteAddr().String()
	}
	c := &connection{Conn: accepted, of: cs, host: host}
	c.enter(http.StateNew)
	cs.mu.Lock()
	var closed *connection
	room := len(cs.open) < cs.max
	if !room {
		if closed = cs.dispensable(); closed != nil {
			delete(cs.open, closed)
			room = true
		}
	}
	if room {
		cs.open[c] = struct{}{}
	}
	cs.mu.Unlock()
	if room && closed == nil {
		return c
	}
	cs.turned(metrics.CauseConnections)
	if !room {
		cs.log.info("connection refused: all are at work: raise --max-connections if this lasts", keyRemote, accepted.RemoteAddr().String())
		_ = accepted.Close()
		return nil
	}
	cs.log.info("connection closed to make room for another: raise --max-connections if this lasts", keyRemote, closed.RemoteAddr().String())
	_ = closed.Conn.Close()
	return c
}

// dispensable is the connection to close when there are too many; nil: all are
// at work.
func (cs *connections) dispensable() *connection {
	perHost := map[string]int{}
	for c := range cs.open {
		perHost[c.host]++
	}
	var worst *connection
	for c := range cs.open {
		if c.waits() && (worst == nil || moreDispensable(c, worst, perHost)) {
			worst = c
		}
	}
	return worst
}

func moreDispensable(a, b *connection, perHost map[string]int) bool {
	switch {
	case a.proven.Load() != b.proven.Load():
		return b.proven.Load()
	case perHost[a.host] != perHost[b.host]:
		return perHost[a.host] > perHost[b.host]
	default:
		return a.since.Load() < b.since.Load()
	}
}

// quietSince is since when no connection has been at work; busy: some is now.
// With no connection left it is the zero time.
func (cs *connections) quietSince() (since time.Time, busy bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.open) == 0 {
		return time.Time{}, false
	}
	latest := cs.ended.Load()
	for c := range cs.open {
		if !c.waits() {
			return time.Time{}, true
		}
		latest = max(latest, c.since.Load())
	}
	return time.Unix(0, latest), false
}

type connectionKey struct{}

// tracked finds the connection below TLS.
func tracked(c net.Conn) *connection {
	if secure, isTLS := c.(interface{ NetConn() net.Conn }); isTLS {
		c = secure.NetConn()
	}
	found, _ := c.(*connection)
	return found
}

// connState is http.Server's.
func connState(c net.Conn, state http.ConnState) {
	if found := tracked(c); found != nil {
		found.enter(state)
	}
}

// connContext is http.Server's.
func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, tracked(c))
}
