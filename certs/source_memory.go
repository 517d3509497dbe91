package certs

import (
	"context"
	"crypto/tls"
	"time"
)

// memoryAuthority is the common name of a MemorySource's CA.
const memoryAuthority = "netmode in-memory CA"

// MemorySource serves a certificate made at start and kept in memory. It is not
// renewed: a restart makes another CA and another certificate.
type MemorySource struct {
	serving *serving
}

var _ Source = (*MemorySource)(nil)

// NewMemorySource makes a CA and a certificate for the names (see
// [Authority.Issue]), both valid until now + lifetime.
func NewMemorySource(names []string, now time.Time, lifetime time.Duration) (*MemorySource, error) {
	authority, err := NewAuthority(memoryAuthority, now, lifetime)
	if err != nil {
		return nil, err
	}
	pair, err := authority.Issue(names, now, lifetime)
	if err != nil {
		return nil, err
	}
	s, err := parse(pair)
	if err != nil {
		return nil, err
	}
	return &MemorySource{serving: s}, nil
}

// GetCertificate implements [Source].
func (m *MemorySource) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return m.serving.cert, nil
}

// CABundle implements [Source].
func (m *MemorySource) CABundle() []byte { return m.serving.caBundle() }

// Run implements [Source]. There is nothing to do but to wait.
func (m *MemorySource) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
