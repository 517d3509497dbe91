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
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/metrics"
	"github.com/netmode-io/netmode/pkg/plan"
)

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
	keyPath       = "path"
	keyAllowed    = "allowed"
	keyNotLogged  = "notLogged"
)

const (
	// verbosityPatch is the log level at which patches are written.
	verbosityPatch = 4
	// maxLogged is the most bytes of a client's text in a line of the log.
	maxLogged = 256
	// beginningTime is how long the beginning of a body is waited for that will
	// not be read to its end.
	beginningTime = time.Second
)

// Reviewer answers one AdmissionReview. An error that is
// admission.ErrBadReview is the client's; any other is a fault of the server.
type Reviewer interface {
	Review(ctx context.Context, body []byte) (answer []byte, record admission.Record, err error)
}

// Counters count what the handler does.
type Counters interface {
	Reviewed(record *admission.Record, took time.Duration)
	// Rejected: a request that holds no review got an HTTP error.
	Rejected(code int)
	// NotJudged: a review was answered without a look at its object.
	NotJudged(code int, allowed bool)
	TurnedAway(cause metrics.Cause)
	Panicked()
}

// ReviewConfig is what a handler of reviews needs.
type ReviewConfig struct {
	Reviewer Reviewer
	Counters Counters
	// Limits are shared by all handlers.
	Limits *Limits
	// MaxBody is the largest body that is read, in bytes.
	MaxBody int64
	// LetThrough allows, as it is, what cannot be judged; else it is refused.
	LetThrough bool
	Log        logr.Logger
}

// ReviewHandler answers AdmissionReviews over HTTP.
type ReviewHandler struct {
	ReviewConfig
	patchLog  logr.Logger
	strangers *boundedLog
	bodies    *bodies
}

// NewReviewHandler makes the handler of an entry.
func NewReviewHandler(config ReviewConfig) *ReviewHandler {
	return &ReviewHandler{
		ReviewConfig: config, patchLog: config.Log.V(verbosityPatch),
		strangers: newBoundedLog(config.Log), bodies: &bodies{},
	}
}

// ServeHTTP answers a POST of one AdmissionReview in JSON.
func (h *ReviewHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b := h.bodies.get(h.Limits)
	defer h.bodies.put(b)
	defer h.recoverPanic(w, r, b)
	if why := screen(w, r); why != nil {
		h.reject(w, r, why)
		return
	}
	if why := h.read(w, r, b); why != nil {
		h.unjudged(w, r, b, why)
		return
	}
	done, err := h.Limits.work(r.Context(), len(b.data))
	if err != nil {
		h.unjudged(w, r, b, h.turnedAway(err, metrics.CauseReviews))
		return
	}
	defer done()
	if r.Context().Err() != nil {
		h.Counters.TurnedAway(metrics.CauseGone)
		return
	}
	h.review(w, r, b)
}

func (h *ReviewHandler) review(w http.ResponseWriter, r *http.Request, b *body) {
	start := time.Now()
	answer, record, err := h.Reviewer.Review(r.Context(), b.data)
	switch {
	case errors.Is(err, admission.ErrBadReview):
		h.unjudged(w, r, b, &refusal{http.StatusBadRequest, clip(err.Error())})
		return
	case err != nil:
		h.Log.Error(err, "review failed", keyUID, clip(record.UID), keyKind, record.Kind, keyNamespace, clip(record.Namespace), keyName, clip(record.Name))
		h.unjudged(w, r, b, &refusal{http.StatusInternalServerError, "netmode failed on this review; its log says why"})
		return
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, writeErr := w.Write(answer)
	took := time.Since(start)
	h.Counters.Reviewed(&record, took)
	h.logReview(&record, took, writeErr)
}

// screen refuses what is no POST of JSON.
func screen(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &refusal{http.StatusMethodNotAllowed, clip(r.Method) + " is not spoken here: POST an AdmissionReview"}
	}
	if contentType := r.Header.Get("Content-Type"); contentType != "application/json" {
		if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
			return &refusal{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type %q: send application/json", clip(contentType))}
		}
	}
	return nil
}

// read reads the body, or says why it will not; then the body's beginning is read.
func (h *ReviewHandler) read(w http.ResponseWriter, r *http.Request, b *body) *refusal {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge,
		fmt.Sprintf("the body is larger than %d bytes: make the object smaller, or raise --max-body-bytes of netmode-webhook", h.MaxBody)}
	if r.ContentLength > h.MaxBody {
		closeAfter(w, r)
		if r.Header.Get("Expect") == "" { // else it is not asked for at all
			h.readBeginning(w, r, b)
		}
		return tooLarge
	}
	err := b.read(r.Context(), r.Body, r.ContentLength, h.MaxBody)
	switch {
	case err == nil && len(bytes.TrimSpace(b.data)) == 0:
		return &refusal{http.StatusBadRequest, "the body is empty: POST an AdmissionReview"}
	case err == nil:
		return nil
	}
	closeAfter(w, r)
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge
	case errors.Is(err, errNoRoom):
		return h.turnedAway(err, metrics.CauseBytes)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &refusal{http.StatusBadRequest, "the body ended too soon"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		h.Counters.TurnedAway(metrics.CauseSlow)
		return &refusal{http.StatusRequestTimeout, "the body came too slowly"}
	default:
		return &refusal{http.StatusBadRequest, "the body could not be read: " + clip(err.Error())}
	}
}

