package certs

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// testNow is the time at which all test certificates are made and checked.
var testNow = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func newTestAuthority(t testing.TB, commonName string) *Authority {
	t.Helper()
	a, err := NewAuthority(commonName, testNow, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t testing.TB, a *Authority, names ...string) KeyPair {
	t.Helper()
	pair, err := a.Issue(names, testNow, 90*day)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// mint signs a certificate that this package would not make. The change is made
// on a template for localhost that lasts 90 days; without a parent it signs
// itself.
func mint(t testing.TB, key crypto.Signer, parent *x509.Certificate, parentKey crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(7),
		Subject:               pkix.Name{CommonName: "somebody"},
		NotBefore:             testNow.Add(-time.Hour),
		NotAfter:              testNow.Add(90 * day),
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func asCA(c *x509.Certificate) {
	c.Subject.CommonName = "somebody's CA"
	c.IsCA, c.DNSNames, c.ExtKeyUsage = true, nil, nil
	c.KeyUsage = x509.KeyUsageCertSign
	c.NotAfter = testNow.Add(365 * day)
}

func testKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func mustParse(t testing.TB, pair KeyPair) *serving {
	t.Helper()
	s, err := parse(pair)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func serialOf(t testing.TB, pair KeyPair) string {
	t.Helper()
	return mustParse(t, pair).leaf().SerialNumber.Text(16)
}

func servedSerial(t testing.TB, source Source) string {
	t.Helper()
	cert, err := source.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.SerialNumber.Text(16)
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeAll(t testing.TB, dir string, pair KeyPair) {
	t.Helper()
	write(t, dir, certFile, pair.Cert)
	write(t, dir, keyFile, pair.Key)
	write(t, dir, caFile, pair.CA)
}

func folderWith(t testing.TB, pair KeyPair) string {
	t.Helper()
	dir := t.TempDir()
	writeAll(t, dir, pair)
	return dir
}

// contents maps every path below dir to what is there.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	folder := os.DirFS(dir)
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if !entry.Type().IsRegular() {
			found[path] = entry.Type().String()
			return nil
		}
		data, err := fs.ReadFile(folder, path)
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// poolOf reads CA bundles as a client does.
func poolOf(t testing.TB, bundles ...[]byte) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, bundle := range bundles {
		if !pool.AppendCertsFromPEM(bundle) {
			t.Fatalf("no certificate in the bundle %q", bundle)
		}
	}
	return pool
}

func clientConfig(roots *x509.CertPool, version uint16) *tls.Config {
	return &tls.Config{
		RootCAs:    roots,
		ServerName: "localhost",
		MinVersion: version,
		MaxVersion: version,
		Time:       func() time.Time { return testNow },
	}
}

// listen serves an echo over TLS with the source's certificate until the test
// ends, and gives its address.
func listen(t testing.TB, source Source) string {
	t.Helper()
	config := &tls.Config{GetCertificate: source.GetCertificate, MinVersion: tls.VersionTLS12}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				server := tls.Server(conn, config)
				_, _ = io.Copy(server, server) // a client that refuses the certificate ends this
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return listener.Addr().String()
}

// dial connects and sends a word through the echo.
func dial(ctx context.Context, address string, client *tls.Config) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	plain, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, client)
	err = conn.HandshakeContext(ctx)
	if err == nil {
		err = echo(conn)
	}
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return conn, nil
}

func echo(conn *tls.Conn) error {
	const word = "hello"
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return err
	}
	answer := make([]byte, len(word))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if string(answer) != word {
		return fmt.Errorf("echo of %q is %q", word, answer)
	}
	return nil
}

// handshake connects a client to the source and gives the client's error.
func handshake(t testing.TB, source Source, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	conn, err := dial(t.Context(), listen(t, source), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), conn.Close()
}

// wantError checks that the error says all of the parts, in this order.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	wantText(t, err.Error(), parts...)
}

func wantText(t testing.TB, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q\ndoes not say (in this order) %q", text, part)
		}
		rest = after
	}
}

func TestSourcesServeTLS(t *testing.T) {
	t.Parallel()
	memory, err := NewMemorySource([]string{"localhost"}, testNow, day)
	if err != nil {
		t.Fatal(err)
	}
	file, err := NewFileSource(folderWith(t, issue(t, newTestAuthority(t, "CA"), "localhost")), SourceHooks{})
	if err != nil {
		t.Fatal(err)
	}
	foreign := poolOf(t, newTestAuthority(t, memoryAuthority).CertPEM(), newTestAuthority(t, "CA").CertPEM())

	for name, source := range map[string]Source{"memory": memory, "file": file} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				state, err := handshake(t, source, clientConfig(poolOf(t, source.CABundle()), version))
				if err != nil {
					t.Fatal(err)
				}
				if state.Version != version || len(state.VerifiedChains) == 0 {
					t.Errorf("version %s, %d verified chains", tls.VersionName(state.Version), len(state.VerifiedChains))
				}

				_, err = handshake(t, source, clientConfig(foreign, version))
				if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
					t.Errorf("with another CA: %v, want an unknown authority", err)
				}

				other := clientConfig(poolOf(t, source.CABundle()), version)
				other.ServerName = "elsewhere"
				_, err = handshake(t, source, other)
				if _, wrong := errors.AsType[x509.HostnameError](err); !wrong {
					t.Errorf("under another name: %v, want a hostname error", err)
				}
			})
		}
	}
}
