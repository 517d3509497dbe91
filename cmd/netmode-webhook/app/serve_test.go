package app

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netmode-io/netmode/certs"
)

const hostNetwork = `"netmode.io/mode":"hostnetwork"`

func TestStandaloneServes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "certificates")
	w := serve(t, "--standalone", "--listen=127.0.0.1:0", "--cert-dir="+folder)
	ca, err := os.ReadFile(filepath.Clean(filepath.Join(folder, "ca.crt")))
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.ask(t.Context(), client(t, ca), review(t, hostNetwork))
	if err != nil || !response.Allowed || !strings.Contains(string(response.Patch), "/spec/hostNetwork") {
		t.Errorf("%v: %+v", err, response)
	}
	if line := w.line(t, "review"); line["decision"] != "patched" {
		t.Errorf("log line %v", line)
	}
	if code, text := get(t, "http://"+w.ops+"/readyz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("readyz: %d %q", code, text)
	}
	_, metrics := get(t, "http://"+w.ops+"/metrics")
	for _, want := range []string{`decision="patched"`, `netmode_cluster_dns_info{hash="`, `known="false"} 1`, "netmode_certificate_not_after_timestamp_seconds "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	w.terminate(t)

	// The next start keeps the CA.
	w = serve(t, "--standalone", "--listen=127.0.0.1:0", "--cert-dir="+folder)
	if response, err := w.ask(t.Context(), client(t, ca), review(t, "")); err != nil || !response.Allowed {
		t.Errorf("%v: %+v", err, response)
	}
	w.terminate(t)
}

func TestStandaloneInMemory(t *testing.T) {
	t.Parallel()
	w := serve(t, "--standalone", "--listen=localhost:0")
	bundle, _ := w.early(t, "certificate made in memory")["caBundle"].(string)
	ca, err := base64.StdEncoding.DecodeString(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := w.ask(t.Context(), client(t, ca), review(t, `"netmode.io/mode":"hostnet"`)); err != nil || response.Allowed || response.Result.Code != http.StatusUnprocessableEntity {
		t.Errorf("%v: %+v", err, response)
	}
	w.terminate(t)
}

// In a cluster the folder is a mounted Secret and resolv.conf the pod's own.
func TestServesAsInACluster(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := newAuthority(t)
	writeKeyPair(t, folder, issue(t, authority))
	resolvConf := filepath.Join(folder, "resolv.conf")
	write(t, resolvConf, []byte("search netmode-system.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n"))
	w := serve(t, "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--cert-dir="+folder, "--resolv-conf="+resolvConf, "--kubeconfig="+noAPIServer(t),
		"--shutdown-delay=0s", "--log-level=debug")
	serving := w.early(t, "serving")
	if serving["clusterDomain"] != "cluster.local" || serving["factsHash"] == "" {
		t.Errorf("log line %v", serving)
	}
	pod := review(t, `"netmode.io/mode":"statefulset-headless","netmode.io/service":"peers"`)
	pod = []byte(strings.Replace(string(pod), `"generateName":"d1-78c56bf446-"`, `"name":"app-0"`, 1))
	response, err := w.ask(t.Context(), client(t, authority.CertPEM()), pod)
	if err != nil || !strings.Contains(string(response.Patch), `"peers.default.svc.cluster.local","default.svc.cluster.local","svc.cluster.local","cluster.local"`) {
		t.Errorf("%v: %+v", err, response)
	}
	if line := w.line(t, "patch"); !strings.Contains(fmt.Sprint(line["patch"]), "10.96.0.10") {
		t.Errorf("log line %v", line)
	}
	if code, text := get(t, "http://"+w.ops+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "Services, Namespaces and policies are not read yet") {
		t.Errorf("readyz without an API server: %d %q", code, text)
	}
	w.terminate(t)
}

// What cannot be judged is refused, but let through at the policy entry and while
// observing; an old configuration's path is nobody's.
func TestNotJudged(t *testing.T) {
	t.Parallel()
	for _, observe := range []bool{false, true} {
		folder := t.TempDir()
		w := serve(t, "--standalone", "--listen=127.0.0.1:0", "--cert-dir="+folder, fmt.Sprintf("--observe-only=%t", observe))
		ca, err := os.ReadFile(filepath.Clean(filepath.Join(folder, "ca.crt")))
		if err != nil {
			t.Fatal(err)
		}
		for path, allowed := range map[string]bool{
			"/mutate/asked": false, "/mutate/namespace": false, "/mutate/policy": true, "/mutate/workloads": false, "/mutate": false, "/validate": false,
		} {
			response, err := w.askAt(t.Context(), path, client(t, ca), append(review(t, hostNetwork), '}'))
			if err != nil || response.Allowed != (allowed || observe) || len(response.Patch) > 0 {
				t.Errorf("observe %t, %s: %v: %+v", observe, path, err, response)
			}
		}
		w.terminate(t)
	}
}

// The Secret that the folder mounts comes empty, and is filled a moment later.
func TestFirstCertificateIsWaitedFor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := newAuthority(t)
	pair := issue(t, authority)
	w := start(t, "waiting for the first certificate", "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0", "--cert-dir="+folder, "--resolv-conf=",
		"--kubeconfig="+noAPIServer(t), "--shutdown-delay=0s")
	writeKeyPair(t, folder, pair)
	serving := w.line(t, "serving")
	w.listen, _ = serving["listen"].(string)
	if _, err := w.ask(t.Context(), client(t, authority.CertPEM()), review(t, "")); err != nil {
		t.Error(err)
	}
	w.terminate(t)
}

