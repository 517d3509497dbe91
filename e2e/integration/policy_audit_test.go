package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// auditPolicy has the API server's audit log tell of what is created, its annotations included.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
{"level": "Metadata", "verbs": ["create"], "resources": [{"resources": ["pods", "services"]}, {"group": "apps", "resources": ["deployments"]}]},
{"level": "None"}]}`

// auditEvent is the part of a line of the audit log that tests read.
type auditEvent struct {
	ObjectRef   struct{ Namespace, Resource, Name string }
	Annotations map[string]string
}

// audited are the events of what was created in the namespace.
func (w *world) audited(namespace string) ([]auditEvent, error) {
	file, err := os.Open(w.life.path("audit.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var all []auditEvent
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditEvent
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, err
		}
		if event.ObjectRef.Namespace == namespace {
			all = append(all, event)
		}
	}
	return all, lines.Err()
}

// TestAudit: a pod that breaks an Audit policy is accepted as if there were none, and the audit
// log and the API server's metrics tell.
func TestAudit(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "audit", `{enforcement: Audit, requireMode: true, hostNetwork: {allowUnmanaged: false}}`)
	a := p.post(t, byHand)
	stored[corev1.Pod](t, a)
	wantWarnings(t, a)
	text, err := shared.admin.RESTClient().Get().AbsPath("/metrics").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	n, err := sum(string(text), "apiserver_validating_admission_policy_check_total", `policy="`+forPods(name)+`"`, `enforcement_action="audit"`)
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("not counted")
	}
	want := []string{
		noHostNetwork + name + " allows the host network only in mode hostnetwork" + removeHost,
		"metadata.annotations[netmode.io/mode]: Required value: policy " + name + " requires a mode: ",
	}
	if err := shared.poll(t.Context(), "the audit log does not tell", func(context.Context) error {
		all, err := shared.audited(p.name)
		if err != nil {
			return err
		}
		for _, event := range all {
			said := event.Annotations["validation.policy.admission.k8s.io/validation_failure"]
			if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(said, w) }) {
				return nil
			}
		}
		return fmt.Errorf("want %q in %v", want, all)
	}); err != nil {
		t.Error(err)
	}
}
