package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus/testutil"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"

	"github.com/netmode-io/netmode/certs"
)

const (
	secretsPath = "/api/v1/namespaces/netmode-system/secrets" //nolint:gosec // G101: a path
	mutatePath  = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/netmode"
)

// apiServer has as much of an API server as the command needs to do its work
// once: gets and writes, no lists and no watches. Shut, it forbids everything.
type apiServer struct {
	*testing.T

	mu      sync.Mutex
	shut    bool
	objects map[string][]byte // JSON, by path
	agents  map[string]bool
}

// newAPIServer has a webhook configuration and two Secrets without data, as the
// manifests bring them. It returns the path of its kubeconfig, too.
func newAPIServer(t *testing.T, shut bool) (api *apiServer, kubeconfig string) {
	t.Helper()
	hook := admissionv1.MutatingWebhook{Name: "asked.mutate.netmode.io"}
	hook.ClientConfig.Service = &admissionv1.ServiceReference{Namespace: "netmode-system", Name: "netmode-webhook"}
	configuration := &admissionv1.MutatingWebhookConfiguration{Webhooks: []admissionv1.MutatingWebhook{hook}}
	configuration.Name, configuration.ResourceVersion = "netmode", "1"
	configuration.APIVersion, configuration.Kind = admissionv1.SchemeGroupVersion.String(), "MutatingWebhookConfiguration"
	text, err := json.Marshal(configuration)
	if err != nil {
		t.Fatal(err)
	}
	api = &apiServer{T: t, shut: shut, objects: map[string][]byte{mutatePath: text}, agents: map[string]bool{}}
	for _, name := range []string{"netmode-webhook-tls", "netmode-webhook-tls-ca"} {
		api.objects[secretsPath+"/"+name] = fmt.Appendf(nil, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":%q,"namespace":"netmode-system","resourceVersion":"1"},"type":"Opaque"}`, name)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, writeKubeconfig(t, server.URL)
}

func (a *apiServer) open() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shut = false
}

func (a *apiServer) get(path string, into any) {
	a.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := json.Unmarshal(a.objects[path], into); err != nil {
		a.Fatalf("%s: %v", path, err)
	}
}

// seen are the user agents of the clients so far, which may still be asking.
func (a *apiServer) seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.agents))
}

// ServeHTTP implements http.Handler.
func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.agents[r.UserAgent()] = true
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Warning", `299 - "mind the gap"`)
	object, err := a.answer(r)
	if refused, ok := errors.AsType[*apierrors.StatusError](err); ok {
		w.WriteHeader(int(refused.ErrStatus.Code))
		object, err = json.Marshal(refused.ErrStatus)
	}
	if err != nil {
		a.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	_, _ = w.Write(object) // a client that is gone needs no answer
}

func (a *apiServer) answer(r *http.Request) ([]byte, error) {
	path := r.URL.Path
	named := schema.GroupResource{Resource: path}
	if a.shut || r.URL.Query().Has("fieldSelector") {
		return nil, apierrors.NewForbidden(named, "", errors.New("by the test"))
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	held, exists := a.objects[path]
	switch r.Method {
	case http.MethodGet:
		if !exists {
			return nil, apierrors.NewNotFound(named, "")
		}
		return held, nil
	case http.MethodPatch:
		patch, err := jsonpatch.DecodePatch(sent)
		if err != nil {
			return nil, err
		}
		if held, err = patch.Apply(held); err != nil {
			return nil, err
		}
	case http.MethodPut:
		object, kind, err := scheme.Codecs.UniversalDeserializer().Decode(sent, nil, nil)
		if err != nil {
			return nil, err
		}
		secret, ok := object.(*corev1.Secret)
		if !ok {
			return nil, fmt.Errorf("unexpected %s", kind)
		}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		if held, err = json.Marshal(runtime.Object(secret)); err != nil {
			return nil, err
		}
		path = secretsPath + "/" + secret.Name
	default:
		return nil, fmt.Errorf("unexpected method")
	}
	a.objects[path] = held
	return held, nil
}

// until waits for an answer with the code, and returns it.
func until(t *testing.T, url string, want int) (text string) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		code, text := get(t, url)
		if code == want {
			return text
		}
		select {
		case <-deadline:
			t.Fatalf("%s: still %d %q", url, code, text)
		case <-again.C:
		}
	}
}

// metric is a value of /metrics.
func metric(t *testing.T, w *webhook, name string) string {
	t.Helper()
	_, text := get(t, "http://"+w.ops+"/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in:\n%s", name, text)
	}
	return found[1]
}

