package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What benchmarks call their policies.
const (
	benchLabel  = "bench"
	benchMarker = "bench-marker"
)

// Probes are refused as long as policies are enforced: the second by the marker only.
const (
	outOfRange = `{metadata: {name: probe, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 9999}]}]}}`
	asMarked   = `{metadata: {name: probe, labels: {marker: "yes"}}, spec: {containers: [{name: c, image: i}]}}`
)

// enforce makes the stage's policies, and returns when all are enforced: a later one that is,
// follows them.
func (b *bench) enforce(t *testing.T, s *stage) {
	t.Helper()
	if s.policies == 0 {
		return
	}
	if err := each(s.policies, func(i int) error {
		return b.create(t, fmt.Sprintf("bench-%d", i), `{namespaceSelector: `+s.selector+
			`, allowedModes: [hostnetwork, headless], hostNetwork: {allowUnmanaged: false, portRange: {min: 8000, max: 8999}}}`)
	}); err != nil {
		t.Fatal(err)
	}
	b.wantEnforced(t)
	if s.match {
		b.wantProbe(t, s.marked, outOfRange, "bench-")
	}
	if err := b.create(t, benchMarker, `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+s.marked+`}}, podSelector: {matchLabels: {marker: "yes"}}, requireMode: true}`); err != nil {
		t.Fatal(err)
	}
	b.wantProbe(t, s.marked, asMarked, benchMarker)
	b.remove(t, "metadata.name="+benchMarker)
	b.wantProbe(t, s.marked, asMarked, "")
}

// wantEnforced waits until the status of all policies says so: then nobody has work to do because
// of them.
func (b *bench) wantEnforced(t *testing.T) {
	t.Helper()
	if err := b.world.poll(t.Context(), "not all policies are enforced", func(ctx context.Context) error {
		list, err := b.policies.List(ctx, metav1.ListOptions{LabelSelector: benchLabel})
		if err != nil {
			return err
		}
		for i := range list.Items {
			text, err := list.Items[i].MarshalJSON()
			if err != nil {
				return err
			}
			seen := &seenPolicy{}
			if err := json.Unmarshal(text, seen); err != nil {
				return err
			}
			if !meta.IsStatusConditionTrue(seen.Status.Conditions, "Enforced") {
				return fmt.Errorf("%s: %q", seen.Metadata.Name, seen.said())
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, b.world.controller.log)
	}
}

func (b *bench) create(t *testing.T, name, spec string) error {
	t.Helper()
	policy := newPolicy(t, name, spec)
	policy.SetLabels(map[string]string{benchLabel: "yes"})
	_, err := b.policies.Create(t.Context(), policy, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	return err
}

// remove deletes those of the benchmark's policies whose fields are such; "": all.
func (b *bench) remove(t *testing.T, fields string) {
	t.Helper()
	if err := b.policies.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: benchLabel, FieldSelector: fields}); err != nil {
		t.Fatal(err)
	}
}

// lift removes the stage's policies, and returns when none is enforced.
func (b *bench) lift(t *testing.T, s *stage) {
	t.Helper()
	if s.policies == 0 {
		return
	}
	b.remove(t, "")
	if err := b.world.poll(t.Context(), "policies stay", func(ctx context.Context) error {
		all, err := b.world.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range all.Items {
			if name := all.Items[i].Name; strings.Contains(name, "policy-bench-") {
				return errors.New(name)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	b.wantProbe(t, s.marked, outOfRange, "")
}

// wantProbe waits until the probe is refused with this text; "": until it is accepted.
func (b *bench) wantProbe(t *testing.T, namespace, probe, text string) {
	t.Helper()
	object := toJSON(t, probe)
	if err := b.world.poll(t.Context(), "the probe for "+strconv.Quote(text), func(ctx context.Context) error {
		a := b.world.post(ctx, namespace, "pods", object, dryRun)
		if text == "" {
			return a.err
		}
		if a.err == nil {
			return errors.New("it is accepted")
		}
		if !strings.Contains(a.err.Error(), text) {
			return a.err
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, b.world.controller.log)
	}
}
