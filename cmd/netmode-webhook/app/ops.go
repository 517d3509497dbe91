package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
)

// opsTimeout bounds reading a request, and answering it.
const opsTimeout = 10 * time.Second

// opsServer serves what operators and the kubelet ask a process that serves
// nothing else: /livez as long as it runs, /readyz, and /metrics.
type opsServer struct {
	listener net.Listener
	server   *http.Server
}

// listenOps takes the port. While ready is false, /readyz says what is not. An
// error names the address and the cure.
func listenOps(ctx context.Context, address string, ready func() bool, notReady string, metrics http.Handler, log logr.Logger) (*opsServer, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for health and metrics: %w: choose another address with --ops-listen", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { sayHealth(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready() {
			sayHealth(w, http.StatusOK, "ok")
			return
		}
		sayHealth(w, http.StatusServiceUnavailable, "not ready: "+notReady+"; the log says why")
	})
	mux.Handle("GET /metrics", metrics)
	return &opsServer{listener: listener, server: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: opsTimeout,
		ReadTimeout:       opsTimeout,
		WriteTimeout:      opsTimeout,
		BaseContext:       func(net.Listener) context.Context { return logr.NewContext(context.WithoutCancel(ctx), log) },
	}}, nil
}

func (s *opsServer) addr() net.Addr { return s.listener.Addr() }

// run serves until ctx ends, then returns nil.
func (s *opsServer) run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.server.Serve(s.listener) }()
	select {
	case <-ctx.Done():
		return s.server.Close()
	case err := <-failed:
		return errors.Join(fmt.Errorf("serving health and metrics stopped: %w", err), s.server.Close())
	}
}

func sayHealth(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // a client that is gone needs no answer
}