// TestCertificates: not ready, and telling why, as long as the API server
// refuses; then certificates in order, ready, and a clean end.
func TestCertificates(t *testing.T) {
	t.Parallel()
	api, kubeconfig := newAPIServer(t, true)
	w := start(t, "keeping certificates", "certificates", "--kubeconfig="+kubeconfig, "--ops-listen=127.0.0.1:0", "--log-level=10")
	ops := "http://" + w.ops
	if line := w.line(t, "certificates not in order"); !strings.Contains(fmt.Sprint(line["error"]), "read Secret netmode-system/netmode-webhook-tls: ") ||
		!strings.Contains(fmt.Sprint(line["error"]), "allow it in the Role or ClusterRole of this ServiceAccount") {
		t.Errorf("log line %v", line)
	}
	if line := w.early(t, "the API server warns"); line["warning"] != "mind the gap" {
		t.Errorf("log line %v", line)
	}
	if code, text := get(t, ops+"/livez"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("livez: %d %q", code, text)
	}
	if code, text := get(t, ops+"/readyz"); code != http.StatusServiceUnavailable || text != "not ready: starting, or the certificates are not in order; the log says why\n" {
		t.Errorf("readyz: %d %q", code, text)
	}
	if inOrder, begun := metric(t, w, "netmode_certificates_in_order"), metric(t, w, `netmode_certificates_steps_total{step="begin"}`); inOrder != "0" || begun != "0" {
		t.Errorf("in order %s, begun %s times", inOrder, begun)
	}

	api.open()
	if text := until(t, ops+"/readyz", http.StatusOK); text != "ok\n" {
		t.Errorf("readyz: %q", text)
	}
	var serving, authority corev1.Secret
	var configuration admissionv1.MutatingWebhookConfiguration
	api.get(secretsPath+"/netmode-webhook-tls", &serving)
	api.get(secretsPath+"/netmode-webhook-tls-ca", &authority)
	api.get(mutatePath, &configuration)
	pair := certs.KeyPair{Cert: serving.Data["tls.crt"], Key: serving.Data["tls.key"], CA: configuration.Webhooks[0].ClientConfig.CABundle}
	if needs, reason := certs.NeedsRenewal(pair, []string{"netmode-webhook.netmode-system.svc"}, time.Now()); needs {
		t.Error(reason)
	}
	if serving.Type != corev1.SecretTypeOpaque || len(serving.Data["ca.key"]) > 0 || len(authority.Data["ca.key"]) == 0 {
		t.Errorf("type %s; the CA's key must be in the one Secret alone", serving.Type)
	}
	if agents := api.seen(); len(agents) != 1 || !strings.HasPrefix(agents[0], "netmode-webhook-certificates/") {
		t.Errorf("user agents %q", agents)
	}

	for name, want := range map[string]string{
		"netmode_certificates_in_order":                    "1",
		`netmode_certificates_steps_total{step="begin"}`:   "1",
		`netmode_certificates_steps_total{step="promote"}`: "0",
	} {
		if got := metric(t, w, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if failures := metric(t, w, "netmode_certificates_failures_total"); failures == "0" {
		t.Error("no failures were counted")
	}
	w.terminate(t)
	for _, line := range w.log.lines {
		if strings.Contains(fmt.Sprint(line["msg"]), "Body") {
			t.Errorf("the log tells what was sent, Secrets and all: %v", line)
		}
	}
}

// TestCertificatesWithoutAPIServer: an API server that is away is waited for,
// and keeps nothing from ending.
func TestCertificatesWithoutAPIServer(t *testing.T) {
	t.Parallel()
	w := start(t, "keeping certificates", "certificates", "--kubeconfig="+noAPIServer(t), "--ops-listen=127.0.0.1:0")
	if line := w.line(t, "certificates not in order"); !strings.Contains(fmt.Sprint(line["error"]), "connection refused") {
		t.Errorf("log line %v", line)
	}
	if code, _ := get(t, "http://"+w.ops+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", code)
	}
	w.terminate(t)
	for _, line := range w.log.lines {
		if line["level"] == nil {
			t.Errorf("line %q is not the program's", line["msg"])
		}
	}
}

func TestCertificatesMetricsLint(t *testing.T) {
	t.Parallel()
	m := newCertificatesMetrics()
	hooks := m.hooks()
	hooks.Stepped(certs.StepBegin)
	hooks.Failed(errors.New("x"))
	hooks.InOrder(time.Unix(1_800_000_000, 0), time.Unix(1_900_000_000, 0))
	if err := testutil.GatherAndCompare(m, strings.NewReader(`
# HELP netmode_certificates_failures_total Rounds that ended with an error and are tried again; the log says why.
# TYPE netmode_certificates_failures_total counter
netmode_certificates_failures_total 1
# HELP netmode_certificates_in_order 1 if the last round ended without an error, else 0.
# TYPE netmode_certificates_in_order gauge
netmode_certificates_in_order 1
# HELP netmode_certificates_not_after_timestamp_seconds When the certificate expires, in seconds since the epoch: leaf is the one to serve, ca the one that signs.
# TYPE netmode_certificates_not_after_timestamp_seconds gauge
netmode_certificates_not_after_timestamp_seconds{certificate="ca"} 1.9e+09
netmode_certificates_not_after_timestamp_seconds{certificate="leaf"} 1.8e+09
`), "netmode_certificates_failures_total", "netmode_certificates_in_order", "netmode_certificates_not_after_timestamp_seconds"); err != nil {
		t.Error(err)
	}
	own := []string{"netmode_certificates_steps_total", "netmode_certificates_failures_total", "netmode_certificates_in_order",
		"netmode_certificates_not_after_timestamp_seconds", "netmode_build_info"}
	if n, err := testutil.GatherAndCount(m, own...); err != nil || n != len(certs.Steps())+5 {
		t.Errorf("%d series, %v", n, err)
	}
	problems, err := testutil.GatherAndLint(m, own...)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// What client-go logs is a line of the program's log. Not parallel: klog has one
// logger for the process.
func TestRouteKlog(t *testing.T) {
	var lines []string
	routeKlog(funcr.New(func(prefix, args string) { lines = append(lines, prefix+" "+args) }, funcr.Options{Verbosity: 10}))
	t.Cleanup(klog.ClearLogger)
	klog.InfoS("plain", "key", "value")
	klog.Background().Info("contextual")
	klog.Background().V(1).Info("unwanted")
	if want := []string{`client-go "level"=0 "msg"="plain" "key"="value"`, `client-go "level"=0 "msg"="contextual"`}; !slices.Equal(lines, want) {
		t.Errorf("lines %q, want %q", lines, want)
	}
}
