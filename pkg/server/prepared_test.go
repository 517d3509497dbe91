package server

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netmode-io/netmode/certs"
)

// A webhook that has not read what decisions need takes requests, and says that
// it is not ready for them.
func TestReadyOnlyWhenPrepared(t *testing.T) {
	var prepared atomic.Bool
	r := start(t, func(s *setup) { s.Prepared = prepared.Load })
	ready := func() (int, string) {
		response, err := http.DefaultClient.Do(newRequest(t, http.MethodGet, "http://"+r.OpsAddr().String()+"/readyz", "", nil))
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, readAll(t, response)
	}
	if code, text := ready(); code != http.StatusServiceUnavailable || text != "not ready: Services, Namespaces and policies are not read yet; the log says why if it lasts\n" {
		t.Errorf("before: %d %q", code, text)
	}
	prepared.Store(true)
	if code, text := ready(); code != http.StatusOK || text != "ok\n" {
		t.Errorf("after: %d %q", code, text)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
}

// A certificate that no client accepts is a webhook that is not ready, and says
// which date is wrong.
func TestReadyOnlyWithAValidCertificate(t *testing.T) {
	for _, tt := range []struct {
		name     string
		made     time.Time
		lifetime time.Duration
		want     string
	}{
		{"valid", time.Now(), time.Hour, "ok\n"},
		{"expired", time.Now().Add(-48 * time.Hour), time.Hour, "not ready: the serving certificate expired at "},
		{"from tomorrow", time.Now().Add(48 * time.Hour), time.Hour, "not ready: the serving certificate is not valid before "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source, err := certs.NewMemorySource([]string{"localhost"}, tt.made, tt.lifetime)
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, func(s *setup) { s.Certificates = source })
			code, text := get(t, r.opsURL("/readyz"))
			if (code == http.StatusOK) != (tt.name == "valid") || !strings.HasPrefix(text, tt.want) {
				t.Errorf("%d %q, want %q", code, text, tt.want)
			}
			if code != http.StatusOK && !strings.Contains(text, ": see why netmode-webhook certificates, or cert-manager, has not renewed it") {
				t.Errorf("%q has no cure", text)
			}
			if code, _ := get(t, r.opsURL("/livez")); code != http.StatusOK {
				t.Errorf("livez: %d", code)
			}
		})
	}
}
