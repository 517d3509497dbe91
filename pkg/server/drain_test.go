package server

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// waitForReadiness asks until /readyz answers with the code.
func (r *running) waitForReadiness(t *testing.T, want int) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < patience; {
		code, text := get(t, r.opsURL("/readyz"))
		if code == want {
			if code == http.StatusServiceUnavailable && text != "not ready: starting or draining\n" {
				t.Errorf("readyz says %q", text)
			}
			return
		}
	}
	t.Fatalf("readyz is not %d after %s", want, patience)
}

// waitForRefusal connects until the port is closed.
func (r *running) waitForRefusal(t *testing.T) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < patience; {
		conn, err := dialTCP(t, r.Addr().String())
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Fatalf("the port is open after %s", patience)
}

func TestGracefulDrain(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		t.Parallel()
		var b breakable
		r := start(t, func(s *setup) {
			b = withBreakable(s)
			s.ShutdownDelay = time.Second
		})
		r.waitForReadiness(t, http.StatusOK)
		inFlight := r.send(t, r.client(t, http2), "hostnetwork")
		<-b.entered

		r.cancel()
		r.waitForReadiness(t, http.StatusServiceUnavailable)
		code, text := post(t, r.client(t, http2), r.url("/mutate/asked"), review(t, "late", "hostnetwork"))
		checkAnswer(t, code, text, "late")
		if code, _ := get(t, r.opsURL("/livez")); code != http.StatusOK {
			t.Errorf("livez is %d while draining", code)
		}

		r.waitForRefusal(t)
		if code, _ := get(t, r.opsURL("/readyz")); code != http.StatusServiceUnavailable {
			t.Errorf("readyz is %d while draining", code)
		}
		select {
		case o := <-inFlight:
			t.Fatalf("the request in flight ended by itself: %+v", o)
		default:
		}
		close(b.release)
		o := <-inFlight
		if o.err != nil {
			t.Fatal(o.err)
		}
		checkAnswer(t, o.code, o.text, "wait")
		if err := r.stopped(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if _, err := dialTCP(t, r.OpsAddr().String()); err == nil {
			t.Error("the port for health is open after the end")
		}
		if records := r.log.records(t, "draining"); len(records) != 1 || records[0]["delay"] != "1s" || records[0]["timeout"] != patience.String() {
			t.Errorf("log lines %v, want one", records)
		}
		if records := r.log.records(t, "review"); len(records) != 2 {
			t.Errorf("%d reviews in the log, want 2", len(records))
		}
	})
}

func TestDrainCutsOffWhatIsStuck(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		t.Parallel()
		var b breakable
		r := start(t, func(s *setup) {
			b = withBreakable(s)
			s.DrainTimeout = 100 * time.Millisecond
		})
		stuck := r.send(t, r.client(t, http2), "hostnetwork")
		<-b.entered
		defer close(b.release)
		err := r.stop()
		if err == nil || !strings.Contains(err.Error(), "requests still in flight after 100ms were cut off") {
			t.Errorf("Run: %v", err)
		}
		if o := <-stuck; o.err == nil {
			t.Errorf("the stuck request is answered: %+v", o)
		}
	})
}

// A port that fails by itself ends the server, whichever of the two it is.
func TestServingStops(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(*Server) error
	}{
		{"webhook", func(s *Server) error { return s.listener.Close() }},
		{"ops", func(s *Server) error { return s.ops.listener.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, nil)
			r.waitForReadiness(t, http.StatusOK)
			if err := tt.fail(r.Server); err != nil {
				t.Fatal(err)
			}
			if err := r.stopped(); err == nil || !strings.Contains(err.Error(), "serving stopped: accept tcp") {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestServingStopsWhileDraining(t *testing.T) {
	r := start(t, func(s *setup) { s.ShutdownDelay = time.Hour })
	r.waitForReadiness(t, http.StatusOK)
	r.cancel()
	r.waitForReadiness(t, http.StatusServiceUnavailable)
	if err := r.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.stopped(); err == nil || !strings.Contains(err.Error(), "serving stopped while draining: accept tcp") {
		t.Errorf("Run: %v", err)
	}
}
