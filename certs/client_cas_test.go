package certs

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestClientCAs(t *testing.T) {
	t.Parallel()
	first, second := newCA(t), newCA(t)
	path := filepath.Join(t.TempDir(), "ca.crt")
	put := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put(first.CertPEM())
	failed := make(chan error, 100)
	cas, err := NewClientCAs(path, func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	holds := func(want ...*Authority) bool {
		pool := x509.NewCertPool()
		for _, a := range want {
			pool.AddCert(a.cert)
		}
		return cas.Pool().Equal(pool)
	}
	if !holds(first) {
		t.Error("the file's CA is not there")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { cas.Run(ctx) })
	defer running.Wait()
	defer cancel()

	put(append(first.CertPEM(), second.CertPEM()...))
	for begin := time.Now(); !holds(first, second); <-time.After(time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the change is not seen")
		}
	}
	put([]byte("-----BEGIN"))
	wantError(t, <-failed, "client CAs \""+path+"\": ", "name a file of CA certificates in PEM")
	if !holds(first, second) {
		t.Error("a bad file changed the CAs")
	}
	put(second.CertPEM())
	for begin := time.Now(); !holds(second); <-time.After(time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("the change after a bad file is not seen")
		}
	}
}

func TestNewClientCAsRefuses(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "tls.key")
	if err := os.WriteFile(key, []byte("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "absent"): "no such file or directory: name a file of CA certificates in PEM that can be read",
		folder:                          "is not a regular file",
		key:                             `block 1 is "PRIVATE KEY", not "CERTIFICATE": name a file of CA certificates in PEM`,
	} {
		_, err := NewClientCAs(path, func(error) {})
		wantError(t, err, "client CAs \""+path+"\": ", want)
	}
}

func newCA(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority("clients", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestIsEmpty(t *testing.T) {
	folder := t.TempDir()
	if !IsEmpty(folder) {
		t.Error("a folder without files is not empty")
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(certFile, "")
	write("other", "x")
	if !IsEmpty(folder) {
		t.Error("a folder with an empty file is not empty")
	}
	write(keyFile, "x")
	if IsEmpty(folder) {
		t.Error("a folder with a key is empty")
	}
	if IsEmpty(filepath.Join(folder, "absent")) || IsEmpty(filepath.Join(folder, "other")) {
		t.Error("what is no folder is empty")
	}
}
