// Package app is the program netmode-webhook: the webhook itself, and the commands that
// run its controllers, certificates and policies.
package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/metrics"
	"github.com/netmode-io/netmode/pkg/server"
	"github.com/netmode-io/netmode/pkg/version"
)

// Main runs netmode-webhook with the arguments until SIGTERM or SIGINT, and
// returns the exit code: 0 after a clean drain, 1 after a failure.
func Main(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newCommand(errOut)
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	ballast := newBallast()
	defer runtime.KeepAlive(ballast)
	if err := cmd.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(errOut, "netmode-webhook: %v\n", err)
		return 1
	}
	return 0
}

// ballastSize is how much garbage, in bytes, comes together beside as much as
// lives before the collector runs. In a small cluster the webhook keeps a few MiB
// alive, and Go's default, which is as much as lives, would have the collector
// run every few hundred requests; in a large one a multiple would be too much.
const ballastSize = 12 << 20

// newBallast is counted as alive by the collector, and takes no memory, since
// nobody touches it. GOGC in the environment has the choice instead.
func newBallast() []byte {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	return make([]byte, ballastSize)
}

func newCommand(logTo io.Writer) *cobra.Command {
	o := newServeOptions()
	cmd := &cobra.Command{
		Use:   "netmode-webhook",
		Short: "Give Pods and Services the network mode that their annotations ask for",
		Long: `netmode-webhook answers the AdmissionReviews of a Kubernetes API server at
https://LISTEN/mutate/ENTRY, where an entry is asked, namespace, policy or
workloads. It reads the annotations that begin with netmode.io/ on Pods and
Services that are being created and on workloads, patches what the mode needs,
and refuses what cannot be served.

Try it without a cluster:

  netmode-webhook --standalone --listen 127.0.0.1:8443 --cert-dir /tmp/netmode
  curl --cacert /tmp/netmode/ca.crt -H 'Content-Type: application/json' \
    --data-binary @review.json https://127.0.0.1:8443/mutate/asked`,
		Version:       version.Version,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.complete(cmd.Flags())
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), logTo)
		},
	}
	o.addFlags(cmd.Flags())
	cmd.CompletionOptions.DisableDefaultCmd = true // for a program that nobody types
	cmd.AddCommand(newCertificatesCommand(logTo), newPoliciesCommand(logTo))
	return cmd
}

func (o *serveOptions) run(ctx context.Context, logTo io.Writer) (err error) {
	log, flush, stopLog, err := o.logging.NewBuffered(logTo)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopLog()) }()
	routeKlog(log)
	settings, notes, err := o.decision.Settings()
	if err != nil {
		return err
	}
	for _, note := range notes {
		log.Info("cluster DNS", "note", note)
	}
	m := metrics.New()
	m.ClusterDNS(settings.Search.Facts)
	source, err := o.certificates(ctx, m, log)
	if err != nil {
		return err
	}
	clients, follow, err := o.clients(log)
	if err != nil {
		return err
	}
	snapshots, err := o.snapshots(ctx, m, log)
	if err != nil {
		return err
	}
	reviews := server.ReviewConfig{
		Counters: m, Limits: server.NewLimits(o.maxBytes, o.maxReviews), MaxBody: o.maxBody, LetThrough: o.observeOnly, Log: log,
	}
	s, err := server.Listen(ctx, server.Config{
		Listen:         o.listen,
		OpsListen:      o.opsListen,
		ShutdownDelay:  o.shutdownDelay,
		DrainTimeout:   o.drainTimeout,
		Certificates:   source,
		Clients:        clients,
		Reviews:        o.entries(reviews, settings, snapshots),
		Elsewhere:      server.NewElsewhere(reviews),
		MaxConnections: o.maxConns,
		Counters:       m,
		Prepared:       snapshots.Synced,
		Metrics:        m.Handler(),
		Log:            log,
	})
	if err != nil {
		return err
	}
	facts := settings.Search.Facts
	log.Info("serving", "version", version.Version, "listen", s.Addr().String(), "ops", s.OpsAddr().String(),
		"observeOnly", o.observeOnly, "clusterDNS", facts.Nameservers, "clusterDomain", facts.Domain, "factsHash", facts.Hash())

	if err := flush(); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}

	var sourceErr error
	err = runWith(ctx, s.Run, snapshots.Run, follow, func(ctx context.Context) { sourceErr = source.Run(ctx) })
	if err == nil && sourceErr != nil {
		err = fmt.Errorf("following the certificate: %w", sourceErr)
	}
	log.Info("stopped")
	return err
}

