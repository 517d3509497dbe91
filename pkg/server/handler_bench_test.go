package server

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// discarded takes an answer and drops it.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkReviewHandler is all that a request costs behind net/http, its line in
// a log file included.
func BenchmarkReviewHandler(b *testing.B) {
	for name, body := range map[string]string{"plain": review(b, sentUID, ""), "hostnetwork": review(b, sentUID, "hostnetwork")} {
		b.Run(name, func(b *testing.B) {
			out, err := os.Create(filepath.Join(b.TempDir(), "log"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = out.Close() }()
			log, _, stop, err := flags.NewLogging().NewBuffered(out)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = stop() }()
			handler := NewReviewHandler(ReviewConfig{
				Reviewer: &admission.Reviewer{Entry: api.EntryAsked, Settings: &engine.Settings{}, Snapshots: admission.FixedSnapshot{Of: engine.EmptySnapshot{}}},
				Counters: metrics.New(), Limits: NewLimits(DefaultMaxBytes, 64), MaxBody: DefaultMaxBody, Log: log,
			})
			request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/mutate/asked", http.NoBody)
			request.Header.Set("Content-Type", "application/json")
			request.ContentLength = int64(len(body))
			reader := bytes.NewReader(nil)
			w := &discarded{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset([]byte(body))
				request.Body = io.NopCloser(reader)
				handler.ServeHTTP(w, request)
			}
		})
	}
}
