package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/netmode-io/netmode/pkg/admission"
)

// short is the time-out in these tests: long enough for a handshake on a busy
// machine, and short enough to wait for.
const short = 500 * time.Millisecond

const postHeaders = "POST /mutate/asked HTTP/1.1\r\nHost: netmode\r\nContent-Type: application/json\r\n"

// wantCutOff reads until the server ends the connection, which it must do
// before the test's own deadline.
func wantCutOff(t *testing.T, conn io.Reader) (text string) {
	t.Helper()
	read, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("not cut off; read %q", read)
	}
	return string(read)
}

func TestSlowHandshakeIsCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadHeaderTimeout = short } })
	conn, err := dialTCP(t, r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if text := wantCutOff(t, conn); text != "" {
		t.Errorf("read %q", text)
	}
}

func TestSlowHeadersAreCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadHeaderTimeout = short } })
	for _, sent := range []string{"", "P", postHeaders} {
		t.Run(sent, func(t *testing.T) {
			t.Parallel()
			conn := r.dial(t)
			if _, err := io.WriteString(conn, sent); err != nil {
				t.Fatal(err)
			}
			if err := conn.HandshakeContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if text := wantCutOff(t, conn); strings.Contains(text, "200") {
				t.Errorf("answered %q", text)
			}
			if records := r.log.records(t, "review"); len(records) > 0 {
				t.Errorf("counted as a review: %v", records)
			}
		})
	}
}

// A byte now and then does not keep a connection open.
func TestTrickledHeadersAreCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadHeaderTimeout = short } })
	conn := r.dial(t)
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := io.WriteString(conn, postHeaders+"X-Endless: "); err != nil {
		t.Fatal(err)
	}
	for time.Since(begin) < patience {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
	}
	t.Errorf("not cut off after %s", patience)
}

func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadTimeout = short } })
	conn := r.dial(t)
	if _, err := io.WriteString(conn, postHeaders+"Content-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := readAll(t, response); response.StatusCode != http.StatusRequestTimeout || text != "the body came too slowly\n" {
		t.Errorf("%d %q, want 408", response.StatusCode, text)
	}
	wantCutOff(t, reader)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if records := r.log.records(t, "rejected"); len(records) != 1 || records[0]["code"] != 408.0 {
		t.Errorf("log lines %v, want one of 408", records)
	}
}

func TestSlowBodyOverHTTP2IsCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadTimeout = short } })
	client := r.client(t, true)
	owed, owing := io.Pipe()
	defer func() { _ = owing.Close() }()
	code, text, err := try(client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, owed))
	if err != nil || code != http.StatusRequestTimeout {
		t.Errorf("%v: %d %q, want 408", err, code, text)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.IdleTimeout = short } })
	conn := r.dial(t)
	if _, err := io.WriteString(conn, "GET /mutate/asked HTTP/1.1\r\nHost: netmode\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if text := wantCutOff(t, conn); !strings.HasPrefix(text, "HTTP/1.1 405 ") {
		t.Errorf("read %q", text)
	}
}

// An answer that nobody fetches does not hold a connection for ever, and its
// review is in the log.
func TestSlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(s *setup) {
		s.tune = func(s *Server) { s.webhook.WriteTimeout = short }
		s.reviewer = reviewerFunc(func([]byte) ([]byte, admission.Record, error) {
			return make([]byte, 64<<20), admission.Record{UID: "u", Decision: admission.Unchanged}, nil
		})
	})
	conn := r.dial(t)
	if _, err := io.WriteString(conn, postHeaders+"Content-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	// The answer has begun, or was cut off in its first record.
	first := make([]byte, 12)
	if _, err := io.ReadFull(conn, first); err == nil && string(first) != "HTTP/1.1 200" {
		t.Fatalf("%q", first)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if records := r.log.records(t, "answer not delivered"); len(records) != 1 || records[0]["uid"] != "u" || !strings.Contains(fmt.Sprint(records[0]["message"]), "timeout") {
		t.Errorf("log lines %v, want one", records)
	}
	if records := r.log.records(t, "review"); len(records) != 1 {
		t.Errorf("log lines %v, want one", records)
	}
}

// The tests above shorten time-outs; these are the ones that are served with.
func TestEveryTimeoutIsSet(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	for name, server := range map[string]*http.Server{"webhook": r.webhook, "ops": r.ops.server} {
		for timeout, value := range map[string]time.Duration{
			"ReadHeaderTimeout": server.ReadHeaderTimeout, "ReadTimeout": server.ReadTimeout,
			"WriteTimeout": server.WriteTimeout, "IdleTimeout": server.IdleTimeout,
		} {
			if value <= 0 || value > 2*time.Minute {
				t.Errorf("%s: %s is %s", name, timeout, value)
			}
		}
		if server.MaxHeaderBytes <= 0 || server.MaxHeaderBytes > 1<<20 {
			t.Errorf("%s: MaxHeaderBytes is %d", name, server.MaxHeaderBytes)
		}
	}
}
