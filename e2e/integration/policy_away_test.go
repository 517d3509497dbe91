package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// proxy passes connections on to an address, until it is cut.
type proxy struct {
	listener net.Listener
	to       string

	mu   sync.Mutex
	open []net.Conn
	gone bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, to: to}
	t.Cleanup(p.cut)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // it was cut
			}
			go p.pass(from)
		}
	}()
	return p
}

func (p *proxy) pass(from net.Conn) {
	to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.to)
	if err != nil || !p.keep(from, to) {
		_ = from.Close()
		return
	}
	go func() { _, _ = io.Copy(to, from) }()
	_, _ = io.Copy(from, to)
	_, _ = from.Close(), to.Close()
}

// keep notes connections to cut; it is false after the cut.
func (p *proxy) keep(connections ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, connections...)
	return !p.gone
}

// cut ends all connections and takes no more.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	_ = p.listener.Close()
	for _, c := range p.open {
		_ = c.Close()
	}
}

// through is a kubeconfig that reaches the API server by way of the proxy.
func (w *world) through(t *testing.T, p *proxy) string {
	t.Helper()
	path, err := w.kubeconfig(t.Context(), "netmode-webhook")
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cluster := range config.Clusters {
		cluster.Server = "https://" + p.listener.Addr().String()
	}
	path = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAPIServerAway: cut off from the API server, a webhook stays ready and decides from its
// cache, policies included, and a gauge tells how old the cache is.
func TestAPIServerAway(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "modes", `{allowedModes: [headless]}`)
	server, err := url.Parse(shared.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := newProxy(t, server.Host)
	webhook, err := shared.serve(t.Context(), shared.through(t, proxy), "127.0.0.1:0", shared.usual...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := webhook.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := shared.poll(t.Context(), "not ready", webhook.ready); err != nil {
		t.Fatalf("%v\n%s", err, webhook.log)
	}
	refuses := func() error {
		response, err := webhook.ask(t.Context(), p.name, string(toJSON(t, testWorkload{"Deployment", p.name}.manifest("{netmode.io/mode: hostnetwork}", "{}", ""))))
		if err != nil {
			return err
		}
		if want := "policy " + name + " allows headless"; response.Allowed || !strings.Contains(response.Result.Message, want) {
			return fmt.Errorf("got %+v, want a refusal: %s", response, want)
		}
		return nil
	}
	if err := refuses(); err != nil {
		t.Fatal(err)
	}

	proxy.cut()
	// Whatever the API server says now, this webhook does not hear.
	cutAt := cacheAge(t.Context(), t, webhook)
	if err := shared.poll(t.Context(), "the cache does not age", func(ctx context.Context) error {
		if age := cacheAge(ctx, t, webhook); age < cutAt+2 {
			return fmt.Errorf("%g s, and %g s before", age, cutAt)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(webhook.ready(t.Context()), refuses()); err != nil {
		t.Errorf("cut off: %v", err)
	}
}

func cacheAge(ctx context.Context, t *testing.T, webhook *process) float64 {
	t.Helper()
	text, err := fetch(ctx, "http://"+webhook.started.Ops+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "netmode_cache_age_seconds "); ok {
			age, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return age
		}
	}
	t.Fatalf("no netmode_cache_age_seconds in\n%s", text)
	return 0
}

// ask posts the review of a new Deployment to the webhook, as an API server would.
func (p *process) ask(ctx context.Context, namespace, deployment string) (*admissionv1.AdmissionResponse, error) {
	ca, err := os.ReadFile(filepath.Join(shared.mount.dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "netmode-webhook." + system + ".svc", MinVersion: tls.VersionTLS13},
		DisableKeepAlives: true,
	}}
	review := fmt.Sprintf(`{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "1",
		"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "CREATE", "namespace": %q, "object": %s}}`, namespace, deployment)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.started.Listen+"/mutate/workloads", bytes.NewReader([]byte(review)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Response == nil {
		return nil, fmt.Errorf("no response: %s", response.Status)
	}
	return answer.Response, nil
}
