package server

import (
	"io"
	"net/http"
	"time"
)

// opsMux serves what operators and the kubelet ask for: /livez as long as the
// process runs, /readyz as long as it takes requests and can decide, and /metrics.
func (s *Server) opsMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		certificateFault := s.certificateFault(time.Now())
		switch {
		case !s.ready.Load():
			say(w, http.StatusServiceUnavailable, "not ready: starting or draining")
		case certificateFault != "":
			say(w, http.StatusServiceUnavailable, "not ready: "+certificateFault)
		case s.config.Prepared != nil && !s.config.Prepared():
			say(w, http.StatusServiceUnavailable, "not ready: Services, Namespaces and policies are not read yet; the log says why if it lasts")
		default:
			say(w, http.StatusOK, "ok")
		}
	})
	mux.Handle("GET /metrics", s.config.Metrics)
	return mux
}

// certificateFault says why clients refuse the certificate that is served at the
// time, or "".
func (s *Server) certificateFault(now time.Time) string {
	const cure = ": see why netmode-webhook certificates, or cert-manager, has not renewed it, or whether this node's clock is right"
	certificate, err := s.config.Certificates.GetCertificate(nil)
	switch {
	case err != nil:
		return "no serving certificate: " + err.Error()
	case certificate.Leaf == nil:
		return ""
	case now.Before(certificate.Leaf.NotBefore):
		return "the serving certificate is not valid before " + certificate.Leaf.NotBefore.UTC().Format(time.RFC3339) + cure
	case now.After(certificate.Leaf.NotAfter):
		return "the serving certificate expired at " + certificate.Leaf.NotAfter.UTC().Format(time.RFC3339) + cure
	}
	return ""
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // a client that is gone needs no answer
}
