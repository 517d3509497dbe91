package server

import (
	"net/http"
)

// Elsewhere answers what comes to a path that no entry has: an old webhook
// configuration may still have API servers ask there. It uses no Reviewer.
type Elsewhere struct{ reviews *ReviewHandler }

// NewElsewhere makes the handler.
func NewElsewhere(config ReviewConfig) *Elsewhere { return &Elsewhere{NewReviewHandler(config)} }

// ServeHTTP refuses the AdmissionReview of a POST without a look at its object;
// where a uid cannot be read, the path is not found.
func (e *Elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := e.reviews
	path := clip(r.URL.Path)
	notFound := &refusal{http.StatusNotFound, "netmode serves nothing at " + path}
	if r.Method != http.MethodPost {
		h.reject(w, r, notFound)
		return
	}
	b := h.bodies.get(h.Limits)
	defer h.bodies.put(b)
	h.readBeginning(w, r, b)
	if uidOf(b.data) == "" {
		h.reject(w, r, notFound)
		return
	}
	h.unjudged(w, r, b, &refusal{http.StatusServiceUnavailable, "netmode is not asked at " + path + ": apply netmode's current webhook configuration"})
}
