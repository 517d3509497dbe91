package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/go-logr/logr"
)

// Ops serves, over plain HTTP, what operators and the kubelet ask of a process:
// /livez as long as it runs, /readyz, and /metrics.
type Ops struct {
	listener net.Listener
	server   *http.Server
}

// ListenOps takes the port. notReady says why the process is not ready, or "".
// An error names the address and the cure.
func ListenOps(ctx context.Context, address string, notReady func() string, metrics http.Handler, log logr.Logger) (*Ops, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for health and metrics: %w: choose another address with --ops-listen", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := notReady(); why != "" {
			say(w, http.StatusServiceUnavailable, "not ready: "+why)
			return
		}
		say(w, http.StatusOK, "ok")
	})
	mux.Handle("GET /metrics", metrics)
	return &Ops{listener, newHTTPServer(mux, log)}, nil
}

// Addr is the address that is listened on.
func (o *Ops) Addr() net.Addr { return o.listener.Addr() }

// Run serves until ctx ends, then returns nil.
func (o *Ops) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- o.serve() }()
	select {
	case <-ctx.Done():
		return o.close()
	case err := <-failed:
		return errors.Join(fmt.Errorf("serving health and metrics stopped: %w", err), o.close())
	}
}

func (o *Ops) serve() error { return o.server.Serve(o.listener) }

func (o *Ops) close() error { return o.server.Close() }

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // a client that is gone needs no answer
}
