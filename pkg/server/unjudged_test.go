package server

import (
	"bufio"
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

// What cannot be judged is refused with the cure, or let through unchanged where
// the handler says so; either is counted and in the log.
func TestNotJudged(t *testing.T) {
	const maxBody = 16_000
	for _, letThrough := range []bool{false, true} {
		t.Run(fmt.Sprint("let through ", letThrough), func(t *testing.T) {
			r := start(t, func(s *setup) {
				s.maxBody, s.letThrough = maxBody, letThrough
				s.reviewer = faulty{s.reviewer}
			})
			type request struct {
				uid, body string
				code      int32
				reason    string
				want      string
			}
			requests := []request{
				{"large", review(t, "large", "") + strings.Repeat(" ", maxBody), 413, "RequestEntityTooLarge", "the body is larger than 16000 bytes: make the object smaller, or raise --max-body-bytes"},
				{"garbage", review(t, "garbage", "") + "}", 400, "BadRequest", "bad AdmissionReview: "},
				{"beta", strings.Replace(review(t, "beta", ""), "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1), 400, "BadRequest", "netmode speaks AdmissionReview of admission.k8s.io/v1"},
				{"fault", review(t, "fault", ""), 500, "InternalError", "netmode failed on this review; its log says why"},
				{"panic", review(t, "panic", ""), 500, "InternalError", "netmode failed on this review; its log says why"},
			}
			eachProtocol(t, func(t *testing.T, http2 bool) {
				client := r.client(t, http2)
				for _, tt := range requests {
					for name, body := range map[string]io.Reader{"sized": strings.NewReader(tt.body), "chunked": unsized{strings.NewReader(tt.body)}} {
						code, text := do(t, client, newRequest(t, http.MethodPost, r.url("/mutate/asked"), jsonType, body))
						answer := checkAnswer(t, code, text, tt.uid)
						if answer.Allowed != letThrough || len(answer.Patch) > 0 || len(answer.Warnings) > 0 {
							t.Errorf("%s, %s: %s", tt.uid, name, text)
						}
						if letThrough {
							if told := answer.AuditAnnotations["not-judged"]; !strings.HasPrefix(told, fmt.Sprint(tt.code, ": ")) || !strings.Contains(told, tt.want) {
								t.Errorf("%s, %s: %s", tt.uid, name, text)
							}
						} else if s := answer.Result; s == nil || s.Code != tt.code || string(s.Reason) != tt.reason || s.Status != "Failure" || !strings.Contains(s.Message, tt.want) {
							t.Errorf("%s, %s: %s", tt.uid, name, text)
						}
					}
				}
			})
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			records := r.log.records(t, "review not judged")
			if len(records) != 4*len(requests) {
				t.Fatalf("%d lines, want %d", len(records), 4*len(requests))
			}
			for i, record := range records {
				tt := requests[i/2%len(requests)]
				if record["uid"] != tt.uid || record["code"] != float64(tt.code) || record["allowed"] != letThrough || record["path"] != "/mutate/asked" ||
					!strings.Contains(fmt.Sprint(record["message"]), tt.want) || !strings.HasPrefix(fmt.Sprint(record["remote"]), "127.0.0.1:") {
					t.Errorf("log line %v, want %+v", record, tt)
				}
			}
			const counted = `
# HELP netmode_admission_reviews_not_judged_total AdmissionReviews answered without a look at their object, by status code and whether they were let through.
# TYPE netmode_admission_reviews_not_judged_total counter
netmode_admission_reviews_not_judged_total{allowed="%[1]t",code="400"} 8
netmode_admission_reviews_not_judged_total{allowed="%[1]t",code="413"} 4
netmode_admission_reviews_not_judged_total{allowed="%[1]t",code="500"} 8
`
			if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(fmt.Sprintf(counted, letThrough)),
				"netmode_admission_reviews_not_judged_total", "netmode_http_rejections_total"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A review that came in part is refused by its uid, not left without an answer.
func TestPartOfAReview(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, head, want string
		end              bool
		code             int32
	}{
		{"too slow", "Content-Length: 10000", "the body came too slowly", false, 408},
		{"ended", "Content-Length: 10000", "the body ended too soon", true, 400},
		{"too large, and nothing more comes", "Content-Length: 100000000000", "the body is larger than", false, 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(s *setup) { s.tune = func(s *Server) { s.webhook.ReadTimeout = short } })
			conn := r.dial(t)
			if _, err := io.WriteString(conn, postHeaders+tt.head+"\r\n\r\n"+review(t, "u", "")[:300]); err != nil {
				t.Fatal(err)
			}
			if tt.end {
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			text := readAll(t, response)
			if answer := checkAnswer(t, response.StatusCode, text, "u"); answer.Allowed || answer.Result.Code != tt.code || !strings.Contains(answer.Result.Message, tt.want) || !response.Close {
				t.Errorf("close %t: %s", response.Close, text)
			}
		})
	}
}

// faulty fails on what its uid says.
type faulty struct{ Reviewer }

func (f faulty) Review(ctx context.Context, body []byte) ([]byte, admission.Record, error) {
	switch {
	case strings.Contains(string(body), `"uid":"panic"`):
		panic("the reviewer broke") //nolint:forbidigo // what becomes of a panic is the test
	case strings.Contains(string(body), `"uid":"fault"`):
		return nil, admission.Record{UID: "fault"}, errors.New("no patch for you")
	}
	return f.Reviewer.Review(ctx, body)
}
