//go:build linux

package cpubench

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netmode-io/netmode/certs"
)

// connections is how many keep-alive connections a client sends on at once.
const connections = 4

// answerTimeout is how long all requests of one visit may take together.
const answerTimeout = time.Minute

// client sends AdmissionReviews to one server, as an API server does: HTTP/1.1
// over TLS, on connections that stay open.
type client struct {
	process     *process
	connections [connections]*connection
}

type connection struct {
	conn   *tls.Conn
	reader *bufio.Reader
	answer bytes.Buffer
}

// newCertDir is a folder with a certificate for loopback, and what it leads to.
func newCertDir(tb testing.TB) (string, *x509.CertPool) {
	tb.Helper()
	dir := tb.TempDir()
	source, err := certs.Standalone(dir, nil, time.Now(), certs.SourceHooks{})
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(source.CABundle())
	return dir, roots
}

// dial opens the connections, which stay open until the test ends.
func dial(tb testing.TB, p *process, roots *x509.CertPool) *client {
	tb.Helper()
	c := &client{process: p}
	for i := range c.connections {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}
		conn, err := dialer.DialContext(tb.Context(), "tcp", p.address)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = conn.Close() }) // the server may be gone already
		if c.connections[i], err = newConnection(conn); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

func newConnection(conn net.Conn) (*connection, error) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is not a TLS connection", conn)
	}
	return &connection{conn: secure, reader: bufio.NewReader(secure)}, nil
}

// newRequest is the review as a whole HTTP request.
func newRequest(address string, review []byte) []byte {
	head := fmt.Sprintf("POST /mutate/asked?timeout=3s HTTP/1.1\r\nHost: %s\r\nUser-Agent: kube-apiserver-admission\r\n"+
		"Content-Length: %d\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n", address, len(review))
	return append([]byte(head), review...)
}

// post sends a request and reads the whole answer, which is good until the
// next call.
func (c *connection) post(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, fmt.Errorf("sending a review: %w", err)
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	c.answer.Reset()
	_, err = c.answer.ReadFrom(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s: %s", response.Status, bytes.TrimSpace(c.answer.Bytes()))
	}
	return c.answer.Bytes(), nil
}

// load sends the review on all connections until the server has used the CPU
// time, and returns what one request took. An error says which answer was not
// 200, or had another length than answerSize.
func (c *client) load(review []byte, answerSize int, atLeast time.Duration) (time.Duration, error) {
	request := newRequest(c.process.address, review)
	deadline := time.Now().Add(answerTimeout)
	for _, connection := range c.connections {
		if err := connection.conn.SetDeadline(deadline); err != nil {
			return 0, err
		}
	}
	before, err := c.process.cpu()
	if err != nil {
		return 0, err
	}
	var used time.Duration
	sent := 0
	for each := 1; used < atLeast; {
		if err := c.burst(request, each, answerSize); err != nil {
			return 0, fmt.Errorf("%w\n%s", err, c.process.tail())
		}
		sent += each * connections
		now, err := c.process.cpu()
		if err != nil {
			return 0, err
		}
		used = now - before
		// What is missing yet, if the requests go on as they did; but the first few
		// are a poor guide.
		each = min(8*each, 1+int((atLeast-used)*time.Duration(sent)/(used+1)/connections))
	}
	return used / time.Duration(sent), nil
}

// burst sends the request so often on each connection, on all at once.
func (c *client) burst(request []byte, each, answerSize int) error {
	errs := make([]error, connections)
	var all sync.WaitGroup
	for i, connection := range c.connections {
		all.Go(func() {
			for range each {
				answer, err := connection.post(request)
				if err == nil && len(answer) != answerSize {
					err = fmt.Errorf("the answer has %d bytes, and the first had %d: %s", len(answer), answerSize, answer)
				}
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// TestBurstRefuses sees that a server that stops answering as it did is found out.
func TestBurstRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		later func(w http.ResponseWriter)
		want  string
	}{
		"a failure":      {func(w http.ResponseWriter) { http.Error(w, "no more", http.StatusInternalServerError) }, "the answer is 500 Internal Server Error: no more"},
		"another length": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "goodbye") }, "the answer has 7 bytes, and the first had 5: goodbye"},
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int32
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if served.Add(1) > 2*connections {
					test.later(w)
					return
				}
				_, _ = io.WriteString(w, "hello")
			}))
			t.Cleanup(server.Close)
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			c := dial(t, &process{address: server.Listener.Addr().String()}, roots)
			request := newRequest(c.process.address, []byte("{}"))
			if err := c.burst(request, 2, len("hello")); err != nil {
				t.Fatal(err)
			}
			if err := c.burst(request, 2, len("hello")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
