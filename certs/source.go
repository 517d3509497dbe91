// Package certs makes, judges and serves the certificates of the HTTPS webhook.
//
// An [Authority] signs serving certificates. A [Source] hands them to TLS:
// [MemorySource] makes its own at start, [FileSource] reads a folder and follows
// its changes. [Standalone] picks one for running without a cluster.
//
// In a cluster a [Controller] makes the files of such a folder: it fills two
// Secrets, one of them mounted by the webhook's pods, and keeps the caBundle of
// the webhook configuration. It is a program of its own, since pods that serve have
// no right to write. Rotation loses no call: a new CA stands in every caBundle
// beside the old one before a certificate of it is served, and the old one stays
// until its last certificate has expired. There is no leader. What to do next is
// decided, in decide.go, from what the cluster holds, and each step is one write
// that holds only for the version that was read.
package certs

import (
	"context"
	"crypto/tls"
	"time"
)

// Source gives the HTTPS server its certificate.
type Source interface {
	// GetCertificate returns the certificate to serve, with Leaf set. It fits
	// tls.Config.GetCertificate, takes no lock, does not look at its argument
	// (nil is fine) and never fails.
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)

	// CABundle returns the CA certificates that verify the served certificate,
	// as PEM, ready for a webhook configuration's clientConfig.caBundle.
	CABundle() []byte

	// Run keeps the certificate current until ctx ends, then returns nil.
	Run(ctx context.Context) error
}

// SourceHooks are called with the outcome of each reload after the start, from
// Run's goroutine, so they must return soon. A nil field is not called.
type SourceHooks struct {
	// Reloaded: another certificate is served from now on, or the files are in
	// order again after a failure. The serial is in lower-case hex.
	Reloaded func(serial string, notAfter time.Time)

	// Failed: the certificate served before stays, or the folder cannot be
	// watched. The error names the folder, the file and the cure. A failure
	// that lasts is reported again at each periodic check, once a minute.
	Failed func(error)
}

func (o SourceHooks) reloaded(s *serving) {
	if o.Reloaded != nil {
		leaf := s.leaf()
		o.Reloaded(leaf.SerialNumber.Text(16), leaf.NotAfter)
	}
}

func (o SourceHooks) failed(err error) {
	if o.Failed != nil {
		o.Failed(err)
	}
}
