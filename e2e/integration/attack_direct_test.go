package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

const (
	// What one review may cost the webhook, and how large its answer may be.
	mostOverIdle = 48 << 20
	mostAnswer   = 32 << 10
)

// reviewOf is an AdmissionReview of a Pod that is created.
func reviewOf(uid, name, metadata, spec string) string {
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"` + uid + `","kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"default","name":"` + name +
		`","operation":"CREATE","object":{"metadata":{"name":"p"` + metadata + `},"spec":{` + spec + `}}}}`
}

// directAttacks are sent to the webhook itself, as a neighbour could. Each is larger than an API
// server lets through, or as large.
func directAttacks() []struct{ name, review string } {
	const (
		host  = `,"annotations":{"netmode.io/mode":"hostnetwork"}`
		peers = `,"annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":"s"`
	)
	list := func(n int, item string) string { return joined(n, func(int) string { return item }) }
	long := strings.Repeat("x", 8<<20)
	return []struct{ name, review string }{
		{"80,000 hostPort mismatches", reviewOf("u", "p", host, `"containers":[{"name":"c","ports":[`+list(80_000, `{"hostPort":1,"containerPort":2}`)+`]}]`)},
		{"400,000 net. sysctls", reviewOf("u", "p", host, `"securityContext":{"sysctls":[`+list(400_000, `{"name":"net.a"}`)+`]}`)},
		{"300,000 times istio-proxy", reviewOf("u", "p", host, `"containers":[`+list(300_000, `{"name":"istio-proxy"}`)+`]`)},
		{"2.7 million containers", reviewOf("u", "p", host, `"containers":[`+list(2_700_000, `{}`)+`]`)},
		{"60,000 distinct ports", reviewOf("u", "p", host, `"containers":[{"ports":[`+joined(60_000, func(i int) string { return fmt.Sprintf(`{"containerPort":%d}`, i+1) })+`]}]`)},
		{"150,000 searches", reviewOf("u", "p", peers+`}`, `"hostname":"h","dnsConfig":{"searches":[`+joined(150_000, func(i int) string { return fmt.Sprintf(`"s%d.example"`, i) })+`]}`)},
		{"20,000 nameservers", reviewOf("u", "p", peers+`}`, `"hostname":"h","dnsConfig":{"nameservers":[`+joined(20_000, func(i int) string { return fmt.Sprintf(`"10.0.%d.%d"`, i>>8, i&255) })+`]}`)},
		{"post-start in 20,000 containers", reviewOf("u", "p", peers+`,"netmode.io/search-rewrite":"post-start"}`, `"hostname":"h","containers":[`+list(20_000, `{"name":"c"}`)+`]`)},
		{"350,000 unknown annotations", reviewOf("u", "p", `,"annotations":{`+joined(350_000, func(i int) string { return fmt.Sprintf(`"netmode.io/%d":""`, i) })+`}`, ``)},
		{"a uid of 8 MB", reviewOf(long, "p", host, ``)},
		{"a name of 8 MB", reviewOf("u", long, host, ``)},
		{"a value of 8 MB", reviewOf("u", "p", `,"annotations":{"netmode.io/mode":"`+long+`"}`, ``)},
		{"a body of 17 MB", reviewOf("u", "p", host, `"x":"`+long+long+long[:1<<20]+`"`)},
	}
}

// TestDirectAttacks prints what each costs the webhook, and holds its memory and answer to bounds.
func TestDirectAttacks(t *testing.T) {
	client := shared.neighbour(t)
	pid := shared.webhook.cmd.Process.Pid
	t.Logf("%-34s %9s %9s %10s %9s  %s", "attack", "body", "CPU", "memory", "answer", "what it says")
	for _, a := range directAttacks() {
		idle := resident(t, pid, "VmRSS")
		resetPeak(t, pid)
		before := cpuOf(t, pid)
		code, text := post(t, client, a.review)
		grown := max(0, resident(t, pid, "VmHWM")-idle)
		t.Logf("%-34s %6d kB %6d ms %6d MiB %7d B  %d %s", a.name, len(a.review)>>10, (cpuOf(t, pid) - before).Milliseconds(), grown>>20, len(text), code, outcomeOf(text))
		if grown > mostOverIdle || len(text) > mostAnswer {
			t.Errorf("%s: %d MiB more than idle, and an answer of %d bytes", a.name, grown>>20, len(text))
		}
	}
}