// entries are the handlers of reviews, by path. What the policy entry cannot
// judge is let through: it gives, and nothing that it gives is a rule.
func (o *serveOptions) entries(config server.ReviewConfig, settings *engine.Settings, snapshots admission.Snapshots) map[string]http.Handler {
	entries := map[string]http.Handler{}
	for _, entry := range api.Entries() {
		config.Reviewer = &admission.Reviewer{Entry: entry, Settings: settings, Snapshots: snapshots, ObserveOnly: o.observeOnly}
		config.LetThrough = o.observeOnly || entry == api.EntryPolicy
		entries[entry.Path()] = server.NewReviewHandler(config)
	}
	return entries
}

// clients are those who may send reviews, and what follows the file of their
// CAs.
func (o *serveOptions) clients(log logr.Logger) (clients *server.Clients, follow func(context.Context), err error) {
	if o.clientCAFile == "" {
		return nil, func(context.Context) {}, nil
	}
	cas, err := certs.NewClientCAs(o.clientCAFile, func(err error) { log.Error(err, "client CAs not loaded, those before stay") })
	if err != nil {
		return nil, nil, fmt.Errorf("--client-ca-file: %w", err)
	}
	return &server.Clients{CAs: cas.Pool, Names: o.clientNames}, cas.Run, nil
}

func (o *serveOptions) certificates(ctx context.Context, m *metrics.Metrics, log logr.Logger) (certs.Source, error) {
	hooks := certs.SourceHooks{
		Reloaded: func(serial string, notAfter time.Time) {
			m.CertificateLoaded(notAfter)
			log.Info("certificate loaded", "serial", serial, "notAfter", notAfter)
		},
		Failed: func(err error) {
			m.CertificateFailed()
			log.Error(err, "certificate not loaded, the one before stays")
		},
	}
	source, err := o.certificateSource(ctx, hooks, log)
	if err != nil {
		return nil, err
	}
	certificate, err := source.GetCertificate(nil)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	m.CertificateLoaded(certificate.Leaf.NotAfter)
	if o.standalone && o.certDir == "" {
		log.Info("certificate made in memory", "caBundle", base64.StdEncoding.EncodeToString(source.CABundle()))
	}
	return source, nil
}

func (o *serveOptions) certificateSource(ctx context.Context, hooks certs.SourceHooks, log logr.Logger) (certs.Source, error) {
	if !o.standalone {
		return o.mountedSource(ctx, hooks, log)
	}
	var names []string
	if host, _, err := net.SplitHostPort(o.listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			names = append(names, host)
		}
	}
	return certs.Standalone(o.certDir, names, time.Now(), hooks)
}

const (
	// firstCertificate is how long an empty --cert-dir is waited for. It is short:
	// a kubelet brings what a Secret has got meanwhile soonest when a container
	// starts again.
	firstCertificate = 10 * time.Second
	certificatePoll  = 100 * time.Millisecond
)

// mountedSource serves what the folder holds. The Secret behind it may be empty
// at first, so an empty folder is waited for.
func (o *serveOptions) mountedSource(ctx context.Context, hooks certs.SourceHooks, log logr.Logger) (certs.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, firstCertificate)
	defer cancel()
	poll := time.NewTicker(certificatePoll)
	defer poll.Stop()
	for waits := false; ; waits = true {
		source, err := certs.NewFileSource(o.certDir, hooks)
		if err == nil || !certs.IsEmpty(o.certDir) {
			return source, err
		}
		if !waits {
			log.Info("waiting for the first certificate", "certDir", o.certDir, "timeout", firstCertificate.String())
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-poll.C:
		}
	}
}
