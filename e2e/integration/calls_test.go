package integration

import (
	"testing"
)

// calls is how often the API server called the entry for objects that ask.
func (w *world) calls(t *testing.T) float64 {
	t.Helper()
	text, err := w.admin.RESTClient().Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	count, err := sum(string(text), "apiserver_admission_webhook_request_total", `name="asked.mutate.netmode.io"`)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// wantCalls holds what f does to the calls that it may cost. What the API server counts, netmode
// has answered. Only for tests that run alone.
func (w *world) wantCalls(t *testing.T, want float64, f func()) {
	t.Helper()
	before, servedBefore := w.calls(t), w.servedNow(t)
	f()
	if got := w.calls(t) - before; got != want {
		t.Errorf("%g calls, want %g", got, want)
	}
	if served := w.servedNow(t) - servedBefore; served != want {
		t.Errorf("netmode answered %g reviews, want %g", served, want)
	}
}

func (w *world) servedNow(t *testing.T) float64 {
	t.Helper()
	served, err := w.served(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return served
}
