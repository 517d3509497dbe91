package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzReview sends any bytes: no panic, and every answer is one that an API
// server accepts, with a patch that applies and is not wanted twice.
func FuzzReview(f *testing.F) {
	for _, w := range wishes() {
		f.Add(w.body(f))
	}
	for _, name := range fixtures() {
		f.Add(fixture(f, name))
	}
	f.Add(withObject(f, replicaSetPod, []byte(`{"spec":{"containers":{}}}`)))
	f.Add([]byte(badObjectFirst("admission.k8s.io/v1", "u")))
	for _, object := range []string{
		`{"metadata":{"annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[{"ports":[{"hostPort":1}]}]}}`,
		`{"metadata":{"name":"a","annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":"b"}},"spec":{"dnsConfig":{"searches":["c"]},"dnsPolicy":null}}`,
		`{"metadata":{"name":"a","annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":"b","netmode.io/search-rewrite":"post-start"}},"spec":{"containers":[{"lifecycle":{"postStart":{"exec":{"command":["x"]}}}}]}}`,
		`{"metadata":{"annotations":{"netmode.io/mode":"headless"}},"spec":{"clusterIP":"","ports":[{"port":1,"targetPort":"a"}]}}`,
	} {
		for _, kind := range []string{"Pod", "Service"} {
			f.Add(fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"version":"v1","kind":%q},"namespace":"a","operation":"CREATE","object":%s}}`, kind, object))
		}
	}
	r := newReviewer(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, rec, err := r.Review(t.Context(), body)
		if err != nil {
			if !errors.Is(err, ErrBadReview) || answer != nil {
				t.Fatalf("not the client's fault: %v, answer %s", err, answer)
			}
			return
		}
		if !jsontext.Value(body).IsValid() {
			t.Fatalf("answered, and not valid JSON with each name once: %s", answer)
		}
		resp := readAnswer(t, body, answer, rec)
		if len(resp.Patch) == 0 {
			return
		}
		patched := apply(t, body, resp.Patch)
		again, rec, err := r.Review(t.Context(), withRawObject(t, body, patched))
		if err != nil {
			t.Fatalf("the patched object: %v\n%s", err, patched)
		}
		if second := readAnswer(t, withRawObject(t, body, patched), again, rec); len(second.Patch) > 0 {
			t.Errorf("a second patch %s after %s", second.Patch, resp.Patch)
		}
	})
}

// withRawObject replaces the object of any review, and keeps the rest.
func withRawObject(tb testing.TB, body, object []byte) []byte {
	tb.Helper()
	var review map[string]json.RawMessage
	var request map[string]json.RawMessage
	if err := json.Unmarshal(body, &review); err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(review["request"], &request); err != nil {
		tb.Fatal(err)
	}
	request["object"] = bytes.TrimSpace(object)
	review["request"] = marshal(tb, request)
	return marshal(tb, review)
}
