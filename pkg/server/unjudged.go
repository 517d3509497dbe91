package server

import (
	"encoding/json"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Refusal is why a request is not judged: an HTTP status code, what is wrong,
// and what to do about it.
type refusal struct {
	code    int
	message string
}

// reviewAnswer is the AdmissionReview (admission.k8s.io/v1) for a request that
// was not judged.
type reviewAnswer struct {
	Kind       string         `json:"kind"`
	APIVersion string         `json:"apiVersion"`
	Response   answerResponse `json:"response"`
}

type answerResponse struct {
	UID     string        `json:"uid"`
	Allowed bool          `json:"allowed"`
	Status  *answerStatus `json:"status,omitempty"`
	// AuditAnnotations tell, where all is let through, what was not judged.
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"`
}

type answerStatus struct {
	Status  string              `json:"status"`
	Message string              `json:"message"`
	Reason  metav1.StatusReason `json:"reason"`
	Code    int                 `json:"code"`
}

// auditNotJudged is the key of the audit annotation; the API server writes the
// webhook's name before it.
const auditNotJudged = "not-judged"

// statusReason is Kubernetes' own word for the code.
func statusReason(code int) metav1.StatusReason {
	switch code {
	case http.StatusRequestEntityTooLarge:
		return metav1.StatusReasonRequestEntityTooLarge
	case http.StatusRequestTimeout:
		return metav1.StatusReasonTimeout
	case http.StatusInternalServerError:
		return metav1.StatusReasonInternalError
	case http.StatusServiceUnavailable:
		return metav1.StatusReasonServiceUnavailable
	default:
		return metav1.StatusReasonBadRequest
	}
}

// answerUnjudged writes the AdmissionReview: refused, or let through as it is.
func answerUnjudged(w http.ResponseWriter, uid string, why *refusal, letThrough bool) error {
	response := answerResponse{UID: uid, Allowed: letThrough}
	if letThrough {
		response.AuditAnnotations = map[string]string{auditNotJudged: strconv.Itoa(why.code) + ": " + why.message}
	} else {
		response.Status = &answerStatus{Status: metav1.StatusFailure, Message: why.message, Reason: statusReason(why.code), Code: why.code}
	}
	encoded, err := json.Marshal(reviewAnswer{Kind: "AdmissionReview", APIVersion: "admission.k8s.io/v1", Response: response})
	if err != nil {
		return err
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(encoded))}
	_, err = w.Write(encoded)
	return err
}
