package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
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
// log and the metrics tell.
func TestAudit(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	name := p.policy(t, "audit", `{enforcement: Audit, requireMode: true, hostNetwork: {allowUnmanaged: false}}`)
	counted := func() float64 {
		text, err := fetch(t.Context(), "http://"+shared.webhook.started.Ops+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		n, err := sum(text, "netmode_admission_reasons_total", `reason="PolicyHostNetworkUnmanaged"`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := counted()
	a := p.post(t, byHand)
	stored[corev1.Pod](t, a)
	wantWarnings(t, a)
	if n := counted(); n <= before {
		t.Errorf("counted %g times, before %g", n, before)
	}
	want := "spec.hostNetwork: policy " + name + " allows the host network only in mode hostnetwork (PolicyHostNetworkUnmanaged)"
	if err := shared.poll(t.Context(), "the audit log does not tell", func(context.Context) error {
		all, err := shared.audited(p.name)
		if err != nil {
			return err
		}
		for _, event := range all {
			said := event.Annotations["policy.validate.netmode.io/violations"]
			if strings.Contains(said, want) && strings.Contains(said, "(PolicyModeRequired)") {
				return nil
			}
		}
		return errors.New(want)
	}); err != nil {
		t.Error(err)
	}
}
