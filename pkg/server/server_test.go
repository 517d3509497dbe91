package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	kjson "sigs.k8s.io/json"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// lines is the log of a server.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// records parses the log and returns the lines with the message.
func (l *lines) records(t *testing.T, message string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var records []map[string]any
	for line := range strings.Lines(l.text.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("a line of the log is not JSON: %v: %s", err, line)
		}
		if record["msg"] == message {
			records = append(records, record)
		}
	}
	return records
}

// setup is what a test may change of the server that it starts.
type setup struct {
	Config
	reviewer   Reviewer
	limits     *Limits
	maxBody    int64
	letThrough bool
	logLevel   string
	// lines is how many lines that strangers cause are logged a second.
	lines int
	// tune changes the server before it runs.
	tune func(*Server)
}

// running is a server at work on two free ports.
type running struct {
	*Server
	metrics *metrics.Metrics
	log     *lines
	roots   *x509.CertPool
	bundle  []byte // what roots hold
	// cancel asks the server to stop, and stopped waits for it and returns
	// Run's error.
	cancel  context.CancelFunc
	stopped func() error
}

func start(t *testing.T, change func(*setup)) *running {
	t.Helper()
	source, err := certs.NewMemorySource([]string{"127.0.0.1", "localhost"}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := setup{
		Config: Config{
			Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0",
			DrainTimeout: patience,
			Certificates: source,
		},
		reviewer: &admission.Reviewer{Entry: api.EntryAsked, Settings: &engine.Settings{ExemptNamespaces: []string{"kube-system"}}, Snapshots: admission.FixedSnapshot{Of: engine.EmptySnapshot{}}},
		limits:   NewLimits(DefaultMaxBytes, DefaultMaxReviews()),
		maxBody:  DefaultMaxBody,
		logLevel: "info",
		lines:    1000,
	}
	if change != nil {
		change(&s)
	}
	r := &running{metrics: metrics.New(), log: &lines{}, roots: x509.NewCertPool(), bundle: source.CABundle()}
	r.roots.AppendCertsFromPEM(source.CABundle())
	logging := flags.Logging{Level: s.logLevel, Format: "json"}
	if s.Log, err = logging.New(r.log); err != nil {
		t.Fatal(err)
	}
	reviews := ReviewConfig{
		Reviewer: s.reviewer, Counters: r.metrics, Limits: s.limits, MaxBody: s.maxBody, LetThrough: s.letThrough, Log: s.Log,
	}
	handler, elsewhere := NewReviewHandler(reviews), NewElsewhere(reviews)
	handler.strangers.most, elsewhere.reviews.strangers.most = s.lines, s.lines
	s.Reviews, s.Elsewhere, s.Counters = map[string]http.Handler{"/mutate/asked": handler}, elsewhere, r.metrics
	s.Metrics = r.metrics.Handler()
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	if r.Server, err = Listen(ctx, s.Config); err != nil {
		t.Fatal(err)
	}
	if s.tune != nil {
		s.tune(r.Server)
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stopped = sync.OnceValue(func() error {
		select {
		case err := <-done:
			return err
		case <-time.After(2 * patience):
			return context.DeadlineExceeded
		}
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// stop drains the server: afterwards every line of its log is written.
func (r *running) stop() error {
	r.cancel()
	return r.stopped()
}

func (r *running) url(path string) string { return "https://" + r.Addr().String() + path }

func (r *running) opsURL(path string) string { return "http://" + r.OpsAddr().String() + path }

// client speaks HTTP/1.1 or HTTP/2 and nothing else.
func (r *running) client(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	var protocols http.Protocols
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	config := &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12}
	if !http2 {
		config.NextProtos = []string{"http/1.1"}
	}
	transport := &http.Transport{Protocols: &protocols, TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// dialTCP connects within the test's patience.
func dialTCP(t *testing.T, address string) (net.Conn, error) {
	t.Helper()
	return (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
}

// dial opens a connection for a test that writes its own HTTP/1.1.
func (r *running) dial(t *testing.T) *tls.Conn {
	t.Helper()
	conn, err := dialTCP(t, r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return tls.Client(conn, &tls.Config{RootCAs: r.roots, ServerName: "localhost", MinVersion: tls.VersionTLS12})
}

// eachProtocol runs a test over HTTP/1.1 and over HTTP/2.
func eachProtocol(t *testing.T, test func(t *testing.T, http2 bool)) {
	t.Helper()
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

func post(t *testing.T, client *http.Client, url, body string) (code int, text string) {
	t.Helper()
	return do(t, client, newRequest(t, http.MethodPost, url, "application/json", strings.NewReader(body)))
}

func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	return do(t, http.DefaultClient, newRequest(t, http.MethodGet, url, "", nil))
}

func newRequest(t *testing.T, method, url, contentType string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return request
}

func do(t *testing.T, client *http.Client, request *http.Request) (code int, text string) {
	t.Helper()
	code, text, err := try(client, request)
	if err != nil {
		t.Fatal(err)
	}
	return code, text
}

// try is for requests that may fail, and for goroutines.
func try(client *http.Client, request *http.Request) (code int, text string, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), errors.Join(err, response.Body.Close())
}

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("reading the answer: %v", err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return string(text)
}

// sentUID is that of the review in the fixture.
const sentUID = "4bf8553b-1195-4a83-95b4-70669756647f"

// review is a Pod's, of the uid and with the annotation, as an API server sends it.
func review(t testing.TB, uid, mode string) string {
	t.Helper()
	text, err := os.ReadFile("../admission/testdata/review-pod-replicaset.json")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(text), sentUID, uid, 1)
	if mode != "" {
		body = strings.Replace(body, `"metadata":{"generateName"`, `"metadata":{"annotations":{"netmode.io/mode":"`+mode+`"},"generateName"`, 1)
	}
	return body
}

// checkAnswer reads an answer of 200.
func checkAnswer(t *testing.T, code int, text, uid string) *admissionv1.AdmissionResponse {
	t.Helper()
	if code != http.StatusOK {
		t.Fatalf("status %d: %s", code, text)
	}
	var answer admissionv1.AdmissionReview
	strict, err := kjson.UnmarshalStrict([]byte(text), &answer)
	if err != nil || len(strict) > 0 || answer.Response == nil {
		t.Fatalf("answer %s: %v %v", text, err, strict)
	}
	if string(answer.Response.UID) != uid {
		t.Errorf("uid %q, want %q", answer.Response.UID, uid)
	}
	return answer.Response
}

func TestProtocols(t *testing.T) {
	r := start(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, http2 bool) {
				client := r.client(t, http2)
				config := client.Transport.(*http.Transport).TLSClientConfig //nolint:errcheck // made so two lines above
				config.MinVersion, config.MaxVersion = version, version
				response, err := client.Do(newRequest(t, http.MethodPost, r.url("/mutate/asked?timeout=3s"), "application/json", strings.NewReader(review(t, "u", "hostnetwork"))))
				if err != nil {
					t.Fatal(err)
				}
				resp := checkAnswer(t, response.StatusCode, readAll(t, response), "u")
				if !resp.Allowed || len(resp.Patch) == 0 {
					t.Errorf("response %+v, want a patch", resp)
				}
				major, protocol := 1, "http/1.1"
				if http2 {
					major, protocol = 2, "h2"
				}
				if response.ProtoMajor != major || response.TLS.NegotiatedProtocol != protocol || response.TLS.Version != version {
					t.Errorf("%s over %q, %s", response.Proto, response.TLS.NegotiatedProtocol, tls.VersionName(response.TLS.Version))
				}
				if got := response.Header.Get("Content-Type"); got != "application/json" {
					t.Errorf("Content-Type %q", got)
				}
			})
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	r := start(t, nil)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		config := &tls.Config{RootCAs: r.roots, MinVersion: version, MaxVersion: version}
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", r.Addr().String())
		if err == nil {
			t.Errorf("%s is accepted", tls.VersionName(version))
			_ = conn.Close()
		} else if !strings.Contains(err.Error(), "protocol version not supported") {
			t.Errorf("%s: %v, want that the version is not supported", tls.VersionName(version), err)
		}
	}
}

func TestPlainHTTPIsRefused(t *testing.T) {
	r := start(t, nil)
	if code, text := get(t, "http://"+r.Addr().String()+"/mutate/asked"); code != http.StatusBadRequest || !strings.Contains(text, "HTTP request to an HTTPS server") {
		t.Errorf("%d %q", code, text)
	}
}

func TestPaths(t *testing.T) {
	r := start(t, nil)
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		for _, path := range []string{"/", "/mutate", "/mutate/", "/mutate/x", "/Mutate/asked", "/validate", "/livez", "/readyz", "/metrics", "/debug/pprof/"} {
			code, text := post(t, client, r.url(path), review(t, "u", ""))
			want := "netmode is not asked at " + path + ": apply netmode's current webhook configuration"
			if answer := checkAnswer(t, code, text, "u"); answer.Allowed || answer.Result.Message != want || answer.Result.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %s", path, text)
			}
			if code, text := post(t, client, r.url(path), "{}"); code != http.StatusNotFound || text != "netmode serves nothing at "+path+"\n" {
				t.Errorf("%s without a uid: %d %q", path, code, text)
			}
			if code, text := do(t, client, newRequest(t, http.MethodGet, r.url(path), "", nil)); code != http.StatusNotFound {
				t.Errorf("GET %s: %d %q", path, code, text)
			}
		}
	})
}

func TestOpsPort(t *testing.T) {
	r := start(t, nil)
	if code, _ := post(t, r.client(t, false), r.url("/mutate/asked"), review(t, "u", "hostnetwork")); code != http.StatusOK {
		t.Fatal(code)
	}
	for _, tt := range []struct {
		path string
		code int
		want string
	}{
		{"/livez", 200, "ok\n"},
		{"/readyz", 200, "ok\n"},
		{"/metrics", 200, "netmode_admission_reviews_total{decision=\"patched\",entry=\"asked\",kind=\"Pod\",mode=\"hostnetwork\",operation=\"CREATE\"} 1\n"},
		{"/", 404, "not found"},
		{"/mutate/asked", 404, "not found"},
		{"/debug/pprof/", 404, "not found"},
	} {
		if code, text := get(t, r.opsURL(tt.path)); code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %q, want %d with %q", tt.path, code, text, tt.code, tt.want)
		}
	}
	if code, text := post(t, http.DefaultClient, r.opsURL("/livez"), "{}"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d %s", code, text)
	}
}