// TestFlood: sixty reviews of 320 kB at a time keep nobody from the webhook, and each has an
// answer, be it that there is no room.
func TestFlood(t *testing.T) {
	client := shared.neighbour(t)
	large := reviewOf("u", "p", `,"annotations":{"netmode.io/mode":"hostnetwork"}`, `"containers":[{"name":"c","ports":[`+
		joined(6000, func(i int) string { return fmt.Sprintf(`{"name":"p%d","containerPort":%d,"protocol":"TCP"}`, i, i+1) })+`]}]`)
	ns := shared.namespace(t, nil)
	small := []byte(`{"metadata":{"name":"small","annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`)
	var flood sync.WaitGroup
	slowest := make([]time.Duration, 60)
	for i := range slowest {
		flood.Go(func() {
			for range 5 {
				began := time.Now()
				code, text := post(t, client, large)
				slowest[i] = max(slowest[i], time.Since(began))
				if code != http.StatusOK || !strings.Contains(text, `"allowed":false`) {
					t.Errorf("a large review: %d %.200s", code, text)
				}
			}
		})
	}
	longest := time.Duration(0)
	for range 10 {
		began := time.Now()
		if a := shared.post(t.Context(), ns, "pods", small, dryRun); a.err != nil {
			t.Errorf("a small pod: %v", a.err)
		}
		longest = max(longest, time.Since(began))
	}
	flood.Wait()
	worst := time.Duration(0)
	for _, s := range slowest {
		worst = max(worst, s)
	}
	t.Logf("60 reviews of %d kB at a time: the slowest of 300 had its answer after %s; of 10 small pods beside them, after %s",
		len(large)>>10, worst.Round(time.Millisecond), longest.Round(time.Millisecond))
}

// TestHeldStreams: sixty requests on one connection promise 8 MiB each, send the half, and wait. The
// webhook holds no more of them than it has room for, answers the rest that there is none, and
// ends those that wait.
func TestHeldStreams(t *testing.T) {
	client := shared.neighbour(t)
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("a %T", client.Transport)
	}
	transport.ForceAttemptHTTP2 = true
	const promised, sent = 8 << 20, 4 << 20
	pid := shared.webhook.cmd.Process.Pid
	turnedAway := func() float64 {
		text, err := fetch(t.Context(), "http://"+shared.webhook.started.Ops+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		n, err := sum(text, "netmode_turned_away_total", "cause=")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	idle, before := resident(t, pid, "VmRSS"), turnedAway()
	resetPeak(t, pid)
	head := []byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","object":{"x":"`)
	var holding sync.WaitGroup
	answers := make(chan string, 60)
	for range 60 {
		holding.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			reader, writer := io.Pipe()
			go func() {
				_, err := writer.Write(head)
				for n := 0; err == nil && n < sent; n += 64 << 10 {
					_, err = writer.Write(bytes.Repeat([]byte("x"), 64<<10))
				}
				<-ctx.Done()
				_ = writer.CloseWithError(ctx.Err())
			}()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+shared.webhook.started.Listen+api.EntryAsked.Path(), reader)
			if err != nil {
				answers <- err.Error()
				return
			}
			request.Header.Set("Content-Type", "application/json")
			request.ContentLength = promised
			response, err := client.Do(request)
			if err != nil {
				answers <- "cut off"
				return
			}
			body, _ := io.ReadAll(response.Body) // what was cut off is counted as it is
			_ = response.Body.Close()
			answers <- fmt.Sprintf("%d %s", response.StatusCode, outcomeOf(string(body)))
		})
	}
	holding.Wait()
	close(answers)
	counted := map[string]int{}
	for a := range answers {
		counted[a]++
	}
	grown := max(0, resident(t, pid, "VmHWM")-idle)
	t.Logf("60 streams that hold 4 of 8 MiB each: %d MiB more than idle, %g turned away, answers %v", grown>>20, turnedAway()-before, counted)
	if grown > 2*mostOverIdle || turnedAway() == before {
		t.Errorf("%d MiB more than idle, and %g turned away", grown>>20, turnedAway()-before)
	}
	small := []byte(`{"metadata":{"name":"small","annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`)
	if a := shared.post(t.Context(), shared.namespace(t, nil), "pods", small, dryRun); a.err != nil {
		t.Errorf("a small pod: %v", a.err)
	}
}

// neighbour is somebody who trusts the webhook's certificate and reaches its port.
func (w *world) neighbour(t *testing.T) *http.Client {
	t.Helper()
	c, err := w.chain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.bundle)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: serverName, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func post(t *testing.T, client *http.Client, review string) (code int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost,
		"https://"+shared.webhook.started.Listen+api.EntryAsked.Path(), strings.NewReader(review))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(body)
}

// outcomeOf is what an answer says, in short.
func outcomeOf(text string) string {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(text), &review); err != nil || review.Response == nil {
		return fmt.Sprintf("%.80s", strings.TrimSpace(text))
	}
	r := review.Response
	if r.Allowed || r.Result == nil {
		return fmt.Sprintf("allowed, with a patch of %d bytes and %d warnings", len(r.Patch), len(r.Warnings))
	}
	if found := reasonCode.FindStringSubmatch(r.Result.Message); found != nil {
		return "refused (" + found[1] + ")"
	}
	return fmt.Sprintf("refused: %.80s", r.Result.Message)
}

var statusLine = regexp.MustCompile(`(?m)^(\w+):\s+(\d+) kB$`)

// resident is a line of /proc/<pid>/status, in bytes.
func resident(t *testing.T, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range statusLine.FindAllSubmatch(text, -1) {
		if bytes.Equal(line[1], []byte(name)) {
			kilobytes, err := strconv.Atoi(string(line[2]))
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("no %s in\n%s", name, text)
	return 0
}

// resetPeak has VmHWM count anew (proc(5), clear_refs).
func resetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}
