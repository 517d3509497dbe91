package certs

import (
	"crypto/x509"
	"fmt"
	"time"
)

// health is how far a serving certificate can still be used.
type health int

const (
	healthy health = iota
	due            // works, but is past two thirds of its life
	broken         // clients refuse it
)

// NeedsRenewal says whether a new KeyPair must take this one's place, and why, in
// one sentence that names the part: a part cannot be read, the key belongs to
// another certificate, no CA of the KeyPair signed the leaf, it is not valid at now
// (or its CA is not), it lacks one of the names, or two thirds of its life are
// over. A life ends where the first certificate of the chain ends. Without a
// reason to renew, the text is empty.
func NeedsRenewal(t KeyPair, names []string, now time.Time) (bool, string) {
	s, err := parse(t)
	if err != nil {
		return true, err.Error()
	}
	h, reason := s.judge(names, now)
	return h != healthy, reason
}

func (s *serving) judge(names []string, now time.Time) (health, string) {
	leaf := s.leaf()
	if now.After(leaf.NotAfter) {
		return broken, fmt.Sprintf("%s: expired at %s", certFile, stamp(leaf.NotAfter))
	}
	if now.Before(leaf.NotBefore) {
		return broken, fmt.Sprintf("%s: valid only from %s, and it is %s now", certFile, stamp(leaf.NotBefore), stamp(now))
	}
	chains, err := s.verify(now)
	if err != nil {
		return broken, fmt.Sprintf("%s: does not verify with %s at %s: %s", certFile, caFile, stamp(now), err)
	}
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return broken, fmt.Sprintf("%s: does not name %q", certFile, name)
		}
	}
	end := lastEnd(chains)
	renewAt := twoThirds(leaf.NotBefore, end)
	if !now.Before(renewAt) {
		return due, fmt.Sprintf("%s: two thirds of its life were over at %s, and it ends at %s", certFile, stamp(renewAt), stamp(end))
	}
	return healthy, ""
}

// twoThirds is when a certificate is due.
func twoThirds(begin, end time.Time) time.Time { return begin.Add(end.Sub(begin) / 3 * 2) }

// verify checks the chain up to one of the CAs as a client would at that time.
func (s *serving) verify(at time.Time) ([][]*x509.Certificate, error) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, ca := range s.cas {
		roots.AddCert(ca)
	}
	for _, cert := range s.chain[1:] {
		intermediates.AddCert(cert)
	}
	return s.leaf().Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// lastEnd is when the longest-lived of the chains stops to verify.
func lastEnd(chains [][]*x509.Certificate) time.Time {
	var last time.Time
	for _, chain := range chains {
		end := chain[0].NotAfter
		for _, cert := range chain[1:] {
			if cert.NotAfter.Before(end) {
				end = cert.NotAfter
			}
		}
		if end.After(last) {
			last = end
		}
	}
	return last
}
