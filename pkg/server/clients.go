package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Clients says who may send reviews, by the certificate that a client shows.
type Clients struct {
	// CAs are those that sign clients' certificates. They may change, and hold
	// for the connections that are made from then on.
	CAs func() *x509.CertPool
	// Names are the common names and DNS names of which a certificate must bear
	// one; empty: any certificate of the CAs will do.
	Names []string
}

// tlsConfig is base, with certificates of clients demanded.
func (c *Clients) tlsConfig(base *tls.Config) *tls.Config {
	base.ClientAuth = tls.RequireAndVerifyClientCert
	base.ClientCAs = c.CAs()
	base.SessionTicketsDisabled = true // a resumed session would not see other CAs
	demanding := base.Clone()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := demanding.Clone()
		now.ClientCAs = c.CAs()
		return now, nil
	}
	return base
}

// refuses says why a client's certificate, which its CA has signed, will not do.
func (c *Clients) refuses(r *http.Request) *refusal {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return &refusal{http.StatusForbidden, "no client certificate"}
	}
	certificate := r.TLS.PeerCertificates[0]
	names := append([]string{certificate.Subject.CommonName}, certificate.DNSNames...)
	if len(c.Names) == 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.Names, name) }) {
		return nil
	}
	return &refusal{http.StatusForbidden, fmt.Sprintf("the client's certificate is of %q, and not of %s: name it with --client-name of netmode-webhook if it may send reviews",
		clip(strings.Join(names, ", ")), strings.Join(c.Names, ", "))}
}
