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
	readTimeout       = 5 * time.Second
	writeTimeout      = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// API servers speak HTTP/1.1 to Services.
	maxStreams = 32
	// streamBuffer is what a connection, or a stream of it, may send beyond what
	// is read of it.
	streamBuffer = 64 << 10
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
	// Clients are those who may send reviews; nil: everybody.
	Clients *Clients
	// Reviews answers AdmissionReviews, by path; Elsewhere answers all that is
	// sent to any other path.
	Reviews   map[string]http.Handler
	Elsewhere http.Handler
	// MaxConnections is how many connections may be open; 0: DefaultMaxConnections.
	MaxConnections int
	// Counters count what is turned away before it comes to a handler.
	Counters Counters
	// Prepared says whether all that decisions need has been read; nil: yes.
	Prepared func() bool
	// Metrics answers /metrics.
	Metrics http.Handler
	Log     logr.Logger
}

// Server is a webhook that listens. It serves from Run on.
type Server struct {
	config      Config
	webhook     *http.Server
	ops         *Ops
	listener    net.Listener
	connections *connections
	strangers   *boundedLog
	quiet       time.Duration
	// after is time.After, but for tests that end the delay themselves.
	after    func(time.Duration) <-chan time.Time
	ready    atomic.Bool
	draining atomic.Bool
}

// Listen takes the two ports. An error names the address and the cure.
func Listen(ctx context.Context, config Config) (*Server, error) {
	if config.MaxConnections == 0 {
		config.MaxConnections = DefaultMaxConnections
	}
	s := &Server{config: config, strangers: newBoundedLog(config.Log), quiet: min(quietTime, config.ShutdownDelay), after: time.After}
	var lc net.ListenConfig
	accepted, err := lc.Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for AdmissionReviews: %w: choose another address with --listen", config.Listen, err)
	}
	if s.ops, err = ListenOps(ctx, config.OpsListen, s.notReady, config.Metrics, config.Log); err != nil {
		return nil, errors.Join(err, accepted.Close())
	}
	s.connections = newConnections(config.MaxConnections, config.Counters.TurnedAway, s.strangers)
	s.listener = listener{accepted, s.connections}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: config.Certificates.GetCertificate, NextProtos: []string{"h2", "http/1.1"}}
	if config.Clients != nil {
		secure = config.Clients.tlsConfig(secure)
	}
	s.webhook = newHTTPServer(http.HandlerFunc(s.serve), config.Log)
	s.webhook.TLSConfig = secure
	s.webhook.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: streamBuffer, MaxReceiveBufferPerStream: streamBuffer,
	}
	s.webhook.ConnState, s.webhook.ConnContext = connState, connContext
	return s, nil
}

// newHTTPServer has every time-out set.
func newHTTPServer(handler http.Handler, log logr.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logr.ToSlogHandler(log.V(1)), slog.LevelInfo),
	}
}

// Addr is the address for AdmissionReviews.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// OpsAddr is the address for health and metrics.
func (s *Server) OpsAddr() net.Addr { return s.ops.Addr() }

// Run serves until ctx ends, then drains: readiness fails first, requests are
// accepted for ShutdownDelay more, and those in flight finish within
// DrainTimeout. It returns nil after a clean drain.
func (s *Server) Run(ctx context.Context) error {
	reviews, ops := make(chan error, 1), make(chan error, 1)
	go func() { reviews <- s.webhook.ServeTLS(s.listener, "", "") }()
	go func() { ops <- s.ops.serve() }()
	s.ready.Store(true)
	defer s.strangers.rest("more refused at the end")

	var err error
	select {
	case <-ctx.Done():
		return s.drain(context.WithoutCancel(ctx), reviews, ops)
	case err = <-reviews:
	case err = <-ops:
	}
	s.ready.Store(false)
	return s.end(context.WithoutCancel(ctx), fmt.Errorf("serving stopped: %w", err), false)
}

// serve hands a request to the handler of its path.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	closing := &closingWriter{ResponseWriter: w, draining: &s.draining}
	if s.config.Clients != nil {
		if why := s.config.Clients.refuses(r); why != nil {
			s.config.Counters.Rejected(why.code)
			s.strangers.info("rejected", keyCode, why.code, keyMessage, why.message, keyRemote, r.RemoteAddr)
			say(closing, why.code, why.message)
			return
		}
	}
	handler, isEntry := s.config.Reviews[r.URL.Path]
	if !isEntry {
		s.config.Elsewhere.ServeHTTP(closing, r)
		return
	}
	handler.ServeHTTP(closing, r)
	if closing.code == http.StatusOK {
		if c, ok := r.Context().Value(connectionKey{}).(*connection); ok && c != nil && !c.proven.Load() {
			c.proven.Store(true)
		}
	}
}
