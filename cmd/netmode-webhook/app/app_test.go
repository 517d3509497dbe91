package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// asProgram in the environment makes this test binary netmode-webhook itself.
const asProgram = "NETMODE_WEBHOOK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program is the command line of netmode-webhook in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // G204: it is this test binary
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// webhook is netmode-webhook at work.
type webhook struct {
	cmd *exec.Cmd
	// listen and ops are its two addresses.
	listen, ops string
	log         log
}

// log is what a process has written so far, line by line.
type log struct {
	mu    sync.Mutex
	more  *sync.Cond
	lines []map[string]any
	ended bool
	// read counts the lines that next has returned.
	read int
}

// follow reads to the end.
func (l *log) follow(from io.Reader) {
	for scanner := bufio.NewScanner(from); scanner.Scan(); {
		line := map[string]any{}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			line["msg"] = scanner.Text()
		}
		l.mu.Lock()
		l.lines = append(l.lines, line)
		l.mu.Unlock()
		l.more.Broadcast()
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.more.Broadcast()
}

// next waits for a line with the message, behind those that it has passed; ""
// waits for the end.
func (l *log) next(message string) (line map[string]any, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.read < len(l.lines) {
			line = l.lines[l.read]
			l.read++
			if message != "" && line["msg"] == message {
				return line, true
			}
		}
		if l.ended {
			return nil, false
		}
		l.more.Wait()
	}
}

// serve starts netmode-webhook and waits until it serves.
func serve(t *testing.T, args ...string) *webhook {
	t.Helper()
	return start(t, "serving", args...)
}

// start starts netmode-webhook and waits for the line of the log that has the
// addresses.
func start(t *testing.T, message string, args ...string) *webhook {
	t.Helper()
	w := &webhook{cmd: program(t, args...)}
	w.log.more = sync.NewCond(&w.log.mu)
	stderr, err := w.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	go w.log.follow(stderr)
	started := w.line(t, message)
	w.listen, _ = started["listen"].(string)
	w.ops, _ = started["ops"].(string)
	return w
}

// line waits for a line of the log with the message.
func (w *webhook) line(t *testing.T, message string) map[string]any {
	t.Helper()
	line, found := w.log.next(message)
	if !found {
		t.Fatalf("the log ended without %q: %v", message, w.log.lines)
	}
	return line
}

// early returns the line with the message that was written before it served.
func (w *webhook) early(t *testing.T, message string) map[string]any {
	t.Helper()
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	for _, line := range w.log.lines {
		if line["msg"] == message {
			return line
		}
	}
	t.Fatalf("no %q in the log: %v", message, w.log.lines)
	return nil
}

// terminate sends SIGTERM, after which the program must end cleanly.
func (w *webhook) terminate(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.line(t, "stopped")
	w.log.next("")
	_ = w.cmd.Wait() // the exit code says it all
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d after SIGTERM", code)
	}
}

// client trusts the CA.
func client(t *testing.T, ca []byte) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("no certificate in %q", ca)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// ask posts a review and returns the response in the answer, over a new
// connection.
func (w *webhook) ask(ctx context.Context, c *http.Client, body []byte) (*admissionv1.AdmissionResponse, error) {
	return w.askAt(ctx, "/mutate/asked", c, body)
}

func (w *webhook) askAt(ctx context.Context, path string, c *http.Client, body []byte) (*admissionv1.AdmissionResponse, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+w.listen+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	return answer.Response, nil
}

func get(t *testing.T, url string) (code int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// review is a Pod's with the annotations, as an API server sends it.
func review(t *testing.T, annotations string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../../pkg/admission/testdata/review-pod-replicaset.json")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(text, []byte(`"metadata":{"generateName"`), []byte(`"metadata":{"annotations":{`+annotations+`},"generateName"`), 1)
}

// run runs netmode-webhook to its end.
func run(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	cmd := program(t, args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code says it all
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}
