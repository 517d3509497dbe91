package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNeedsRenewal(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	twin := newTestAuthority(t, "CA") // the same subject, another key
	good := issue(t, a, "localhost", "127.0.0.1", "*.example.com")
	other := issue(t, a, "localhost")

	caKey, subKey, key := testKey(t), testKey(t), testKey(t)
	ca := mint(t, caKey, nil, nil, asCA)
	sub := mint(t, subKey, ca, caKey, func(c *x509.Certificate) {
		asCA(c)
		c.Subject.CommonName = "somebody's intermediate CA"
		c.NotAfter = testNow.Add(30 * day)
	})
	leaf := mint(t, key, ca, caKey, func(*x509.Certificate) {})
	underSub := mint(t, key, sub, subKey, func(*x509.Certificate) {})
	forClients := mint(t, key, ca, caKey, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	bare := mint(t, key, ca, caKey, func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames = "localhost", nil })
	selfSigned := mint(t, key, nil, nil, func(*x509.Certificate) {})
	shortCA := mint(t, caKey, nil, nil, func(c *x509.Certificate) { asCA(c); c.NotAfter = testNow.Add(9 * day) })
	renewedCA := mint(t, caKey, nil, nil, func(c *x509.Certificate) { asCA(c); c.NotBefore = testNow })

	pair := func(cas []*x509.Certificate, chain ...*x509.Certificate) KeyPair {
		out := KeyPair{Key: keyPEM(t, key)}
		for _, c := range chain {
			out.Cert = append(out.Cert, encodeCertificate(c.Raw)...)
		}
		for _, c := range cas {
			out.CA = append(out.CA, encodeCertificate(c.Raw)...)
		}
		return out
	}
	with := func(base KeyPair, change func(*KeyPair)) KeyPair {
		change(&base)
		return base
	}
	begin := testNow.Add(-5 * time.Minute)
	renewAt := begin.Add(testNow.Add(90*day).Sub(begin) / 3 * 2)
	local := []string{"localhost"}

	for _, tc := range []struct {
		what  string
		pair  KeyPair
		names []string
		now   time.Time
		want  []string // the parts of the reason; nil: no renewal
	}{
		{"new", good, []string{"localhost", "LOCALHOST", "127.0.0.1", "a.example.com", "*.example.com"}, testNow, nil},
		{"no names wanted", good, nil, testNow, nil},
		{"first instant", good, local, begin, nil},
		{"just before two thirds", good, local, renewAt.Add(-time.Second), nil},
		{"intermediate", pair([]*x509.Certificate{ca}, underSub, sub), local, testNow, nil},
		{"one of several CAs signed", with(good, func(t *KeyPair) { t.CA = slices.Concat(twin.CertPEM(), t.CA) }), local, testNow, nil},
		{"an ended CA beside the good one", pair([]*x509.Certificate{shortCA, ca}, leaf), local, testNow.Add(10 * day), nil},
		{"the CA renewed with its old key", pair([]*x509.Certificate{renewedCA}, leaf), local, testNow, nil},
		{"its own CA", pair([]*x509.Certificate{selfSigned}, selfSigned), local, testNow, nil},
		{"text around the PEM", with(good, func(t *KeyPair) { t.Cert = slices.Concat([]byte("localhost\n"), t.Cert, []byte("\n# end\n")) }), local, testNow, nil},

		{"empty certificate", with(good, func(t *KeyPair) { t.Cert = nil }), local, testNow, []string{"tls.crt: no PEM certificate found: put the server's certificate there, as PEM"}},
		{"garbled certificate", with(good, func(t *KeyPair) { t.Cert = encodeCertificate([]byte("x")) }), local, testNow, []string{"tls.crt: certificate 1: x509: ", "put the server's certificate there"}},
		{"certificate cut short", with(good, func(t *KeyPair) { t.Cert = t.Cert[:len(t.Cert)/2] }), local, testNow, []string{"tls.crt: only 0 of 1 PEM blocks can be read"}},
		{"second certificate cut short", with(good, func(t *KeyPair) { t.Cert = slices.Concat(t.Cert, t.Cert[:200]) }), local, testNow, []string{"tls.crt: only 1 of 2 PEM blocks can be read"}},
		{"key in place of the certificate", with(good, func(t *KeyPair) { t.Cert = t.Key }), local, testNow, []string{`tls.crt: block 1 is "PRIVATE KEY", not "CERTIFICATE"`}},
		{"empty key", with(good, func(t *KeyPair) { t.Key = nil }), local, testNow, []string{"tls.key: tls: ", "put the private key of the certificate in tls.crt there, as PEM"}},
		{"garbled key", with(good, func(t *KeyPair) { t.Key = bytes.ReplaceAll(t.Key, []byte("M"), []byte("N")) }), local, testNow, []string{"tls.key: ", "put the private key"}},
		{"key of another certificate", with(good, func(t *KeyPair) { t.Key = other.Key }), local, testNow, []string{"tls.key: tls: private key does not match public key: put the private key of the certificate in tls.crt there"}},
		{"empty CA", with(good, func(t *KeyPair) { t.CA = nil }), local, testNow, []string{"ca.crt: no PEM certificate found: put the certificate of the CA that signed tls.crt there, as PEM"}},
		{"private key beside the CA", with(good, func(t *KeyPair) { t.CA = slices.Concat(t.CA, t.Key) }), local, testNow, []string{`ca.crt: block 2 is "PRIVATE KEY", not "CERTIFICATE"`}},
		{"CA of the same name with another key", with(good, func(t *KeyPair) { t.CA = twin.CertPEM() }), local, testNow, []string{"tls.crt: not signed by a CA in ca.crt: x509: ", "put the certificate of the CA that signed it into ca.crt"}},
		{"intermediate left out", pair([]*x509.Certificate{ca}, underSub), local, testNow, []string{"tls.crt: not signed by a CA in ca.crt"}},
		{"for clients only", pair([]*x509.Certificate{ca}, forClients), local, testNow, []string{"tls.crt: x509: certificate specifies an incompatible key usage: use a certificate with the extended key usage serverAuth"}},
		{"expired", good, local, testNow.Add(90*day + time.Second), []string{"tls.crt: expired at 2026-08-30T12:00:00Z"}},
		{"before its time", good, local, begin.Add(-time.Second), []string{"tls.crt: valid only from 2026-06-01T11:55:00Z, and it is 2026-06-01T11:54:59Z now"}},
		{"CA ended first", pair([]*x509.Certificate{shortCA}, leaf), local, testNow.Add(10 * day), []string{"tls.crt: does not verify with ca.crt at 2026-06-11T12:00:00Z: x509: certificate has expired"}},
		{"intermediate ended first", pair([]*x509.Certificate{ca}, underSub, sub), local, testNow.Add(31 * day), []string{"tls.crt: does not verify with ca.crt at 2026-07-02T12:00:00Z"}},
		{"DNS name missing", good, []string{"localhost", "webhook.svc"}, testNow, []string{`tls.crt: does not name "webhook.svc"`}},
		{"IP missing", good, []string{"127.0.0.2"}, testNow, []string{`tls.crt: does not name "127.0.0.2"`}},
		{"wildcard is one level", good, []string{"a.b.example.com"}, testNow, []string{`tls.crt: does not name "a.b.example.com"`}},
		{"only a common name", pair([]*x509.Certificate{ca}, bare), local, testNow, []string{`tls.crt: does not name "localhost"`}},
		{"at two thirds", good, local, renewAt, []string{"tls.crt: two thirds of its life were over at 2026-07-31T11:58:20Z, and it ends at 2026-08-30T12:00:00Z"}},
		{"last instant", good, local, testNow.Add(90 * day), []string{"tls.crt: two thirds of its life were over"}},
		{"at two thirds of a life that the CA ends", pair([]*x509.Certificate{shortCA}, leaf), local, testNow.Add(6 * day), []string{"two thirds of its life were over at 2026-06-07T11:40:00Z, and it ends at 2026-06-10T12:00:00Z"}},
		{"at two thirds of a life that the intermediate ends", pair([]*x509.Certificate{ca}, underSub, sub), local, testNow.Add(20 * day), []string{"and it ends at 2026-07-01T12:00:00Z"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			needs, reason := NeedsRenewal(tc.pair, tc.names, tc.now)
			if tc.want == nil {
				if needs || reason != "" {
					t.Errorf("renewal wanted: %q", reason)
				}
				return
			}
			if !needs {
				t.Fatalf("no renewal, want one because %q", tc.want)
			}
			wantText(t, reason, tc.want...)
		})
	}
}

