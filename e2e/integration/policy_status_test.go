package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/netmode-io/netmode/pkg/api"
)

// seenPolicy is what a test reads of a stored policy.
type seenPolicy struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Status   struct {
		ObservedGeneration   int64
		SelectedNamespaces   *int
		UnlabelledNamespaces *int
		UnlabelledExamples   []string
		Conditions           []metav1.Condition
	} `json:"status"`
}

func (w *world) seePolicy(ctx context.Context, t *testing.T, name string) (*seenPolicy, error) {
	t.Helper()
	stored, err := w.policies(t).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	text, err := stored.MarshalJSON()
	if err != nil {
		return nil, err
	}
	seen := &seenPolicy{}
	return seen, json.Unmarshal(text, seen)
}

// said is a policy's conditions, each as type=status/reason.
func (s *seenPolicy) said() []string {
	var all []string
	for _, c := range s.Status.Conditions {
		all = append(all, c.Type+"="+string(c.Status)+"/"+c.Reason)
	}
	return all
}

// keeper is netmode-webhook policies, and how often it should have written the status of each
// policy that a test made, by name.
type keeper struct {
	*process
	due map[string]int
}

// startKeeper runs it with the rights of its ServiceAccount until the test ends.
func (w *world) startKeeper(t *testing.T) *keeper {
	t.Helper()
	kubeconfig, err := w.kubeconfig(t.Context(), "netmode-policies")
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{due: map[string]int{}}
	if k.process, err = startProcess(t.Context(), "keeping statuses of policies", w.program, "policies", "--kubeconfig="+kubeconfig, "--ops-listen=127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.stop(); err != nil {
			t.Error(err)
		}
		k.wantNoMore(t)
	})
	return k
}

