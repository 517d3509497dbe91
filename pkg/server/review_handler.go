package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/plan"
)

// DefaultMaxBody is the largest body that is read: more than twice what etcd
// and so the API server lets an object be, old and new in one review.
const DefaultMaxBody = 8 << 20

// keepBuffer is the largest buffer that is kept for the next request.
const keepBuffer = 1 << 20

// Keys of the log line of a request.
const (
	keyUID        = "uid"
	keyEntry      = "entry"
	keyKind       = "kind"
	keyOperation  = "operation"
	keyNamespace  = "namespace"
	keyName       = "name"
	keyMode       = "mode"
	keyDecision   = "decision"
	keyReasons    = "reasons"
	keyMessage    = "message"
	keyWarnings   = "warnings"
	keyViolations = "violations"
	keyDuration   = "duration"
	keyPatch      = "patch"
	keyCode       = "code"
	keyRemote     = "remote"
)

// verbosityPatch is the log level at which patches are written.
const verbosityPatch = 4

// Reviewer answers one AdmissionReview. An error that is
// admission.ErrBadReview is the client's; any other is a fault of the server.
type Reviewer interface {
	Review(ctx context.Context, body []byte) (answer []byte, record admission.Record, err error)
}

// Observer counts what the handler does.
type Observer interface {
	Reviewed(record *admission.Record, took time.Duration)
	Rejected(code int)
	Panicked()
}

// ReviewHandler answers AdmissionReviews over HTTP.
type ReviewHandler struct {
	reviewer Reviewer
	observer Observer
	log      logr.Logger
	patchLog logr.Logger
	maxBody  int64
	buffers  sync.Pool
}

// NewReviewHandler makes a handler that reads bodies of at most maxBody bytes.
func NewReviewHandler(reviewer Reviewer, observer Observer, log logr.Logger, maxBody int64) *ReviewHandler {
	return &ReviewHandler{
		reviewer: reviewer, observer: observer, log: log, patchLog: log.V(verbosityPatch), maxBody: maxBody,
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
}

// rejection is a request that holds no review to answer.
type rejection struct {
	code    int
	message string
}

// ServeHTTP answers a POST of one AdmissionReview in JSON.
func (h *ReviewHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recoverPanic(w, r)
	buffer, ok := h.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	defer func() {
		if buffer.Cap() <= keepBuffer {
			buffer.Reset()
			h.buffers.Put(buffer)
		}
	}()
	if rejected := h.read(w, r, buffer); rejected != nil {
		h.reject(w, r, rejected)
		return
	}
	start := time.Now()
	answer, record, err := h.reviewer.Review(r.Context(), buffer.Bytes())
	switch {
	case errors.Is(err, admission.ErrBadReview):
		h.reject(w, r, &rejection{http.StatusBadRequest, err.Error()})
		return
	case err != nil:
		h.log.Error(err, "review failed", keyUID, record.UID, keyKind, record.Kind, keyNamespace, record.Namespace, keyName, record.Name)
		h.observer.Rejected(http.StatusInternalServerError)
		say(w, http.StatusInternalServerError, "netmode failed on this review; its log says why")
		return
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, writeErr := w.Write(answer)
	took := time.Since(start)
	h.observer.Reviewed(&record, took)
	h.logReview(&record, took, writeErr)
}

// read reads the body, or says why it will not.
func (h *ReviewHandler) read(w http.ResponseWriter, r *http.Request, into *bytes.Buffer) *rejection {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &rejection{http.StatusMethodNotAllowed, r.Method + " is not spoken here: POST an AdmissionReview"}
	}
	if contentType := r.Header.Get("Content-Type"); contentType != "application/json" {
		if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
			return &rejection{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type %q: send application/json", contentType)}
		}
	}
	tooLarge := &rejection{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", h.maxBody)}
	if r.ContentLength > h.maxBody {
		return tooLarge
	}
	if r.ContentLength > 0 {
		// A client may promise more than it sends.
		into.Grow(int(min(r.ContentLength, keepBuffer)) + bytes.MinRead)
	}
	_, err := into.ReadFrom(http.MaxBytesReader(w, r.Body, h.maxBody))
	var tooMany *http.MaxBytesError
	switch {
	case errors.As(err, &tooMany):
		return tooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &rejection{http.StatusBadRequest, "the body ended too soon"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &rejection{http.StatusRequestTimeout, "the body came too slowly"}
	case err != nil:
		return &rejection{http.StatusBadRequest, "the body could not be read: " + err.Error()}
	case len(bytes.TrimSpace(into.Bytes())) == 0:
		return &rejection{http.StatusBadRequest, "the body is empty: POST an AdmissionReview"}
	}
	return nil
}

func (h *ReviewHandler) reject(w http.ResponseWriter, r *http.Request, rejected *rejection) {
	h.observer.Rejected(rejected.code)
	h.log.Info("rejected", keyCode, rejected.code, keyMessage, rejected.message, keyRemote, r.RemoteAddr)
	if rejected.code == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close")
	}
	say(w, rejected.code, rejected.message)
}

func (h *ReviewHandler) logReview(record *admission.Record, took time.Duration, writeErr error) {
	if writeErr != nil {
		h.log.Info("answer not delivered", keyUID, record.UID, keyMessage, writeErr.Error())
	}
	fields := make([]any, 0, 26)
	fields = append(fields,
		keyUID, record.UID, keyEntry, string(record.Entry), keyKind, record.Kind, keyOperation, record.Operation, keyNamespace, record.Namespace, keyName, record.Name,
		keyMode, string(record.Mode), keyDecision, string(record.Decision), keyReasons, words(record.Reasons), keyDuration, took)
	for _, said := range []struct{ key, text string }{
		{keyMessage, record.Message}, {keyWarnings, record.Warnings}, {keyViolations, record.Violations},
	} {
		if said.text != "" {
			fields = append(fields, said.key, said.text)
		}
	}
	h.log.Info("review", fields...)
	if len(record.Patch) > 0 && h.patchLog.Enabled() {
		h.patchLog.Info("patch", keyUID, record.UID, keyPatch, string(record.Patch))
	}
}

func words(reasons []plan.Reason) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = string(r)
	}
	return all
}

// recoverPanic makes a panic an answer of 500 to this request alone.
func (h *ReviewHandler) recoverPanic(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	h.observer.Panicked()
	h.log.Error(fmt.Errorf("panic: %v", cause), "request failed", keyRemote, r.RemoteAddr, "stack", string(debug.Stack()))
	say(w, http.StatusInternalServerError, "netmode failed on this request; its log says why")
}
