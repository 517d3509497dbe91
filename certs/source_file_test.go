package certs

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorder keeps what SourceHooks were called with.
type recorder struct {
	reloaded chan string // serials
	failed   chan error
}

func newRecorder() *recorder {
	return &recorder{reloaded: make(chan string, 1000), failed: make(chan error, 1000)}
}

func (r *recorder) hooks() SourceHooks {
	return SourceHooks{
		Reloaded: func(serial string, _ time.Time) { r.reloaded <- serial },
		Failed:   func(err error) { r.failed <- err },
	}
}

// await returns what comes next.
func await[T any](t *testing.T, from <-chan T) (next T) {
	t.Helper()
	select {
	case next = <-from:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	return next
}

// runSource runs the source until the test ends.
func runSource(t *testing.T, source Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// hammer makes one connection after the other, under both TLS versions, and
// keeps one open all the time. It returns when the first succeeded; stop fails
// the test if any did not.
func hammer(t *testing.T, source Source, roots *x509.CertPool) (stop func()) {
	t.Helper()
	address := listen(t, source)
	ctx := context.WithoutCancel(t.Context()) // the test's own is over before its cleanup
	kept, err := dial(ctx, address, clientConfig(roots, tls.VersionTLS13))
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	var connections atomic.Int64
	ended := make(chan struct{})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		first := make(chan struct{})
		clients.Go(func() {
			for n := 0; ; n++ {
				conn, err := dial(ctx, address, clientConfig(roots, version))
				if err != nil {
					t.Errorf("connection %d with %s: %v", n, tls.VersionName(version), err)
				} else {
					_ = conn.Close()
					connections.Add(1)
				}
				if n == 0 {
					close(first)
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
		<-first
	}
	stop = sync.OnceFunc(func() {
		close(ended)
		clients.Wait()
		if err := echo(kept); err != nil {
			t.Errorf("the connection from before the reload: %v", err)
		}
		_ = kept.Close()
		t.Logf("%d connections", connections.Load())
	})
	t.Cleanup(stop) // where the test fails before it stops them
	return stop
}

// replace renames a complete new file over the old one, as editors do.
func replace(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	write(t, dir, name+".new", data)
	if err := os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// mountSecret puts a pair where kubelet puts a Secret's: the files are symlinks
// through ..data, which is swapped by a rename.
func mountSecret(t *testing.T, dir, version string, pair KeyPair) {
	t.Helper()
	folder := filepath.Join(dir, ".."+version)
	data, swap := filepath.Join(dir, "..data"), filepath.Join(dir, "..data_tmp")
	old, oldErr := os.Readlink(data)
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	writeAll(t, folder, pair)
	if err := os.Symlink(filepath.Base(folder), swap); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(swap, data); err != nil {
		t.Fatal(err)
	}
	if oldErr == nil {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range []string{certFile, keyFile, caFile} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileSourceReloads(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what   string
		start  func(*testing.T, string, KeyPair)
		change func(*testing.T, string, KeyPair)
	}{
		{"rewritten in place", func(t *testing.T, dir string, pair KeyPair) { writeAll(t, dir, pair) },
			func(t *testing.T, dir string, pair KeyPair) { writeAll(t, dir, pair) }},
		{"renamed over", func(t *testing.T, dir string, pair KeyPair) { writeAll(t, dir, pair) },
			func(t *testing.T, dir string, pair KeyPair) {
				replace(t, dir, certFile, pair.Cert)
				replace(t, dir, keyFile, pair.Key)
				replace(t, dir, caFile, pair.CA)
			}},
		{"Secret swapped", func(t *testing.T, dir string, pair KeyPair) { mountSecret(t, dir, "2026_06_01_12_00_00.1", pair) },
			func(t *testing.T, dir string, pair KeyPair) {
				mountSecret(t, dir, "2026_06_01_12_00_01."+serialOf(t, pair), pair)
			}},
		{"written by Standalone", func(t *testing.T, dir string, pair KeyPair) { writeAll(t, dir, pair) },
			func(t *testing.T, dir string, pair KeyPair) {
				if err := writeKeyPair(dir, pair); err != nil {
					t.Fatal(err)
				}
			}},
		{"folder replaced", func(t *testing.T, dir string, pair KeyPair) { writeAll(t, dir, pair) },
			func(t *testing.T, dir string, pair KeyPair) {
				next := folderWith(t, pair)
				if err := os.Rename(dir, dir+".old."+serialOf(t, pair)); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(next, dir); err != nil {
					t.Fatal(err)
				}
			}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			oldCA, newCA := newTestAuthority(t, "CA"), newTestAuthority(t, "CA")
			pairs := []KeyPair{issue(t, oldCA, "localhost"), issue(t, oldCA, "localhost"), issue(t, newCA, "localhost")}
			dir := filepath.Join(t.TempDir(), "certificates")
			if err := os.Mkdir(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			tc.start(t, dir, pairs[0])
			told := newRecorder()
			source, err := NewFileSource(dir, told.hooks())
			if err != nil {
				t.Fatal(err)
			}
			runSource(t, source)
			roots := poolOf(t, oldCA.CertPEM(), newCA.CertPEM())
			stop := hammer(t, source, roots)

			for _, pair := range pairs[1:] { // the last one brings a new CA
				tc.change(t, dir, pair)
				want := serialOf(t, pair)
				if got := await(t, told.reloaded); got != want {
					t.Fatalf("told of serial %s, want %s", got, want)
				}
				state, err := handshake(t, source, clientConfig(poolOf(t, pair.CA), tls.VersionTLS13))
				if err != nil {
					t.Fatal(err)
				}
				if got := state.PeerCertificates[0].SerialNumber.Text(16); got != want {
					t.Errorf("served %s, want %s", got, want)
				}
				if !bytes.Equal(source.CABundle(), pair.CA) {
					t.Error("the CA bundle is not the new one")
				}
			}
			stop()
			select {
			case serial := <-told.reloaded:
				t.Errorf("told of another reload, serial %s", serial)
			default:
			}
		})
	}
}

func TestFileSourceKeepsTheOldPair(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	before, after, stranger := issue(t, a, "localhost"), issue(t, a, "localhost"), issue(t, newTestAuthority(t, "CA"), "localhost")
	dir := folderWith(t, before)
	told := newRecorder()
	source, err := NewFileSource(dir, told.hooks())
	if err != nil {
		t.Fatal(err)
	}
	runSource(t, source)
	stop := hammer(t, source, poolOf(t, a.CertPEM()))

	for _, step := range []struct {
		what   string
		change func()
		want   string
	}{
		{"the certificate without its key", func() { replace(t, dir, certFile, after.Cert) },
			"tls.key: tls: private key does not match public key: put the private key of the certificate in tls.crt there"},
		{"another CA", func() { writeAll(t, dir, KeyPair{Cert: before.Cert, Key: before.Key, CA: stranger.CA}) },
			"tls.crt: not signed by a CA in ca.crt"},
		{"an empty key", func() { writeAll(t, dir, KeyPair{Cert: before.Cert, CA: before.CA}) },
			"tls.key: tls: failed to find any PEM data"},
		{"a file removed", func() {
			if err := os.Remove(filepath.Join(dir, certFile)); err != nil {
				t.Fatal(err)
			}
		}, "stat tls.crt: no such file or directory: the folder needs tls.crt, tls.key and ca.crt"},
	} {
		step.change()
		// What was seen half-way may be told first.
		for {
			err := await(t, told.failed)
			wantText(t, err.Error(), `certificate folder "`+dir+`": `)
			if bytes.Contains([]byte(err.Error()), []byte(step.want)) {
				break
			}
		}
		if got, want := servedSerial(t, source), serialOf(t, before); got != want {
			t.Errorf("%s: served %s, want %s still", step.what, got, want)
		}
		if !bytes.Equal(source.CABundle(), before.CA) {
			t.Errorf("%s: the CA bundle is not the old one", step.what)
		}
	}

	writeAll(t, dir, after)
	for await(t, told.reloaded) != serialOf(t, after) {
		// The old pair may have been whole for a moment.
	}
	stop()
}

func TestNewFileSourceRefuses(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	good := issue(t, a, "localhost")
	file := filepath.Join(folderWith(t, good), certFile)
	for _, tc := range []struct {
		what   string
		change func(dir string) error
		want   []string
	}{
		{"no certificate", func(dir string) error { return os.Remove(filepath.Join(dir, certFile)) },
			[]string{"stat tls.crt: no such file or directory: the folder needs tls.crt, tls.key and ca.crt, readable for this process"}},
		{"no key", func(dir string) error { return os.Remove(filepath.Join(dir, keyFile)) }, []string{"stat tls.key: no such file"}},
		{"no CA", func(dir string) error { return os.Remove(filepath.Join(dir, caFile)) }, []string{"stat ca.crt: no such file"}},
		{"no folder", os.RemoveAll, []string{"stat tls.crt: no such file"}},
		{"a file for a folder", func(dir string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.Link(file, dir)
		}, []string{"stat tls.crt: not a directory"}},
		{"a folder for a file", func(dir string) error {
			if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(dir, keyFile), 0o750)
		}, []string{"tls.key: is not a regular file: the folder needs"}},
		{"a huge file", func(dir string) error { return os.Truncate(filepath.Join(dir, caFile), 2<<20) },
			[]string{"ca.crt: has 2097152 bytes, more than the 1048576 that are read"}},
		{"garbage", func(dir string) error { return os.WriteFile(filepath.Join(dir, certFile), []byte("hello"), 0o600) },
			[]string{"tls.crt: no PEM certificate found: put the server's certificate there"}},
		{"another key", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, keyFile), issue(t, a, "localhost").Key, 0o600)
		}, []string{"tls.key: tls: private key does not match public key: put the private key"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			dir := folderWith(t, good)
			if err := tc.change(dir); err != nil {
				t.Fatal(err)
			}
			source, err := NewFileSource(dir, SourceHooks{})
			wantError(t, err, append([]string{`certificate folder "` + dir + `": `}, tc.want...)...)
			if source != nil {
				t.Error("a source beside the error")
			}
		})
	}
	t.Run("no name", func(t *testing.T) {
		_, err := NewFileSource("", SourceHooks{})
		wantError(t, err, `certificate folder "": `)
	})
}

// Certificates that others made come with other keys, chains and comments.
func TestFileSourceServesForeignCertificates(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	caKey, subKey := testKey(t), testKey(t)
	ca := mint(t, caKey, nil, nil, asCA)
	sub := mint(t, subKey, ca, caKey, func(c *x509.Certificate) { asCA(c); c.Subject.CommonName = "intermediate" })
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "Ed25519": edKey} {
		t.Run(name, func(t *testing.T) {
			leaf := mint(t, key, sub, subKey, func(*x509.Certificate) {})
			bundle := encodeCertificate(ca.Raw)
			source, err := NewFileSource(folderWith(t, KeyPair{
				Cert: slices.Concat(encodeCertificate(leaf.Raw), encodeCertificate(sub.Raw)),
				Key:  keyPEM(t, key),
				CA:   slices.Concat([]byte("# our CA\n"), bundle),
			}), SourceHooks{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(bundle), string(source.CABundle())); diff != "" {
				t.Errorf("the CA bundle is more than certificates:\n%s", diff)
			}
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				if _, err := handshake(t, source, clientConfig(poolOf(t, bundle), version)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// The dates are the clients' business: an ended certificate is served, so that
// the process is up when its successor comes.
func TestFileSourceDoesNotJudgeDates(t *testing.T) {
	t.Parallel()
	a, err := NewAuthority("CA", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), day)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := a.Issue([]string{"localhost"}, time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), day)
	if err != nil {
		t.Fatal(err)
	}
	told := newRecorder()
	dir := folderWith(t, ended)
	source, err := NewFileSource(dir, told.hooks())
	if err != nil {
		t.Fatal(err)
	}
	_, err = handshake(t, source, clientConfig(poolOf(t, ended.CA), tls.VersionTLS13))
	wantError(t, err, "certificate has expired")

	runSource(t, source)
	writeAll(t, dir, issue(t, newTestAuthority(t, "CA"), "localhost"))
	await(t, told.reloaded)
	if _, err := handshake(t, source, clientConfig(poolOf(t, source.CABundle()), tls.VersionTLS13)); err != nil {
		t.Error(err)
	}
}

// One source, one set of hooks without functions, one that is never run.
func TestHooksMayBeEmpty(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	before, after := issue(t, a, "localhost"), issue(t, a, "localhost")
	dir := folderWith(t, before)
	source, err := NewFileSource(dir, SourceHooks{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, keyFile, nil)
	failed := source.reload(source.started, true)
	writeAll(t, dir, after)
	source.reload(failed, true)
	if got, want := servedSerial(t, source), serialOf(t, after); got != want {
		t.Errorf("served %s, want %s", got, want)
	}
}
