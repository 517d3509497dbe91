package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// quietTime is how long all connections must rest before those are closed
	// that are still open: a request may be on its way on one.
	quietTime = 2 * time.Second
	// quietPoll is how often that is looked at.
	quietPoll = 20 * time.Millisecond
)

// closingWriter asks the client to open another connection for its next request,
// once the server drains.
type closingWriter struct {
	http.ResponseWriter
	draining *atomic.Bool
	code     int
}

// WriteHeader implements http.ResponseWriter.
func (w *closingWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
		if w.draining.Load() {
			w.Header()["Connection"] = []string{"close"}
		}
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *closingWriter) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *closingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// drain ends the server without losing a request: none that is sent before
// clients hear that it ends, none in flight, and none on its way on a connection
// that was idle. reviews gets the error that ServeTLS returns.
func (s *Server) drain(ctx context.Context, reviews, ops <-chan error) error {
	s.draining.Store(true)
	s.ready.Store(false)
	s.config.Log.Info("draining", "delay", s.config.ShutdownDelay.String(), "timeout", s.config.DrainTimeout.String())
	var failed error
	select {
	case <-s.after(s.config.ShutdownDelay):
		err := s.listener.Close()
		<-reviews //nolint:errcheck // it says that the listener was closed
		return s.end(ctx, err, true)
	case failed = <-reviews:
	case failed = <-ops:
	}
	return s.end(ctx, fmt.Errorf("serving stopped while draining: %w", failed), false)
}

// end closes idle connections, after a rest if that is asked for, and waits for
// the others; but after DrainTimeout it closes them as well.
func (s *Server) end(ctx context.Context, err error, rest bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.DrainTimeout)
	defer cancel()
	if rest {
		s.waitForQuiet(ctx)
	}
	if shutdownErr := s.webhook.Shutdown(ctx); shutdownErr != nil {
		err = errors.Join(err, fmt.Errorf("requests still in flight after %s were cut off: %w", s.config.DrainTimeout, shutdownErr), s.webhook.Close())
	}
	return errors.Join(err, s.ops.close())
}

// waitForQuiet waits until no request has come for a while, or ctx ends.
func (s *Server) waitForQuiet(ctx context.Context) {
	poll := time.NewTicker(quietPoll)
	defer poll.Stop()
	for {
		since, busy := s.connections.quietSince()
		if !busy && time.Since(since) >= s.quiet {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}
