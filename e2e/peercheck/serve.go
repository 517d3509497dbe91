package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// readiness says whether the pod is ready, and why.
type readiness func() (bool, string)

func alwaysReady() (bool, string) { return true, "ready" }

// readyOnce is ready from the first time on that name resolves. It asks until ctx ends.
func readyOnce(ctx context.Context, look lookupFunc, name string) readiness {
	var found atomic.Value
	go func() {
		for ctx.Err() == nil {
			if addresses, err := resolve(ctx, look, name, time.Hour); err == nil {
				found.Store(strings.Join(addresses, " "))
				return
			}
		}
	}()
	return func() (bool, string) {
		if addresses, ok := found.Load().(string); ok {
			return true, name + " is " + addresses
		}
		return false, name + " does not resolve yet"
	}
}

// handler answers / with who asks whom, and /ready with what ready says.
func handler(hostname string, ready readiness) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		peer, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			peer = r.RemoteAddr
		}
		_, _ = fmt.Fprintf(w, "%s sees %s\n", hostname, peer)
	})
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		ok, why := ready()
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprintln(w, why)
	})
	return mux
}

// serve answers HTTP on the address until ctx ends.
func serve(ctx context.Context, address string, ready readiness) error {
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler(hostname, ready), ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
