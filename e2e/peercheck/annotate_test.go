package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnnotator(t *testing.T) {
	const head = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","object":{"metadata":`
	tests := map[string]struct {
		body, want string
		code       int
	}{
		// The patch is in base64: [{"op":"add","path":"/metadata/annotations","value":{…}}]
		"none yet": {
			head + `{"name":"a"}}}}`,
			`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true,"patchType":"JSONPatch",` +
				`"patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL21ldGFkYXRhL2Fubm90YXRpb25zIiwidmFsdWUiOnsiayI6InYifX1d"}}` + "\n", http.StatusOK,
		},
		"there already": {
			head + `{"annotations":{"k":"v","l":"w"}}}}}`,
			`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true}}` + "\n", http.StatusOK,
		},
		"no request": {`{}`, "no AdmissionReview with a request\n", http.StatusBadRequest},
		"no JSON":    {`-`, "no AdmissionReview with a request\n", http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			annotator("k", "v").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(test.body)))
			if w.Code != test.code || w.Body.String() != test.want {
				t.Errorf("have %d %s\nwant %d %s", w.Code, w.Body, test.code, test.want)
			}
		})
	}
}

func TestAnnotateRefuses(t *testing.T) {
	err := run(t.Context(), []string{"annotate", "--listen", "127.0.0.1:0", "mode"}, &bytes.Buffer{})
	if want := `annotate: want KEY=VALUE, have "mode": ` + usage; err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
	err = run(t.Context(), []string{"annotate", "--listen", "127.0.0.1:0", "--certificate", "/nowhere", "mode=default"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("have %v", err)
	}
}