// FuzzNeedsRenewal: no input crashes it, a reason is given if and only if
// renewal is wanted, and what needs none can be served.
func FuzzNeedsRenewal(f *testing.F) {
	a := newTestAuthority(f, "CA")
	good, other := issue(f, a, "localhost"), issue(f, a, "localhost")
	f.Add(good.Cert, good.Key, good.CA, "localhost")
	f.Add(good.Cert, other.Key, good.CA, "localhost")
	f.Add(slices.Concat(good.Cert, other.Cert), good.Key, slices.Concat(good.CA, good.CA), "127.0.0.1")
	f.Add(good.Cert[:100], good.Key[:100], good.CA[:100], "")
	f.Add([]byte(nil), []byte("-----BEGIN "), []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), "*")
	f.Fuzz(func(t *testing.T, cert, key, ca []byte, name string) {
		pair := KeyPair{Cert: cert, Key: key, CA: ca}
		needs, reason := NeedsRenewal(pair, []string{name}, testNow)
		if needs != (reason != "") {
			t.Fatalf("renewal %t, reason %q", needs, reason)
		}
		if needs && !strings.HasPrefix(reason, certFile) && !strings.HasPrefix(reason, keyFile) && !strings.HasPrefix(reason, caFile) {
			t.Fatalf("the reason names no file: %q", reason)
		}
		if !needs {
			if _, err := tls.X509KeyPair(cert, key); err != nil {
				t.Fatalf("needs no renewal, but: %v", err)
			}
		}
	})
}
