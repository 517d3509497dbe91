package server

import (
	"net/http"
	"sync/atomic"
	"testing"
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
