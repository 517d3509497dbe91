package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/plan"
)

// serveAndRead posts the reviews one after the other and returns the server,
// stopped, so that its log is complete.
func serveAndRead(t *testing.T, logLevel string, reviews ...string) *running {
	t.Helper()
	r := start(t, func(s *setup) { s.logLevel = logLevel })
	client := r.client(t, false)
	for _, body := range reviews {
		if code, text := post(t, client, r.url("/mutate/asked"), body); code != http.StatusOK {
			t.Fatalf("%d %s", code, text)
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOneLineARequest(t *testing.T) {
	pod := review(t, "patched", "hostnetwork")
	named := strings.Replace(review(t, "refused", "hostnet"), `"generateName":"d1-78c56bf446-"`, `"name":"web-0"`, 1)
	malformed := strings.Replace(review(t, "malformed", ""), `"containers":[`, `"containers":5,"was":[`, 1)
	other := strings.Replace(strings.Replace(review(t, "other", ""), `"kind":"Pod"`, `"kind":"Node"`, 1), `"namespace":"default","operation"`, `"name":"n1","operation"`, 1)
	r := serveAndRead(t, "info", pod, review(t, "unchanged", ""), named, malformed, other)

	const nodeHostname = "spec.hostNetwork: hostname(1) in the pod is the node's name (NodeHostname)"
	noPort := "spec.containers: no port is declared, so the scheduler cannot keep two such pods off one node: " + plan.NoDeclaredPort.Doc().Cure + " (NoDeclaredPort)"
	want := []map[string]any{
		{"uid": "patched", "kind": "Pod", "operation": "CREATE", "entry": "asked", "namespace": "default", "name": "d1-78c56bf446-", "mode": "hostnetwork", "decision": "patched", "reasons": []any{"HostNetworkSet", "DNSPolicySet", "NoDeclaredPort", "NodeHostname"}, "warnings": noPort + "; " + nodeHostname},
		{"uid": "unchanged", "kind": "Pod", "operation": "CREATE", "entry": "asked", "namespace": "default", "name": "d1-78c56bf446-", "mode": "", "decision": "unchanged", "reasons": []any{"NothingAsked"}},
		{"uid": "refused", "kind": "Pod", "operation": "CREATE", "entry": "asked", "namespace": "default", "name": "web-0", "mode": "", "decision": "refused", "reasons": []any{"AnnotationInvalid"}},
		{"uid": "malformed", "kind": "Pod", "operation": "CREATE", "entry": "asked", "namespace": "default", "name": "", "mode": "", "decision": "malformed", "reasons": []any{}},
		{"uid": "other", "kind": "other", "operation": "CREATE", "entry": "asked", "namespace": "", "name": "n1", "mode": "", "decision": "unchanged", "reasons": []any{"UnsupportedKind"}},
	}
	messages := map[string]string{
		"refused":   `metadata.annotations[netmode.io/mode]: Unsupported value: "hostnet": supported values: `,
		"malformed": "spec.containers: is a number, and must be a list",
	}
	records := r.log.records(t, "review")
	if len(records) != len(want) {
		t.Fatalf("%d lines for %d requests", len(records), len(want))
	}
	for i, record := range records {
		duration := fmt.Sprint(record["duration"])
		if took, err := time.ParseDuration(duration); err != nil || took <= 0 {
			t.Errorf("duration %v: %v", record["duration"], err)
		}
		if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(record["ts"])); err != nil || time.Since(at) > time.Hour {
			t.Errorf("time %v: %v", record["ts"], err)
		}
		uid, message := fmt.Sprint(want[i]["uid"]), record["message"]
		if wantMessage, has := messages[uid]; has {
			if text, isText := message.(string); !isText || !strings.HasPrefix(text, wantMessage) {
				t.Errorf("%s: message %q, want %q", uid, message, wantMessage)
			}
		} else if message != nil {
			t.Errorf("%s: message %q, want none", uid, message)
		}
		if record["level"] != "info" {
			t.Errorf("level %v", record["level"])
		}
		for _, key := range []string{"duration", "ts", "message", "level", "msg"} {
			delete(record, key)
		}
		if diff := cmp.Diff(want[i], record); diff != "" {
			t.Errorf("line (-want +got):\n%s", diff)
		}
	}
	if patches := r.log.records(t, "patch"); len(patches) > 0 {
		t.Errorf("patches at level info: %v", patches)
	}
}

// What was said, or held back, is in the line of its request.
func TestTextsInTheLog(t *testing.T) {
	record := admission.Record{UID: "u", Message: "m", Warnings: "w; w2", Violations: "v"}
	r := start(t, func(s *setup) {
		s.reviewer = reviewerFunc(func([]byte) ([]byte, admission.Record, error) { return []byte("{}"), record, nil })
	})
	if code, text := post(t, r.client(t, false), r.url("/mutate/asked"), "{}"); code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	records := r.log.records(t, "review")
	if len(records) != 1 {
		t.Fatalf("%d lines, want 1", len(records))
	}
	for key, want := range map[string]string{"message": "m", "warnings": "w; w2", "violations": "v"} {
		if records[0][key] != want {
			t.Errorf("%s: %v, want %q", key, records[0][key], want)
		}
	}
}

// Patches show what is in objects, so they are for those who ask.
func TestPatchIsLoggedAtV4(t *testing.T) {
	for level, want := range map[string]int{"error": 0, "info": 0, "3": 0, "4": 1, "debug": 1, "10": 1} {
		t.Run(level, func(t *testing.T) {
			r := serveAndRead(t, level, review(t, "patched", "hostnetwork"), review(t, "unchanged", ""))
			records := r.log.records(t, "patch")
			if len(records) != want {
				t.Fatalf("%d patches, want %d: %v", len(records), want, records)
			}
			reviews := 2
			if level == "error" {
				reviews = 0
			}
			if got := len(r.log.records(t, "review")); got != reviews {
				t.Errorf("%d reviews, want %d", got, reviews)
			}
			for _, record := range records {
				var operations []struct{ Path string }
				if err := json.Unmarshal([]byte(fmt.Sprint(record["patch"])), &operations); err != nil || len(operations) != 3 || record["uid"] != "patched" {
					t.Errorf("line %v: %v", record, err)
				}
			}
		})
	}
}

// Whatever a client writes, a line of the log stays one line of JSON.
func TestHostileTextInTheLog(t *testing.T) {
	const hostile = "x\"}\n{\"msg\":\"review\",\"level\":\"info\"}\r\x00\x1b[31m\u2028"
	var sent admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(review(t, "u", "")), &sent); err != nil {
		t.Fatal(err)
	}
	sent.Request.UID, sent.Request.Namespace, sent.Request.Name = hostile, hostile, hostile
	sent.Request.Operation, sent.Request.Kind.Kind = hostile, hostile
	body, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	r := serveAndRead(t, "info", string(body))
	records := r.log.records(t, "review")
	if len(records) != 1 {
		t.Fatalf("%d lines, want 1", len(records))
	}
	for _, key := range []string{"uid", "namespace", "name", "operation"} {
		if records[0][key] != hostile {
			t.Errorf("%s: %q", key, records[0][key])
		}
	}
	if records[0]["kind"] != "other" {
		t.Errorf("kind %q", records[0]["kind"])
	}
	if slices.Contains(r.log.text.Bytes(), 0x1b) {
		t.Error("an escape sequence is in the log as it is")
	}
}
