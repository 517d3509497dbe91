package integration

import (
	"testing"
)

// calls are how often the API server called each entry of the webhook configurations.
type calls struct{ mutate, validate, warn float64 }

func (w *world) calls(t *testing.T) calls {
	t.Helper()
	text, err := w.admin.RESTClient().Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var c calls
	for entry, count := range map[string]*float64{
		"asked.mutate.netmode.io": &c.mutate, "asked.validate.netmode.io": &c.validate, "services.warn.netmode.io": &c.warn,
	} {
		if *count, err = sum(string(text), "apiserver_admission_webhook_request_total", `name="`+entry+`"`); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// wantCalls holds what f does to the calls that it may cost. What the API server counts, netmode
// has answered. Only for tests that run alone.
func (w *world) wantCalls(t *testing.T, want calls, f func()) {
	t.Helper()
	before, servedBefore := w.calls(t), w.servedNow(t)
	f()
	after, served := w.calls(t), w.servedNow(t)
	got := calls{after.mutate - before.mutate, after.validate - before.validate, after.warn - before.warn}
	if got != want {
		t.Errorf("calls %+v, want %+v", got, want)
	}
	if all := want.mutate + want.validate + want.warn; served-servedBefore != all {
		t.Errorf("netmode answered %g reviews, want %g", served-servedBefore, all)
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
