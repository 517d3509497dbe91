//go:build linux

package cpubench

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

// What tells the test binary to be one of the yardsticks, and where the
// certificate is.
const (
	envYardstick = "CPUBENCH_YARDSTICK"
	envCertDir   = "CPUBENCH_CERT_DIR"
)

func yardsticks() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{noop: answerNoop, usual: answerUsual}
}

func TestMain(m *testing.M) {
	handler, ok := yardsticks()[os.Getenv(envYardstick)]
	if !ok {
		m.Run()
		return
	}
	// As in a program that imports no profiler, netmode-webhook among them.
	runtime.MemProfileRate = 0 //nolint:reassign // there is no other way to set it
	if err := serve(handler, os.Getenv(envCertDir), os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
}

// serve serves the handler as netmode-webhook serves its own: the same
// certificate, TLS settings and time-outs, on a free port of loopback that it
// tells in a log line.
func serve(handler http.Handler, certDir string, log io.Writer) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(certDir, "tls.crt"), filepath.Join(certDir, "tls.key"))
	if err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(log).Encode(logLine{Msg: serving, Listen: listener.Addr().String()}); err != nil {
		return errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/mutate/asked", handler)
	server := &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	return server.ServeTLS(listener, "", "")
}

// answerNoop does what any webhook must do at least: read the body, find the
// uid, answer.
func answerNoop(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var review struct {
		Request struct {
			UID string `json:"uid"`
		} `json:"request"`
	}
	if err := json.Unmarshal(body, &review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	type response struct {
		UID     string `json:"uid"`
		Allowed bool   `json:"allowed"`
	}
	answer(w, struct {
		Kind       string   `json:"kind"`
		APIVersion string   `json:"apiVersion"`
		Response   response `json:"response"`
	}{"AdmissionReview", "admission.k8s.io/v1", response{review.Request.UID, true}})
}

// answerUsual does what webhooks usually do: decode the whole Pod to its type,
// change the type's fields, encode it, and patch by the difference.
func answerUsual(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil || review.Request == nil {
		http.Error(w, fmt.Sprintf("no AdmissionReview: %v", err), http.StatusBadRequest)
		return
	}
	raw := review.Request.Object.Raw
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod.Spec.HostNetwork = true
	pod.Spec.DNSPolicy = corev1.DNSClusterFirstWithHostNet
	changed, err := json.Marshal(&pod)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	operations, err := jsonpatch.CreatePatch(raw, changed)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Allowed: true, Patch: patch, PatchType: new(admissionv1.PatchTypeJSONPatch),
	}})
}

func answer(w http.ResponseWriter, review any) {
	encoded, err := json.Marshal(review)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded) // the client notices
}
