// Package server serves AdmissionReviews over HTTPS, with limits, time-outs,
// health, metrics and a graceful drain.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

// Time-outs of a connection. A client that is slower is cut off: the API
// server gives up after a few seconds itself.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	maxStreams        = 250
)

// CertificateSource gives the certificate of a TLS handshake.
type CertificateSource interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Config says what to serve and where.
type Config struct {
	// Listen is the address for AdmissionReviews, over HTTPS.
	Listen string
	// OpsListen is the address for health and metrics, over plain HTTP.
	OpsListen string
	// ShutdownDelay is how long requests are still accepted after readiness
	// has failed, so that load balancers notice.
	ShutdownDelay time.Duration
	// DrainTimeout bounds the wait for requests in flight.
	DrainTimeout time.Duration

	Certificates CertificateSource
	// Reviews answer AdmissionReviews, by path.
	Reviews map[string]http.Handler
	// Prepared says whether all that decisions need has been read; nil: yes.
	Prepared func() bool
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     logr.Logger
}

// Server is a webhook that listens. It serves from Run on.
type Server struct {
	config    Config
	webhook   *http.Server
	ops       *http.Server
	listener  net.Listener
	opsListen net.Listener
	ready     atomic.Bool
}

// Listen takes the two ports. An error names the address and the cure.
func Listen(ctx context.Context, config Config) (*Server, error) {
	s := &Server{config: config}
	var lc net.ListenConfig
	var err error
	if s.listener, err = lc.Listen(ctx, "tcp", config.Listen); err != nil {
		return nil, fmt.Errorf("listen on %s for AdmissionReviews: %w: choose another address with --listen", config.Listen, err)
	}
	if s.opsListen, err = lc.Listen(ctx, "tcp", config.OpsListen); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s for health and metrics: %w: choose another address with --ops-listen", config.OpsListen, err), s.listener.Close())
	}
	errorLog := slog.NewLogLogger(logr.ToSlogHandler(config.Log.V(1)), slog.LevelInfo)
	mux := http.NewServeMux()
	for path, handler := range config.Reviews {
		mux.Handle(path, handler)
	}
	s.webhook = &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: config.Certificates.GetCertificate},
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          errorLog,
	}
	s.ops = &http.Server{
		Handler:           s.opsMux(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          errorLog,
	}
	return s, nil
}

// Addr is the address for AdmissionReviews.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// OpsAddr is the address for health and metrics.
func (s *Server) OpsAddr() net.Addr { return s.opsListen.Addr() }

// Run serves until ctx ends, then drains: readiness fails first, requests are
// accepted for ShutdownDelay more, and those in flight finish within
// DrainTimeout. It returns nil after a clean drain.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	go func() { failed <- s.webhook.ServeTLS(s.listener, "", "") }()
	go func() { failed <- s.ops.Serve(s.opsListen) }()
	s.ready.Store(true)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("serving stopped: %w", err)
	}
	s.ready.Store(false)
	if err == nil {
		s.config.Log.Info("draining", "delay", s.config.ShutdownDelay.String(), "timeout", s.config.DrainTimeout.String())
		err = waitFor(s.config.ShutdownDelay, failed)
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.DrainTimeout)
	defer cancel()
	if shutdownErr := s.webhook.Shutdown(drain); shutdownErr != nil {
		err = errors.Join(err, fmt.Errorf("requests still in flight after %s were cut off: %w", s.config.DrainTimeout, shutdownErr), s.webhook.Close())
	}
	return errors.Join(err, s.ops.Close())
}

// waitFor waits unless serving fails meanwhile.
func waitFor(delay time.Duration, failed <-chan error) error {
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-failed:
		return fmt.Errorf("serving stopped while draining: %w", err)
	}
}