// wantWrites holds it to one more write of each of these statuses, and of no other that the test
// has to do with. Tests that run meanwhile have policies of their own: each write has a line of
// the log that names its policy.
func (k *keeper) wantWrites(t *testing.T, policies ...string) {
	t.Helper()
	for _, name := range policies {
		k.due[name]++
	}
	if err := shared.poll(t.Context(), "statuses are not written", func(context.Context) error {
		for name, due := range k.due {
			if n := k.writes(name); n < due {
				return fmt.Errorf("%s: %d times, want %d", name, n, due)
			}
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, k.log)
	}
	k.wantNoMore(t)
}

func (k *keeper) wantNoMore(t *testing.T) {
	t.Helper()
	for name, due := range k.due {
		if n := k.writes(name); n > due {
			t.Errorf("the status of %s was written %d times, want %d", name, n, due)
		}
	}
}

// writes are the lines about a policy whose status was written; "" stands for all policies.
func (k *keeper) writes(policy string) int {
	return k.log.count(`"msg":"status written","policy":"` + policy)
}

// metric is one without labels.
func (k *keeper) metric(ctx context.Context, t *testing.T, name string) int {
	t.Helper()
	text, err := fetch(ctx, "http://"+k.started.Ops+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in\n%s", name, text)
	return 0
}

// wantStatus waits until a policy's status says this, and returns the policy.
func (k *keeper) wantStatus(t *testing.T, name string, selected int, unlabelled []string, conditions ...string) *seenPolicy {
	t.Helper()
	var seen *seenPolicy
	if err := shared.poll(t.Context(), "the status of "+name, func(ctx context.Context) error {
		var err error
		if seen, err = shared.seePolicy(ctx, t, name); err != nil {
			return err
		}
		s := seen.Status
		if s.SelectedNamespaces == nil || *s.SelectedNamespaces != selected || s.ObservedGeneration != seen.Metadata.Generation ||
			*s.UnlabelledNamespaces != len(unlabelled) || !slices.Equal(s.UnlabelledExamples, unlabelled) || !slices.Equal(seen.said(), conditions) {
			return fmt.Errorf("it is %+v", s)
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, k.log)
	}
	return seen
}

// TestPolicyStatus: netmode-webhook policies, with the rights of its ServiceAccount, writes what
// becomes of policies: once for each change, and nothing where nothing changes.
func TestPolicyStatus(t *testing.T) {
	t.Parallel()
	team := "status-" + shared.namespace(t, nil)
	labelled := shared.namespace(t, map[string]string{"team": team, api.LabelPolicy: api.PolicyEnabled})
	bare := shared.namespace(t, map[string]string{"team": team})
	low, high, other := team+"-low", team+"-high", team+"-other"
	create := func(name, spec string) {
		t.Helper()
		if _, err := shared.policies(t).Create(t.Context(), newPolicy(t, name, spec), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := shared.policies(t).Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	label := func(name, labels string) {
		t.Helper()
		patch := []byte(`{"metadata": {"labels": ` + labels + `}}`)
		if _, err := shared.admin.CoreV1().Namespaces().Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	const (
		effective, overridden, refused = "Effective=True/Effective", "Effective=False/Overridden", "Effective=False/Refused"
		noConflict, nothingInCommon    = "Conflict=False/NoConflict", "Conflict=True/NothingInCommon"
	)
	k := shared.startKeeper(t) // it reads the namespaces before it writes of policies

	create(low, `{namespaceSelector: {matchLabels: {team: `+team+`}}, defaultMode: headless, allowedModes: [headless]}`)
	k.wantStatus(t, low, 2, []string{bare}, effective, noConflict)
	k.wantWrites(t, low)
	create(high, `{namespaceSelector: {matchLabels: {team: `+team+`}}, priority: 7, defaultMode: hostnetwork, allowedModes: [hostnetwork]}`)
	before := k.wantStatus(t, low, 2, []string{bare}, overridden, nothingInCommon)
	for _, condition := range before.Status.Conditions {
		if !strings.Contains(condition.Message, high) {
			t.Errorf("%s does not name policy %s: %s", condition.Type, high, condition.Message)
		}
	}
	seen := k.wantStatus(t, high, 2, []string{bare}, refused, nothingInCommon)
	k.wantWrites(t, low, high)
	var managers []string
	for _, f := range seen.Metadata.ManagedFields {
		if f.Subresource == "status" {
			managers = append(managers, f.Manager+" "+string(f.Operation))
		}
	}
	if diff := cmp.Diff([]string{"netmode-policies Apply"}, managers); diff != "" {
		t.Errorf("managers of the status (-want +got):\n%s", diff)
	}
	if _, err := fetch(t.Context(), "http://"+k.started.Ops+"/readyz"); err != nil {
		t.Error(err)
	}

	// A namespace that has nothing to do with the two costs them nothing. It counts for another
	// policy, and so the keeper has seen it.
	create(other, `{namespaceSelector: {matchLabels: {team: `+team+`-other}}}`)
	k.wantStatus(t, other, 0, nil, effective, noConflict)
	k.wantWrites(t, other)
	unrelated := shared.namespace(t, map[string]string{"team": team + "-other"})
	k.wantStatus(t, other, 1, []string{unrelated}, effective, noConflict)
	k.wantWrites(t, other)

	// What changes is followed, and what stays keeps its time.
	label(bare, `{"netmode.io/policy": "enabled"}`)
	after := k.wantStatus(t, low, 2, nil, overridden, nothingInCommon)
	k.wantWrites(t, low, high)
	for i := range after.Status.Conditions {
		if !after.Status.Conditions[i].LastTransitionTime.Equal(&before.Status.Conditions[i].LastTransitionTime) {
			t.Errorf("%s: lastTransitionTime changed with the status the same", after.Status.Conditions[i].Type)
		}
	}
	label(labelled, `{"team": null}`)
	k.wantStatus(t, high, 1, nil, refused, nothingInCommon)
	k.wantWrites(t, low, high)
	patch := []byte(`{"spec": {"allowedModes": ["headless", "hostnetwork"], "defaultMode": null}}`)
	if _, err := shared.policies(t).Patch(t.Context(), high, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	k.wantStatus(t, high, 1, nil, effective, noConflict)
	after = k.wantStatus(t, low, 1, nil, effective, noConflict)
	k.wantWrites(t, low, high)
	label(labelled, `{"team": "`+team+`"}`)
	k.wantStatus(t, high, 2, nil, effective, noConflict)
	if now := k.wantStatus(t, low, 2, nil, effective, noConflict); now.Metadata.Generation != after.Metadata.Generation {
		t.Errorf("the status changed the spec: generation %d, was %d", now.Metadata.Generation, after.Metadata.Generation)
	}
	k.wantWrites(t, low, high)

	// The counter and the log have the same writes.
	logged := k.writes("")
	counted := k.metric(t.Context(), t, "netmode_policies_status_writes_total")
	if counted < logged {
		t.Errorf("%d writes are counted, and %d logged", counted, logged)
	}
	if err := shared.poll(t.Context(), "more writes are counted than logged", func(context.Context) error {
		if logged := k.writes(""); logged < counted {
			return fmt.Errorf("%d and %d", counted, logged)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if failed := k.metric(t.Context(), t, "netmode_policies_failures_total"); failed > 0 {
		t.Errorf("%d failures: %s", failed, k.log)
	}
}
