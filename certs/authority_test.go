package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewAuthority(t *testing.T) {
	t.Parallel()
	a, err := NewAuthority("some CA", testNow.Add(123*time.Millisecond), 365*day)
	if err != nil {
		t.Fatal(err)
	}
	cas, err := parseCertificates(a.CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	ca := cas[0]
	if err := ca.CheckSignatureFrom(ca); err != nil {
		t.Errorf("not self-signed: %v", err)
	}
	if !ca.IsCA || !ca.BasicConstraintsValid || ca.MaxPathLen != 0 || !ca.MaxPathLenZero {
		t.Errorf("CA %t, constraints %t, path length %d, zero %t", ca.IsCA, ca.BasicConstraintsValid, ca.MaxPathLen, ca.MaxPathLenZero)
	}
	if ca.KeyUsage != x509.KeyUsageCertSign {
		t.Errorf("key usage %b", ca.KeyUsage)
	}
	if len(ca.SubjectKeyId) == 0 {
		t.Error("no subject key id")
	}
	checkP256(t, ca)
	checkSerial(t, ca)
	checkDates(t, ca, testNow.Add(-5*time.Minute), testNow.Add(365*day))
	if diff := cmp.Diff("CN=some CA,O=netmode", ca.Subject.String()); diff != "" {
		t.Error(diff)
	}
}

func TestIssue(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	pair, err := a.Issue([]string{"Webhook.netmode-system.SVC", "*.example.com", "10.0.0.1", "::1", "webhook.netmode-system.svc", "0:0::1", "10.0.0.1"}, testNow, 90*day)
	if err != nil {
		t.Fatal(err)
	}
	leaf := mustParse(t, pair).leaf()
	if diff := cmp.Diff([]string{"webhook.netmode-system.svc", "*.example.com"}, leaf.DNSNames); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]net.IP{net.IPv4(10, 0, 0, 1), net.IPv6loopback}, leaf.IPAddresses); diff != "" {
		t.Error(diff)
	}
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %t, key usage %b", leaf.IsCA, leaf.KeyUsage)
	}
	if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, leaf.ExtKeyUsage); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(leaf.AuthorityKeyId, a.cert.SubjectKeyId) {
		t.Error("the authority key id is not the CA's subject key id")
	}
	checkP256(t, leaf)
	checkSerial(t, leaf)
	checkDates(t, leaf, testNow.Add(-5*time.Minute), testNow.Add(90*day))

	block, rest := pem.Decode(pair.Key)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		t.Fatalf("the key is not one PKCS#8 block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if private, ok := key.(*ecdsa.PrivateKey); !ok || !private.PublicKey.Equal(leaf.PublicKey) {
		t.Error("the key is not the certificate's")
	}
	if again := issue(t, a, "localhost"); serialOf(t, again) == leaf.SerialNumber.Text(16) || bytes.Equal(again.Key, pair.Key) {
		t.Error("serial or key used twice")
	}
}

func TestIssueUntilTheAuthorityEnds(t *testing.T) {
	t.Parallel()
	now := testNow.Add(999 * time.Millisecond)
	a, err := NewAuthority("CA", now, day)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Issue([]string{"localhost"}, now, day); err != nil {
		t.Errorf("an end at the same time as the authority's is refused: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	for _, tc := range []struct {
		what     string
		names    []string
		lifetime time.Duration
		want     []string
	}{
		{"no names", nil, day, []string{"certificate names: none given: give the DNS names and IP addresses"}},
		{"empty name", []string{"localhost", ""}, day, []string{`certificate name "": neither an IP address nor a DNS name: `}},
		{"underscore", []string{"my_host"}, day, []string{`certificate name "my_host": neither`, "RFC 1123"}},
		{"brackets", []string{"[::1]"}, day, []string{`certificate name "[::1]": neither`}},
		{"zone", []string{"fe80::1%eth0"}, day, []string{`certificate name "fe80::1%eth0": neither`}},
		{"port", []string{"localhost:8443"}, day, []string{`certificate name "localhost:8443": neither`}},
		{"trailing dot", []string{"webhook.svc."}, day, []string{`certificate name "webhook.svc.": neither`}},
		{"not quite an IP", []string{"10.0.0.256"}, day, []string{`certificate name "10.0.0.256": neither`, "its last part is a number: write an IP address in full"}},
		{"bare star", []string{"*"}, day, []string{`certificate name "*": neither`, "wildcard"}},
		{"star inside", []string{"a.*.com"}, day, []string{`certificate name "a.*.com": neither`}},
		{"zero lifetime", []string{"localhost"}, 0, []string{"certificate lifetime 0s: must be more than 0"}},
		{"longer than the CA", []string{"localhost"}, 366 * day, []string{
			"certificate lifetime 8784h0m0s: would end at 2027-06-02T12:00:00Z, after its authority at 2027-06-01T12:00:00Z: ask for less, or make a new authority"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			pair, err := a.Issue(tc.names, testNow, tc.lifetime)
			wantError(t, err, tc.want...)
			if diff := cmp.Diff(KeyPair{}, pair); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthorityRefuses(t *testing.T) {
	t.Parallel()
	_, err := NewAuthority("CA", testNow, -time.Second)
	wantError(t, err, "authority lifetime -1s: must be more than 0")
	_, err = NewAuthority("CA", time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), day)
	wantError(t, err, `make authority "CA": `)
}

func TestNewMemorySourceRefuses(t *testing.T) {
	t.Parallel()
	_, err := NewMemorySource([]string{"localhost"}, testNow, 0)
	wantError(t, err, "authority lifetime 0s: must be more than 0")
	_, err = NewMemorySource(nil, testNow, day)
	wantError(t, err, "certificate names: none given")
}

func checkP256(t *testing.T, cert *x509.Certificate) {
	t.Helper()
	if key, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is not ECDSA P-256 but %T", cert.PublicKey)
	}
}

func checkSerial(t *testing.T, cert *x509.Certificate) {
	t.Helper()
	if limit := new(big.Int).Lsh(big.NewInt(1), 128); cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.Cmp(limit) > 0 {
		t.Errorf("serial %s is not in 1..2^128", cert.SerialNumber)
	}
	// 2^64 is missed by chance once in 2^64 runs.
	if cert.SerialNumber.BitLen() <= 64 {
		t.Errorf("serial %s has only %d bits", cert.SerialNumber, cert.SerialNumber.BitLen())
	}
}

func checkDates(t *testing.T, cert *x509.Certificate, from, until time.Time) {
	t.Helper()
	if !cert.NotBefore.Equal(from.Truncate(time.Second)) || !cert.NotAfter.Equal(until.Truncate(time.Second)) {
		t.Errorf("valid from %s until %s, want %s until %s", cert.NotBefore, cert.NotAfter, from, until)
	}
}
