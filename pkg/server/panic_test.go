package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/netmode-io/netmode/pkg/admission"
)

// breakable panics where the body says so, waits where it says so, and reviews
// everything else.
type breakable struct {
	Reviewer
	entered, release chan struct{}
}

func (b breakable) Review(ctx context.Context, body []byte) ([]byte, admission.Record, error) {
	switch {
	case bytes.Contains(body, []byte(`"uid":"panic"`)):
		panic("the reviewer broke") //nolint:forbidigo // what becomes of a panic is the test
	case bytes.Contains(body, []byte(`"uid":"wait"`)):
		b.entered <- struct{}{}
		<-b.release
	}
	return b.Reviewer.Review(ctx, body)
}

func withBreakable(s *setup) breakable {
	b := breakable{Reviewer: s.reviewer, entered: make(chan struct{}), release: make(chan struct{})}
	s.reviewer = b
	return b
}

type outcome struct {
	code int
	text string
	err  error
}

// send posts in the background what a breakable reviewer waits with.
func (r *running) send(t *testing.T, client *http.Client, mode string) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	request := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "wait", mode)))
	go func() {
		code, text, err := try(client, request)
		done <- outcome{code, text, err}
	}()
	return done
}

func TestPanicHurtsOneRequest(t *testing.T) {
	eachProtocol(t, func(t *testing.T, http2 bool) {
		var b breakable
		r := start(t, func(s *setup) { b = withBreakable(s) })
		client := r.client(t, http2)

		inFlight := r.send(t, client, "hostnetwork")
		<-b.entered
		code, text := post(t, client, r.url("/mutate/asked"), review(t, "panic", "hostnetwork"))
		if answer := checkAnswer(t, code, text, "panic"); answer.Allowed || answer.Result.Code != http.StatusInternalServerError ||
			answer.Result.Message != "netmode failed on this review; its log says why" {
			t.Errorf("%s, want a refusal with code 500", text)
		}

		next := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, strings.NewReader(review(t, "next", "hostnetwork")))
		reused := false
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
		code, text = do(t, client, next.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		checkAnswer(t, code, text, "next")
		if !reused {
			t.Error("the panic closed its connection")
		}
		code, text = post(t, r.client(t, http2), r.url("/mutate/asked"), review(t, "new", "hostnetwork"))
		checkAnswer(t, code, text, "new")

		close(b.release)
		other := <-inFlight
		if other.err != nil {
			t.Fatal(other.err)
		}
		checkAnswer(t, other.code, other.text, "wait")
		checkPanicIsTold(t, r)
	})
}

func checkPanicIsTold(t *testing.T, r *running) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	records := r.log.records(t, "request failed")
	if len(records) != 1 {
		t.Fatalf("%d log lines, want 1", len(records))
	}
	record := records[0]
	if stack := fmt.Sprint(record["stack"]); !strings.Contains(stack, "breakable.Review") {
		t.Errorf("stack %v does not show where it broke", record["stack"])
	}
	if record["level"] != "error" || record["error"] != "panic: the reviewer broke" || record["remote"] == "" {
		t.Errorf("log line %v", record)
	}
	const counted = `
# HELP netmode_panics_total Requests that ended in a panic.
# TYPE netmode_panics_total counter
netmode_panics_total 1
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(counted), "netmode_panics_total"); err != nil {
		t.Error(err)
	}
}