// Who sends reviews must show a certificate, where a CA is named.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := newAuthority(t)
	pair := issue(t, authority) // fit for servers only
	writeKeyPair(t, folder, pair)
	w := serve(t, "--standalone", "--listen=127.0.0.1:0", "--cert-dir="+folder, "--client-ca-file="+filepath.Join(folder, "ca.crt"), "--client-name=kube-apiserver")
	if _, err := w.ask(t.Context(), client(t, authority.CertPEM()), review(t, "")); err == nil {
		t.Error("a client without a certificate is answered")
	}
	if code, text := get(t, "http://"+w.ops+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d %q", code, text)
	}
	w.terminate(t)
}

// A resolv.conf that is not a cluster's pod's is told, and is no failure.
func TestForeignResolvConf(t *testing.T) {
	t.Parallel()
	resolvConf := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, resolvConf, []byte("search home.example\nnameserver 192.168.1.1\n"))
	w := serve(t, "--standalone", "--listen=127.0.0.1:0", "--resolv-conf="+resolvConf)
	if line := w.early(t, "cluster DNS"); !strings.Contains(fmt.Sprint(line["note"]), resolvConf+" says nothing about the cluster's DNS") {
		t.Errorf("log line %v", line)
	}
	w.terminate(t)
}

// While the files change, every client gets its answer, and soon from the new
// certificate.
func TestCertificateRotation(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := newAuthority(t)
	before, after := issue(t, authority), issue(t, authority)
	writeKeyPair(t, folder, before)
	w := serve(t, "--standalone", "--listen=127.0.0.1:0", "--cert-dir="+folder)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	body := review(t, hostNetwork)
	var started, clients sync.WaitGroup
	started.Add(4)
	for range 4 {
		c := client(t, authority.CertPEM())
		var serial *big.Int
		c.Transport.(*http.Transport).TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error { //nolint:errcheck // client makes it so
			serial = state.PeerCertificates[0].SerialNumber
			return nil
		}
		clients.Go(func() {
			for asked := 0; ; asked++ {
				response, err := w.ask(ctx, c, body)
				if err != nil || !response.Allowed || len(response.Patch) == 0 {
					t.Errorf("after %d answers: %v: %+v", asked, err, response)
				}
				if asked == 0 {
					started.Done()
				}
				if t.Failed() || serial.Cmp(serialOf(t, after)) == 0 {
					return
				}
				if serial.Cmp(serialOf(t, before)) != 0 {
					t.Errorf("serial %x is of neither certificate", serial)
				}
			}
		})
	}
	started.Wait()
	writeKeyPair(t, folder, after)
	clients.Wait()
	if line := w.line(t, "certificate loaded"); line["serial"] != serialOf(t, after).Text(16) {
		t.Errorf("log line %v", line)
	}

	// Files that do not belong together change nothing, and are told.
	write(t, filepath.Join(folder, "tls.key"), before.Key)
	if line := w.line(t, "certificate not loaded, the one before stays"); !strings.Contains(fmt.Sprint(line["error"]), "tls.key") {
		t.Errorf("log line %v", line)
	}
	if _, err := w.ask(ctx, client(t, authority.CertPEM()), body); err != nil {
		t.Error(err)
	}
	_, metrics := get(t, "http://"+w.ops+"/metrics")
	if !strings.Contains(metrics, `netmode_certificate_reloads_total{result="failure"} `) {
		t.Error("the failure is not counted")
	}
	w.terminate(t)
}

func newAuthority(t *testing.T) *certs.Authority {
	t.Helper()
	authority, err := certs.NewAuthority("test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func issue(t *testing.T, authority *certs.Authority) certs.KeyPair {
	t.Helper()
	pair, err := authority.Issue([]string{"127.0.0.1"}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func serialOf(t *testing.T, issued certs.KeyPair) *big.Int {
	t.Helper()
	pair, err := tls.X509KeyPair(issued.Cert, issued.Key)
	if err != nil {
		t.Error(err)
		return new(big.Int)
	}
	return pair.Leaf.SerialNumber
}

func writeKeyPair(t *testing.T, folder string, pair certs.KeyPair) {
	t.Helper()
	write(t, filepath.Join(folder, "ca.crt"), pair.CA)
	write(t, filepath.Join(folder, "tls.key"), pair.Key)
	write(t, filepath.Join(folder, "tls.crt"), pair.Cert)
}

// noAPIServer is a kubeconfig of an API server that is away.
func noAPIServer(t *testing.T) string {
	t.Helper()
	return writeKubeconfig(t, "https://127.0.0.1:1")
}

func writeKubeconfig(t *testing.T, server string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kubeconfig")
	write(t, path, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":%q}}],`+
		`"users":[{"name":"c","user":{"token":"t"}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}]}`, server))
	return path
}

// write puts the file in place whole.
func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
