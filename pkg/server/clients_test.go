package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// clientCA signs certificates of clients.
type clientCA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newClientCA(t *testing.T) *clientCA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clients"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &clientCA{certificate, key}
}

func (ca *clientCA) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return pool
}

// issue makes a certificate for a use until a time.
func (ca *clientCA) issue(t *testing.T, commonName string, dnsNames []string, use x509.ExtKeyUsage, until time.Duration) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: commonName}, DNSNames: dnsNames, ExtKeyUsage: []x509.ExtKeyUsage{use},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// clientWith shows certificates.
func (r *running) clientWith(t *testing.T, http2 bool, certificates ...tls.Certificate) *http.Client {
	t.Helper()
	client := r.client(t, http2)
	client.Transport.(*http.Transport).TLSClientConfig.Certificates = certificates //nolint:errcheck // client makes it so
	return client
}

func TestClientCertificates(t *testing.T) {
	ours, theirs := newClientCA(t), newClientCA(t)
	r := start(t, func(s *setup) {
		s.Clients = &Clients{CAs: ours.pool, Names: []string{"kube-apiserver", "api.example.com"}}
	})
	const inTLS, inHTTP = "tls", "403"
	for _, tt := range []struct {
		name, refused, want string
		shown               []tls.Certificate
	}{
		{"common name", "", "", []tls.Certificate{ours.issue(t, "kube-apiserver", nil, x509.ExtKeyUsageClientAuth, time.Hour)}},
		{"DNS name", "", "", []tls.Certificate{ours.issue(t, "x", []string{"y", "api.example.com"}, x509.ExtKeyUsageClientAuth, time.Hour)}},
		{"none", inTLS, "", nil},
		{"another CA's", inTLS, "", []tls.Certificate{theirs.issue(t, "kube-apiserver", nil, x509.ExtKeyUsageClientAuth, time.Hour)}},
		{"a server's", inTLS, "", []tls.Certificate{ours.issue(t, "kube-apiserver", nil, x509.ExtKeyUsageServerAuth, time.Hour)}},
		{"expired", inTLS, "", []tls.Certificate{ours.issue(t, "kube-apiserver", nil, x509.ExtKeyUsageClientAuth, -time.Minute)}},
		{"another name", inHTTP, `the client's certificate is of "tenant, pod", and not of kube-apiserver, api.example.com: name it with --client-name`,
			[]tls.Certificate{ours.issue(t, "tenant", []string{"pod"}, x509.ExtKeyUsageClientAuth, time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, http2 bool) {
				client := r.clientWith(t, http2, tt.shown...)
				code, text, err := try(client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "u", ""))))
				switch tt.refused {
				case inTLS:
					if err == nil { // which one depends on what comes first: the alert, or the end of the connection
						t.Errorf("%d %s, want a failed handshake", code, text)
					}
				case inHTTP:
					if err != nil || code != http.StatusForbidden || !strings.Contains(text, tt.want) {
						t.Errorf("%d %s, %v, want 403 with %s", code, text, err, tt.want)
					}
				default:
					if err != nil {
						t.Fatal(err)
					}
					checkAnswer(t, code, text, "u")
				}
			})
		})
	}
	if code, _ := get(t, r.opsURL("/readyz")); code != http.StatusOK {
		t.Errorf("health demands a certificate: %d", code)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if records := r.log.records(t, "rejected"); len(records) != 2 || !strings.Contains(fmt.Sprint(records[0]["message"]), "tenant, pod") {
		t.Errorf("log lines %v, want two", records)
	}
}

// Other CAs hold from the next connection on, resumed or not.
func TestClientCAsChange(t *testing.T) {
	before, after := newClientCA(t), newClientCA(t)
	var current atomic.Pointer[x509.CertPool]
	current.Store(before.pool())
	r := start(t, func(s *setup) { s.Clients = &Clients{CAs: current.Load} })
	old := r.clientWith(t, false, before.issue(t, "x", nil, x509.ExtKeyUsageClientAuth, time.Hour))
	old.Transport.(*http.Transport).TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4) //nolint:errcheck // client makes it so
	ask := func(client *http.Client) error {
		_, _, err := try(client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "u", ""))))
		client.CloseIdleConnections()
		return err
	}
	for range 2 {
		if err := ask(old); err != nil {
			t.Fatal(err)
		}
	}
	current.Store(after.pool())
	if err := ask(old); err == nil {
		t.Error("the old CA's certificate is accepted")
	}
	if err := ask(r.clientWith(t, false, after.issue(t, "x", nil, x509.ExtKeyUsageClientAuth, time.Hour))); err != nil {
		t.Errorf("the new CA's certificate: %v", err)
	}
}
