package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func standalone(t *testing.T, dir string, now time.Time, names ...string) Source {
	t.Helper()
	source, err := Standalone(dir, names, now, SourceHooks{})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// standaloneKeyPair makes a pair as Standalone does.
func standaloneKeyPair(t *testing.T, names ...string) KeyPair {
	t.Helper()
	a := newTestAuthority(t, standaloneAuthority)
	pair, err := a.Issue(slices.Concat([]string{"localhost", "127.0.0.1", "::1"}, names), testNow, 365*day)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func readAll(t *testing.T, dir string) KeyPair {
	t.Helper()
	pair, err := readKeyPair(dir)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestStandaloneServes(t *testing.T) {
	t.Parallel()
	for what, dir := range map[string]string{"memory": "", "folder": filepath.Join(t.TempDir(), "a", "b")} {
		t.Run(what, func(t *testing.T) {
			source := standalone(t, dir, testNow, "webhook.example.com", "10.1.2.3")
			cert, err := source.GetCertificate(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"localhost", "127.0.0.1", "::1", "webhook.example.com", "10.1.2.3"} {
				client := clientConfig(poolOf(t, source.CABundle()), tls.VersionTLS13)
				client.ServerName = name
				if _, err := handshake(t, source, client); err != nil {
					t.Errorf("as %s: %v", name, err)
				}
			}
			if want := testNow.Add(365 * day); !cert.Leaf.NotAfter.Equal(want) {
				t.Errorf("ends at %s, want %s", cert.Leaf.NotAfter, want)
			}
			runSource(t, source)
		})
	}
}

func TestStandaloneRefusesNames(t *testing.T) {
	t.Parallel()
	for what, dir := range map[string]string{"memory": "", "folder": t.TempDir()} {
		t.Run(what, func(t *testing.T) {
			source, err := Standalone(dir, []string{"a b"}, testNow, SourceHooks{})
			wantError(t, err, `certificate name "a b": neither an IP address nor a DNS name`)
			if source != nil {
				t.Error("a source beside the error")
			}
			if dir != "" {
				if diff := cmp.Diff(map[string]string{}, contents(t, dir)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestStandaloneFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	standalone(t, dir, testNow)

	modes := map[string]fs.FileMode{}
	for name := range contents(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = info.Mode()
	}
	// Three files and no more: the CA's private key is in none of them.
	if diff := cmp.Diff(map[string]fs.FileMode{certFile: 0o644, keyFile: 0o600, caFile: 0o644}, modes); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o700 != 0o700 || info.Mode().Perm()&0o022 != 0 {
		t.Errorf("the folder's mode is %s", info.Mode())
	}
	s := mustParse(t, readAll(t, dir)) // the key is the leaf's, or this fails
	if s.leaf().IsCA || s.cas[0].Subject.CommonName != standaloneAuthority {
		t.Errorf("leaf is CA: %t, CA is %s", s.leaf().IsCA, s.cas[0].Subject)
	}
}

func TestStandaloneKeeps(t *testing.T) {
	t.Parallel()
	foreignCA := newTestAuthority(t, memoryAuthority)
	foreign := issue(t, foreignCA, "localhost", "webhook.example.com")
	for _, tc := range []struct {
		what  string
		pair  KeyPair
		names []string
		now   time.Time
	}{
		{"its own", standaloneKeyPair(t, "webhook.example.com"), []string{"webhook.example.com"}, testNow},
		{"its own, with more names", standaloneKeyPair(t, "webhook.example.com"), nil, testNow},
		{"its own, not yet due", standaloneKeyPair(t), nil, testNow.Add(240 * day)},
		{"somebody's", foreign, []string{"webhook.example.com"}, testNow},
		{"somebody's, due", foreign, []string{"webhook.example.com"}, testNow.Add(89 * day)},
		{"somebody's, without our names", issue(t, foreignCA, "webhook.example.com"), nil, testNow},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			dir := folderWith(t, tc.pair)
			before := contents(t, dir)
			source := standalone(t, dir, tc.now, tc.names...)
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Error(diff)
			}
			if got, want := servedSerial(t, source), serialOf(t, tc.pair); got != want {
				t.Errorf("served %s, want %s", got, want)
			}
		})
	}
}

func TestStandaloneReplacesItsOwn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what  string
		names []string
		now   time.Time
	}{
		{"past two thirds of its life", nil, testNow.Add(244 * day)},
		{"expired", nil, testNow.Add(400 * day)},
		{"made by a clock that was ahead", nil, testNow.Add(-day)},
		{"without a name", []string{"webhook.example.com"}, testNow},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			old := standaloneKeyPair(t)
			dir := folderWith(t, old)
			source := standalone(t, dir, tc.now, tc.names...)
			if servedSerial(t, source) == serialOf(t, old) {
				t.Fatal("the old certificate is served")
			}
			found := readAll(t, dir)
			if bytes.Equal(found.CA, old.CA) || bytes.Equal(found.Key, old.Key) {
				t.Error("CA or key are the old ones")
			}
			if needs, reason := NeedsRenewal(found, slices.Concat([]string{"localhost"}, tc.names), tc.now); needs {
				t.Error(reason)
			}
			if len(contents(t, dir)) != 3 {
				t.Errorf("left behind: %v", contents(t, dir))
			}
		})
	}
}

func TestStandaloneRefusesFiles(t *testing.T) {
	t.Parallel()
	own, foreign := standaloneKeyPair(t), issue(t, newTestAuthority(t, "CA"), "webhook.example.com")
	caKey, key := testKey(t), testKey(t)
	alike := mint(t, caKey, nil, nil, func(c *x509.Certificate) { asCA(c); c.Subject.CommonName = standaloneAuthority })
	alikeLeaf := mint(t, key, alike, caKey, func(*x509.Certificate) {})
	const cure = "mend it, or move tls.crt, tls.key and ca.crt away to have a new set made"
	only := func(pair KeyPair, names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			data := map[string][]byte{certFile: pair.Cert, keyFile: pair.Key, caFile: pair.CA}
			for _, name := range names {
				write(t, dir, name, data[name])
			}
		}
	}
	all := func(pair KeyPair) func(*testing.T, string) { return only(pair, certFile, keyFile, caFile) }
	for _, tc := range []struct {
		what  string
		fill  func(*testing.T, string)
		names []string
		now   time.Time
		want  []string
	}{
		{"certificate alone", only(own, certFile), nil, testNow, []string{"tls.crt without tls.key, ca.crt: add what is missing, or move tls.crt away to have a new set made"}},
		{"key alone", only(own, keyFile), nil, testNow, []string{"tls.key without tls.crt, ca.crt: "}},
		{"CA alone", only(own, caFile), nil, testNow, []string{"ca.crt without tls.crt, tls.key: "}},
		{"no CA", only(own, certFile, keyFile), nil, testNow, []string{"tls.crt, tls.key without ca.crt: add what is missing, or move tls.crt, tls.key away"}},
		{"no key", only(own, certFile, caFile), nil, testNow, []string{"tls.crt, ca.crt without tls.key: "}},
		{"no certificate", only(own, keyFile, caFile), nil, testNow, []string{"tls.key, ca.crt without tls.crt: "}},
		{"symlinks that lead nowhere", func(t *testing.T, dir string) {
			for _, name := range []string{certFile, keyFile, caFile} {
				if err := os.Symlink("/nowhere/"+name, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}, nil, testNow, []string{"stat tls.crt: no such file or directory: the folder needs"}},
		{"a folder for a file", func(t *testing.T, dir string) {
			only(own, certFile, caFile)(t, dir)
			if err := os.Mkdir(filepath.Join(dir, keyFile), 0o750); err != nil {
				t.Fatal(err)
			}
		}, nil, testNow, []string{"tls.key: is not a regular file: the folder needs"}},
		{"own certificate, garbled", all(KeyPair{Cert: own.Cert[:99], Key: own.Key, CA: own.CA}), nil, testNow, []string{"tls.crt: only 0 of 1 PEM blocks can be read", cure}},
		{"own certificate with somebody's key", all(KeyPair{Cert: own.Cert, Key: foreign.Key, CA: own.CA}), nil, testNow, []string{"tls.key: tls: private key does not match public key", cure}},
		{"own certificate with somebody's CA", all(KeyPair{Cert: own.Cert, Key: own.Key, CA: foreign.CA}), nil, testNow, []string{"tls.crt: not signed by a CA in ca.crt", cure}},
		{"own certificate, somebody's CA added, expired", all(KeyPair{Cert: own.Cert, Key: own.Key, CA: slices.Concat(own.CA, foreign.CA)}), nil, testNow.Add(400 * day),
			[]string{"tls.crt: expired at ", "netmode did not make it and leaves it alone: " + cure}},
		{"somebody's, expired", all(foreign), nil, testNow.Add(91 * day), []string{"tls.crt: expired at 2026-08-30T12:00:00Z; netmode did not make it and leaves it alone: " + cure}},
		{"somebody's, without the name", all(foreign), []string{"api.example.com"}, testNow, []string{`tls.crt: does not name "api.example.com"; netmode did not make it`, cure}},
		{"somebody's CA of our CA's common name", all(KeyPair{Cert: encodeCertificate(alikeLeaf.Raw), Key: keyPEM(t, key), CA: encodeCertificate(alike.Raw)}),
			nil, testNow.Add(400 * day), []string{"tls.crt: expired at ", "netmode did not make it"}},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.fill(t, dir)
			before := contents(t, dir)
			source, err := Standalone(dir, tc.names, tc.now, SourceHooks{})
			wantError(t, err, append([]string{`certificate folder "` + dir + `": `}, tc.want...)...)
			if source != nil {
				t.Error("a source beside the error")
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("the files were touched:\n%s", diff)
			}
		})
	}
}

func TestStandaloneRefusesFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(folderWith(t, standaloneKeyPair(t)), certFile)
	_, err := Standalone(file, nil, testNow, SourceHooks{})
	wantError(t, err, `certificate folder "`+file+`": mkdir `, "not a directory: give a folder that can be made, or none to keep the certificate in memory")

	_, _, err = listKeyPair(file)
	wantError(t, err, "not a directory: make the folder readable for this process")
}

// A folder that cannot be locked is fine as long as nothing is written.
func TestStandaloneWithoutLock(t *testing.T) {
	t.Parallel()
	noLock := func(string) (func(), error) { return nil, errors.ErrUnsupported }
	own := folderWith(t, standaloneKeyPair(t))
	if _, err := standaloneFolder(own, nil, nil, testNow, SourceHooks{}, noLock); err != nil {
		t.Errorf("nothing to write, and refused: %v", err)
	}
	empty := t.TempDir()
	_, err := standaloneFolder(empty, nil, []string{"localhost"}, testNow, SourceHooks{}, noLock)
	wantError(t, err, `certificate folder "`+empty+`": cannot be locked: unsupported operation: give a folder on a local disk, or none to keep the certificate in memory`)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Error("the cause is not wrapped")
	}
	if len(contents(t, empty)) > 0 {
		t.Errorf("written all the same: %v", contents(t, empty))
	}

	_, err = lockFolder(filepath.Join(empty, "missing"))
	wantError(t, err, "no such file or directory")
}

func TestWriteTrioRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, certFile, "full"), 0o750); err != nil {
		t.Fatal(err)
	}
	err := writeKeyPair(dir, standaloneKeyPair(t))
	wantError(t, err, "rename ", filepath.Join(dir, certFile), "move tls.crt, tls.key and ca.crt away and start again")
	// Of the temporary files, none stays.
	for name := range contents(t, dir) {
		if name[0] == '.' {
			t.Errorf("left behind: %s", name)
		}
	}
	err = writeKeyPair(filepath.Join(dir, "missing"), standaloneKeyPair(t))
	wantError(t, err, "ca.crt: open ", "no such file or directory: make the folder writable for this process, or give another")
}

func TestStandaloneAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		what  string
		fill  func(*testing.T, string)
		names func(n int) []string
		same  bool
	}{
		{"empty folder", func(*testing.T, string) {}, func(int) []string { return nil }, true},
		{"no folder yet", func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
		}, func(int) []string { return nil }, true},
		{"due", func(t *testing.T, dir string) { writeAll(t, dir, standaloneKeyPair(t)) }, func(int) []string { return nil }, true},
		// Each call replaces what lacks its name: all succeed, the last one's files stay.
		{"different names", func(*testing.T, string) {}, func(n int) []string { return []string{"n" + strconv.Itoa(n) + ".example.com"} }, false},
	} {
		t.Run(tc.what, func(t *testing.T) {
			t.Parallel()
			dir, now := t.TempDir(), testNow.Add(300*day)
			tc.fill(t, dir)
			const calls = 8
			var (
				begin   = make(chan struct{})
				running sync.WaitGroup
				serials [calls]string
			)
			for n := range calls {
				running.Go(func() {
					<-begin
					source, err := Standalone(dir, tc.names(n), now, SourceHooks{})
					if err != nil {
						t.Errorf("call %d: %v", n, err)
						return
					}
					serials[n] = servedSerial(t, source)
				})
			}
			close(begin)
			running.Wait()

			found := readAll(t, dir)
			if needs, reason := NeedsRenewal(found, []string{"localhost"}, now); needs {
				t.Errorf("the folder holds no sound pair: %s", reason)
			}
			if len(contents(t, dir)) != 3 {
				t.Errorf("left behind: %v", contents(t, dir))
			}
			if !slices.Contains(serials[:], serialOf(t, found)) {
				t.Error("nobody serves what the folder holds")
			}
			if tc.same && len(slices.Compact(slices.Sorted(slices.Values(serials[:])))) != 1 {
				t.Errorf("different certificates are served: %v", serials)
			}
		})
	}
}