// closeAfter has the connection end after the answer, since the rest of the body
// is not waited for. HTTP/2 ends the stream.
func closeAfter(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
}

// readBeginning reads as far as a uid is looked for.
func (h *ReviewHandler) readBeginning(w http.ResponseWriter, r *http.Request, b *body) {
	if b.reserve(r.Context(), cap(b.data)) != nil {
		return
	}
	// Without the deadline the server's own remains.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(beginningTime))
	for len(b.data) < uidWithin && uidOf(b.data) == "" {
		n, err := r.Body.Read(b.data[len(b.data):uidWithin])
		b.data = b.data[:len(b.data)+n]
		if err != nil {
			return
		}
	}
}

func (h *ReviewHandler) turnedAway(err error, cause metrics.Cause) *refusal {
	if !errors.Is(err, errNoRoom) {
		cause = metrics.CauseGone
	}
	h.Counters.TurnedAway(cause)
	return &refusal{http.StatusServiceUnavailable,
		"netmode has no room for this review now: try again; if it lasts, give netmode-webhook more replicas, or more memory and a larger --max-bytes-in-flight or --max-reviews"}
}

// unjudged answers a review that is not judged, if its uid can be read.
func (h *ReviewHandler) unjudged(w http.ResponseWriter, r *http.Request, b *body, why *refusal) {
	uid := uidOf(b.data)
	if uid == "" {
		h.reject(w, r, why)
		return
	}
	h.Counters.NotJudged(why.code, h.LetThrough)
	h.strangers.info("review not judged", keyUID, uid, keyPath, clip(r.URL.Path), keyAllowed, h.LetThrough,
		keyCode, why.code, keyMessage, why.message, keyRemote, r.RemoteAddr)
	if err := answerUnjudged(w, uid, why, h.LetThrough); err != nil {
		h.strangers.info("answer not delivered", keyUID, uid, keyMessage, clip(err.Error()))
	}
}

func (h *ReviewHandler) reject(w http.ResponseWriter, r *http.Request, why *refusal) {
	h.Counters.Rejected(why.code)
	h.strangers.info("rejected", keyCode, why.code, keyMessage, why.message, keyRemote, r.RemoteAddr)
	say(w, why.code, why.message)
}

func (h *ReviewHandler) logReview(record *admission.Record, took time.Duration, writeErr error) {
	if writeErr != nil {
		h.Log.Info("answer not delivered", keyUID, clip(record.UID), keyMessage, clip(writeErr.Error()))
	}
	fields := make([]any, 0, 26)
	fields = append(fields,
		keyUID, clip(record.UID), keyEntry, string(record.Entry), keyKind, record.Kind, keyOperation, clip(record.Operation),
		keyNamespace, clip(record.Namespace), keyName, clip(record.Name),
		keyMode, string(record.Mode), keyDecision, string(record.Decision), keyReasons, words(record.Reasons), keyDuration, took)
	for _, said := range []struct{ key, text string }{
		{keyMessage, record.Message}, {keyWarnings, record.Warnings}, {keyViolations, record.Violations},
	} {
		if said.text != "" {
			fields = append(fields, said.key, said.text)
		}
	}
	h.Log.Info("review", fields...)
	if len(record.Patch) > 0 && h.patchLog.Enabled() {
		h.patchLog.Info("patch", keyUID, clip(record.UID), keyPatch, string(record.Patch))
	}
}

func words(reasons []plan.Reason) []string {
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = string(r)
	}
	return all
}

// clip cuts a client's text for the log and for answers, and says so.
func clip(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes in all)", strings.ToValidUTF8(s[:maxLogged], ""), len(s))
}

// recoverPanic makes a panic the answer to this request alone.
func (h *ReviewHandler) recoverPanic(w http.ResponseWriter, r *http.Request, b *body) {
	cause := recover()
	if cause == nil {
		return
	}
	h.Counters.Panicked()
	h.Log.Error(fmt.Errorf("panic: %v", cause), "request failed", keyRemote, r.RemoteAddr, "stack", string(debug.Stack()))
	h.unjudged(w, r, b, &refusal{http.StatusInternalServerError, "netmode failed on this review; its log says why"})
}
