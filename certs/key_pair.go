package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// The keys of a kubernetes.io/tls Secret, and the one that carries its CA; a
// folder has files of the same names.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
	caFile   = "ca.crt"
)

const pemCertificate = "CERTIFICATE"

// KeyPair is a serving certificate with all that belongs to it, in PEM, as a
// kubernetes.io/tls Secret or a folder holds it.
type KeyPair struct {
	Cert []byte // tls.crt: the leaf, then any intermediates
	Key  []byte // tls.key: the leaf's private key
	CA   []byte // ca.crt: the CA certificates, one of which the chain ends in
}

// serving is a KeyPair that was parsed and found to fit together.
type serving struct {
	cert  *tls.Certificate
	chain []*x509.Certificate // leaf first
	cas   []*x509.Certificate
}

// parse reads the KeyPair and checks that its parts belong together: the key to
// the leaf, the leaf to a CA, its use to a server. It does not look at the
// clock. The error names the part and the cure.
func parse(t KeyPair) (*serving, error) {
	s, err := parsePair(t.Cert, t.Key)
	if err != nil {
		return nil, err
	}
	if s.cas, err = parseCertificates(t.CA); err != nil {
		return nil, fmt.Errorf("%s: %w: put the certificate of the CA that signed %s there, as PEM", caFile, err, certFile)
	}
	_, err = s.verify(s.leaf().NotAfter)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case err == nil:
	case isInvalid && invalid.Reason == x509.Expired:
		// A CA whose dates do not reach the leaf's end: signed all the same.
	case isInvalid && invalid.Reason == x509.IncompatibleUsage:
		return nil, fmt.Errorf("%s: %w: use a certificate with the extended key usage serverAuth", certFile, err)
	default:
		return nil, fmt.Errorf("%s: not signed by a CA in %s: %w: put the certificate of the CA that signed it into %s", certFile, caFile, err, caFile)
	}
	return s, nil
}

// parsePair reads a leaf's chain and its private key and checks that they belong
// together. The serving has no CA yet.
func parsePair(cert, key []byte) (*serving, error) {
	chain, err := parseCertificates(cert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: put the server's certificate there, as PEM", certFile, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: put the private key of the certificate in %s there, as PEM", keyFile, err, certFile)
	}
	pair.Leaf = chain[0]
	return &serving{cert: &pair, chain: chain}, nil
}

func (s *serving) leaf() *x509.Certificate { return s.cert.Leaf }

// under returns the same chain under other CAs.
func (s *serving) under(cas ...*x509.Certificate) *serving {
	return &serving{cert: s.cert, chain: s.chain, cas: cas}
}

// verifiesUnder says whether a client that trusts these CAs accepts the chain at
// that time.
func (s *serving) verifiesUnder(at time.Time, cas ...*x509.Certificate) bool {
	_, err := s.under(cas...).verify(at)
	return err == nil
}

// caBundle encodes the CAs anew: nothing else that the file holds gets out.
func (s *serving) caBundle() []byte { return encodeCertificates(s.cas) }

func encodeCertificates(certs []*x509.Certificate) []byte {
	var out []byte
	for _, cert := range certs {
		out = append(out, encodeCertificate(cert.Raw)...)
	}
	return out
}

// parseCertificates reads PEM that holds one or more certificates and nothing
// else. A block that a lenient reader would skip is an error.
func parseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	blocks := 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks++
		if block.Type != pemCertificate {
			return nil, fmt.Errorf("block %d is %q, not %q", blocks, block.Type, pemCertificate)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", blocks, err)
		}
		certs = append(certs, cert)
	}
	if begun := bytes.Count(data, []byte("-----BEGIN ")); begun != blocks {
		return nil, fmt.Errorf("only %d of %d PEM blocks can be read", blocks, begun)
	}
	if len(certs) == 0 {
		return nil, errors.New("no PEM certificate found")
	}
	return certs, nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der})
}
