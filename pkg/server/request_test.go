package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/netmode-io/netmode/pkg/admission"
)

const jsonType = "application/json"

func TestRejectedRequests(t *testing.T) {
	const maxBody = 8_000
	r := start(t, func(s *setup) { s.maxBody = maxBody })
	pod := review(t, "u", "hostnetwork")
	type request struct {
		name, method, contentType, body string
		code                            int
		want                            string
	}
	requests := []request{
		{"GET", http.MethodGet, "", "", 405, "GET is not spoken here: POST an AdmissionReview"},
		{"PUT", http.MethodPut, jsonType, pod, 405, "PUT is not spoken here: POST an AdmissionReview"},
		{"DELETE", http.MethodDelete, "", "", 405, "DELETE is not spoken here: POST an AdmissionReview"},
		{"OPTIONS", http.MethodOptions, jsonType, "", 405, "OPTIONS is not spoken here: POST an AdmissionReview"},
		{"no content type", http.MethodPost, "", pod, 415, `Content-Type "": send application/json`},
		{"YAML", http.MethodPost, "application/yaml", pod, 415, `Content-Type "application/yaml": send application/json`},
		{"no JSON at all", http.MethodPost, "application/json-patch+json", pod, 415, `Content-Type "application/json-patch+json": send application/json`},
		{"bad content type", http.MethodPost, "application/json; charset", pod, 415, `Content-Type "application/json; charset": send application/json`},
		{"empty", http.MethodPost, jsonType, "", 400, "the body is empty: POST an AdmissionReview"},
		{"blank", http.MethodPost, jsonType, " \r\n\t", 400, "the body is empty: POST an AdmissionReview"},
		{"not JSON", http.MethodPost, jsonType, "kind: AdmissionReview", 400, "bad AdmissionReview: "},
		{"no uid", http.MethodPost, jsonType, strings.Replace(pod, `"uid":`, `"was":`, 1), 400, "bad AdmissionReview: "},
		{"a uid of 257 bytes", http.MethodPost, jsonType, strings.Replace(pod, `"u"`, `"`+strings.Repeat("u", 257)+`"`, 1) + "}", 400, "bad AdmissionReview: "},
		{"too large", http.MethodPost, jsonType, strings.Repeat(" ", 2*maxBody), 413, "the body is larger than 8000 bytes: make the object smaller, or raise --max-body-bytes of netmode-webhook"},
	}
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		for _, tt := range requests {
			t.Run(tt.name, func(t *testing.T) {
				response, err := client.Do(newRequest(t, tt.method, r.url("/mutate/asked"), tt.contentType, strings.NewReader(tt.body)))
				if err != nil {
					t.Fatal(err)
				}
				text := readAll(t, response)
				if response.StatusCode != tt.code || !strings.Contains(text, tt.want) {
					t.Errorf("%d %q, want %d with %q", response.StatusCode, text, tt.code, tt.want)
				}
				allow := ""
				if tt.code == 405 {
					allow = "POST"
				}
				if got := response.Header.Get("Allow"); got != allow {
					t.Errorf("Allow: %q, want %q", got, allow)
				}
				if got := response.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
					t.Errorf("Content-Type %q", got)
				}
			})
		}
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var logged []string
	for _, record := range r.log.records(t, "rejected") {
		logged = append(logged, fmt.Sprintf("%v %v", record["code"], record["message"]))
		if record["level"] != "info" || !strings.HasPrefix(fmt.Sprint(record["remote"]), "127.0.0.1:") {
			t.Errorf("log line %v", record)
		}
	}
	if len(logged) != 2*len(requests) {
		t.Fatalf("%d log lines for %d requests", len(logged), 2*len(requests))
	}
	for i, line := range logged {
		if tt := requests[i%len(requests)]; !strings.HasPrefix(line, fmt.Sprintf("%d ", tt.code)) || !strings.Contains(line, tt.want) {
			t.Errorf("%s is logged as %q", tt.name, line)
		}
	}
	const counted = `
# HELP netmode_http_rejections_total Requests that held no AdmissionReview to answer, by HTTP status code.
# TYPE netmode_http_rejections_total counter
netmode_http_rejections_total{code="400"} 10
netmode_http_rejections_total{code="405"} 8
netmode_http_rejections_total{code="413"} 2
netmode_http_rejections_total{code="415"} 8
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(counted), "netmode_http_rejections_total", "netmode_admission_reviews_total"); err != nil {
		t.Error(err)
	}
}

func TestAcceptedContentTypes(t *testing.T) {
	r := start(t, nil)
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"} {
			code, text := do(t, client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), contentType, strings.NewReader(review(t, "u", ""))))
			checkAnswer(t, code, text, "u")
		}
	})
}

// unsized hides how long a body is, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestBodyOfTheLargestSize(t *testing.T) {
	pod := review(t, "u", "hostnetwork")
	r := start(t, func(s *setup) { s.maxBody = int64(len(pod)) })
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		for _, extra := range []string{"", " "} {
			for name, body := range map[string]io.Reader{"sized": strings.NewReader(pod + extra), "chunked": unsized{strings.NewReader(pod + extra)}} {
				code, text := do(t, client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, body))
				if extra == "" {
					checkAnswer(t, code, text, "u")
				} else if answer := checkAnswer(t, code, text, "u"); answer.Allowed || answer.Result.Code != http.StatusRequestEntityTooLarge {
					t.Errorf("%s, one byte too many: %d %s", name, code, text)
				}
			}
		}
	})
}

// A review larger than any buffer that is kept is answered as every other.
func TestLargeBody(t *testing.T) {
	r := start(t, nil)
	pod := review(t, "u", "hostnetwork") + strings.Repeat(" ", 2*keepBuffer)
	eachProtocol(t, func(t *testing.T, http2 bool) {
		client := r.client(t, http2)
		for range 3 {
			code, text := post(t, client, r.url("/mutate/asked"), pod)
			checkAnswer(t, code, text, "u")
			code, text = post(t, client, r.url("/mutate/asked"), review(t, "v", ""))
			checkAnswer(t, code, text, "v")
		}
	})
}

// Nothing of a body that says it is too large is asked for, or waited for.
func TestTooLargeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	for _, maxBody := range []int64{1_000, DefaultMaxBody} {
		r := start(t, func(s *setup) { s.maxBody = maxBody })
		for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
			conn := r.dial(t)
			if _, err := fmt.Fprintf(conn, "POST /mutate/asked HTTP/1.1\r\nHost: netmode\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n", maxBody+1, expect); err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(conn)
			wantTooLarge(t, reader)
			if maxBody < DefaultMaxBody {
				continue // the server still takes what fits its buffers
			}
			if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("behind the answer: %v, want the end", err)
			}
		}
	}
}

// A body that does not say how large it is is read up to the limit. The rest is
// not waited for, and a client that goes on is cut off.
func TestTooLargeChunksAreNotReadToTheEnd(t *testing.T) {
	r := start(t, func(s *setup) { s.maxBody = 1_000 })
	conn := r.dial(t)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1_001, strings.Repeat(" ", 1_001))
	if _, err := io.WriteString(conn, "POST /mutate/asked HTTP/1.1\r\nHost: netmode\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	wantTooLarge(t, reader)
	const farMore = 64 << 20 // than all the buffers between client and server
	for sent := 0; ; sent += len(chunk) {
		if _, err := io.WriteString(conn, chunk); err != nil {
			return
		}
		if sent > farMore {
			t.Fatalf("%d bytes were taken behind the limit", sent)
		}
	}
}

// wantTooLarge reads an answer of 413 while the body is still owed.
func wantTooLarge(t *testing.T, reader *bufio.Reader) {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := readAll(t, response); response.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(text, "the body is larger than") || !response.Close {
		t.Errorf("%d %q, close %t, want 413 and the end of the connection", response.StatusCode, text, response.Close)
	}
}

// The same over HTTP/2, where the stream ends and not the server.
func TestTooLargeBodyOverHTTP2(t *testing.T) {
	r := start(t, func(s *setup) { s.maxBody = 1_000 })
	client := r.client(t, true)
	for _, size := range []int64{1_001, -1} {
		owed, owing := io.Pipe()
		request := newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, owed)
		request.ContentLength = size
		if size < 0 {
			go func() { _, _ = owing.Write(bytes.Repeat([]byte(" "), 1_001)) }()
		}
		if code, text := do(t, client, request); code != http.StatusRequestEntityTooLarge {
			t.Errorf("length %d: %d %s", size, code, text)
		}
		_ = owing.Close()
		code, text := post(t, client, r.url("/mutate/asked"), "{}")
		if code != http.StatusBadRequest {
			t.Errorf("the next request: %d %s", code, text)
		}
	}
}

func TestBodyThatEndsTooSoon(t *testing.T) {
	r := start(t, nil)
	for _, tt := range []struct{ name, request, want string }{
		{"sized", "Content-Length: 100\r\n\r\n{", "the body ended too soon"},
		{"chunked", "Transfer-Encoding: chunked\r\n\r\n5\r\n{", "the body ended too soon"},
		{"bad chunk", "Transfer-Encoding: chunked\r\n\r\nfive\r\n{", "the body could not be read: invalid byte in chunk length"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := r.dial(t)
			if _, err := io.WriteString(conn, "POST /mutate/asked HTTP/1.1\r\nHost: netmode\r\nContent-Type: application/json\r\n"+tt.request); err != nil {
				t.Fatal(err)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text := readAll(t, response); response.StatusCode != http.StatusBadRequest || !strings.Contains(text, tt.want) {
				t.Errorf("%d %q, want 400 with %q", response.StatusCode, text, tt.want)
			}
		})
	}
}

func TestFaultOfTheReviewer(t *testing.T) {
	r := start(t, func(s *setup) {
		s.reviewer = reviewerFunc(func([]byte) ([]byte, admission.Record, error) {
			return nil, admission.Record{UID: "u", Kind: "Pod", Namespace: "a", Name: "b"}, errors.New("no patch for you")
		})
	})
	eachProtocol(t, func(t *testing.T, http2 bool) {
		code, text := post(t, r.client(t, http2), r.url("/mutate/asked"), "{}")
		if code != http.StatusInternalServerError || text != "netmode failed on this review; its log says why\n" {
			t.Errorf("%d %q", code, text)
		}
	})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	records := r.log.records(t, "review failed")
	if len(records) != 2 {
		t.Fatalf("%d log lines, want 2", len(records))
	}
	for key, want := range map[string]string{"level": "error", "error": "no patch for you", "uid": "u", "kind": "Pod", "namespace": "a", "name": "b"} {
		if records[0][key] != want {
			t.Errorf("log line %v: %s is not %q", records[0], key, want)
		}
	}
	const counted = `
# HELP netmode_http_rejections_total Requests that held no AdmissionReview to answer, by HTTP status code.
# TYPE netmode_http_rejections_total counter
netmode_http_rejections_total{code="500"} 2
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(counted), "netmode_http_rejections_total", "netmode_admission_reviews_total"); err != nil {
		t.Error(err)
	}
}

// reviewerFunc is a reviewer with a fault.
type reviewerFunc func(body []byte) ([]byte, admission.Record, error)

func (f reviewerFunc) Review(_ context.Context, body []byte) ([]byte, admission.Record, error) {
	return f(body)
}