func TestPortTaken(t *testing.T) {
	r := start(t, nil)
	for _, tt := range []struct {
		name, want string
		config     Config
	}{
		{"webhook", "for AdmissionReviews: ", Config{Listen: r.Addr().String(), OpsListen: "127.0.0.1:0"}},
		{"ops", "for health and metrics: ", Config{Listen: "127.0.0.1:0", OpsListen: r.OpsAddr().String()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Listen(t.Context(), tt.config)
			address, flag := tt.config.Listen, "--listen"
			if tt.name == "ops" {
				address, flag = tt.config.OpsListen, "--ops-listen"
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range []string{"listen on " + address + " " + tt.want, "address already in use", "choose another address with " + flag} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
}

// One connection or many, over either protocol: every request gets the answer
// to its own review.
func TestAnswersAreNotMixedUp(t *testing.T) {
	r := start(t, nil)
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := range 25 {
					uid := strings.Repeat("abcdefgh"[worker:worker+1], i+1)
					mode := []string{"", "hostnetwork", "nonsense"}[(worker+i)%3]
					body := strings.NewReader(review(t, uid, mode))
					code, text, err := try(client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), "application/json", body))
					if err != nil || code != http.StatusOK || !strings.Contains(text, `"uid":"`+uid+`"`) || strings.Contains(text, `"patch"`) != (mode == "hostnetwork") {
						t.Errorf("uid %s: %v: %d %s", uid, err, code, text)
					}
				}
			})
		}
		group.Wait()
	})
}
