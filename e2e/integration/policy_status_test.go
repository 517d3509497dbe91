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

// controller is netmode-webhook policies, as a test looks at it.
type controller struct {
	*process
	// settled are the policies of the test as they were seen last, by name.
	settled map[string]*seenPolicy
}

// wantUntouched holds it to write nothing of the policies that are as they were seen.
func (k *controller) wantUntouched(t *testing.T) {
	t.Helper()
	for name, before := range k.settled {
		now, err := shared.seePolicy(t.Context(), t, name)
		if err != nil {
			t.Fatal(err)
		}
		if now.Metadata.ResourceVersion != before.Metadata.ResourceVersion {
			t.Errorf("the status of %s was written, though nothing had changed: %+v, was %+v", name, now.Status, before.Status)
		}
	}
}

// writes are the lines about a policy whose status was written; "" stands for all policies.
func (k *controller) writes(policy string) int {
	return k.log.count(`"msg":"status written","policy":"` + policy)
}

// metric is one without labels.
func (k *controller) metric(ctx context.Context, t *testing.T, name string) int {
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
func (k *controller) wantStatus(t *testing.T, name string, selected int, unlabelled []string, conditions ...string) *seenPolicy {
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
	k.settled[name] = seen
	return seen
}

// TestPolicyStatus: netmode-webhook policies, with the rights of its ServiceAccount, writes what
// becomes of policies, and nothing where nothing changes.
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
		enforced                       = "Enforced=True/Enforced"
	)
	k := &controller{process: shared.controller, settled: map[string]*seenPolicy{}}
	failedBefore := k.metric(t.Context(), t, "netmode_policies_failures_total")

	create(low, `{namespaceSelector: {matchLabels: {team: `+team+`}}, defaultMode: headless, allowedModes: [headless]}`)
	k.wantStatus(t, low, 2, []string{bare}, effective, noConflict, enforced)
	k.wantUntouched(t)
	create(high, `{namespaceSelector: {matchLabels: {team: `+team+`}}, priority: 7, defaultMode: hostnetwork, allowedModes: [hostnetwork]}`)
	before := k.wantStatus(t, low, 2, []string{bare}, overridden, nothingInCommon, enforced)
	for _, condition := range before.Status.Conditions[:2] {
		if !strings.Contains(condition.Message, high) {
			t.Errorf("%s does not name policy %s: %s", condition.Type, high, condition.Message)
		}
	}
	seen := k.wantStatus(t, high, 2, []string{bare}, refused, nothingInCommon, enforced)
	k.wantUntouched(t)
	var managers []string
	for _, f := range seen.Metadata.ManagedFields {
		if f.Subresource == "status" {
			managers = append(managers, f.Manager+" "+string(f.Operation))
		}
	}
	if diff := cmp.Diff([]string{"netmode-policies Apply"}, managers); diff != "" {
		t.Errorf("managers of the status (-want +got):\n%s", diff)
	}
	if err := k.ready(t.Context()); err != nil {
		t.Error(err)
	}

	// A namespace that has nothing to do with the two costs them nothing. It counts for another
	// policy, and so the controller has seen it.
	create(other, `{namespaceSelector: {matchLabels: {team: `+team+`-other}}}`)
	k.wantStatus(t, other, 0, nil, effective, noConflict, "Enforced=True/NothingForbidden")
	k.wantUntouched(t)
	shared.namespace(t, map[string]string{"team": team + "-other"})
	k.wantStatus(t, other, 1, nil, effective, noConflict, "Enforced=True/NothingForbidden")
	k.wantUntouched(t)

	// What changes is followed, and what stays keeps its time.
	label(bare, `{"netmode.io/policy": "enabled"}`)
	after := k.wantStatus(t, low, 2, nil, overridden, nothingInCommon, enforced)
	k.wantStatus(t, high, 2, nil, refused, nothingInCommon, enforced)
	k.wantUntouched(t)
	for i := range after.Status.Conditions {
		if !after.Status.Conditions[i].LastTransitionTime.Equal(&before.Status.Conditions[i].LastTransitionTime) {
			t.Errorf("%s: lastTransitionTime changed with the status the same", after.Status.Conditions[i].Type)
		}
	}
	label(labelled, `{"team": null}`)
	k.wantStatus(t, low, 1, nil, overridden, nothingInCommon, enforced)
	k.wantStatus(t, high, 1, nil, refused, nothingInCommon, enforced)
	k.wantUntouched(t)
	patch := []byte(`{"spec": {"allowedModes": ["headless", "hostnetwork"], "defaultMode": null}}`)
	if _, err := shared.policies(t).Patch(t.Context(), high, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	k.wantStatus(t, high, 1, nil, effective, noConflict, enforced)
	after = k.wantStatus(t, low, 1, nil, effective, noConflict, enforced)
	k.wantUntouched(t)
	label(labelled, `{"team": "`+team+`"}`)
	k.wantStatus(t, high, 2, nil, effective, noConflict, enforced)
	if now := k.wantStatus(t, low, 2, nil, effective, noConflict, enforced); now.Metadata.Generation != after.Metadata.Generation {
		t.Errorf("the status changed the spec: generation %d, was %d", now.Metadata.Generation, after.Metadata.Generation)
	}
	k.wantUntouched(t)

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
	if failed := k.metric(t.Context(), t, "netmode_policies_failures_total"); failed > failedBefore {
		t.Errorf("%d failures: %s", failed-failedBefore, k.log)
	}
}
