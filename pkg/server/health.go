package server

import (
	"io"
	"net/http"
)

// opsMux serves what operators and the kubelet ask for: /livez as long as the
// process runs, /readyz as long as it takes requests and can decide, and /metrics.
func (s *Server) opsMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		switch {
		case !s.ready.Load():
			say(w, http.StatusServiceUnavailable, "not ready: starting or draining")
		case s.config.Prepared != nil && !s.config.Prepared():
			say(w, http.StatusServiceUnavailable, "not ready: Services, Namespaces and policies are not read yet; the log says why if it lasts")
		default:
			say(w, http.StatusOK, "ok")
		}
	})
	mux.Handle("GET /metrics", s.config.Metrics)
	return mux
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // a client that is gone needs no answer
}
