package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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

// TestPolicyStatus: netmode-webhook policies, with the rights of its ServiceAccount, writes what
// becomes of policies, and writes nothing while nothing changes.
func TestPolicyStatus(t *testing.T) {
	t.Parallel()
	kubeconfig, err := shared.kubeconfig(t.Context(), "netmode-policies")
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := startProcess(t.Context(), "keeping statuses of policies", shared.program, "policies", "--kubeconfig="+kubeconfig, "--ops-listen=127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := keeper.stop(); err != nil {
			t.Error(err)
		}
	}()
	team := "status-" + shared.namespace(t, nil)
	labelled := shared.namespace(t, map[string]string{"team": team, api.LabelPolicy: api.PolicyEnabled})
	bare := shared.namespace(t, map[string]string{"team": team})
	low, high := team+"-low", team+"-high"
	for name, spec := range map[string]string{
		low:  `{namespaceSelector: {matchLabels: {team: ` + team + `}}, defaultMode: headless, allowedModes: [headless]}`,
		high: `{namespaceSelector: {matchLabels: {team: ` + team + `}}, priority: 7, defaultMode: hostnetwork, allowedModes: [hostnetwork]}`,
	} {
		if _, err := shared.policies(t).Create(t.Context(), newPolicy(t, name, spec), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := shared.policies(t).Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait := func(name string, selected int, unlabelled []string, conditions ...string) *seenPolicy {
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
			t.Fatalf("%v\n%s", err, keeper.log)
		}
		return seen
	}
	seen := wait(low, 2, []string{bare}, "Effective=False/Overridden", "Conflict=True/NothingInCommon")
	for i, word := range []string{high, high} {
		if !strings.Contains(seen.Status.Conditions[i].Message, word) {
			t.Errorf("%s does not name policy %s: %s", seen.Status.Conditions[i].Type, word, seen.Status.Conditions[i].Message)
		}
	}
	seen = wait(high, 2, []string{bare}, "Effective=True/Effective", "Conflict=True/NothingInCommon")
	var managers []string
	for _, f := range seen.Metadata.ManagedFields {
		if f.Subresource == "status" {
			managers = append(managers, f.Manager+" "+string(f.Operation))
		}
	}
	if diff := cmp.Diff([]string{"netmode-policies Apply"}, managers); diff != "" {
		t.Errorf("managers of the status (-want +got):\n%s", diff)
	}
	if _, err := fetch(t.Context(), "http://"+keeper.started.Ops+"/readyz"); err != nil {
		t.Error(err)
	}

	// What changes is followed, and what stays keeps its time. A namespace that has nothing to do
	// with the policies changes none of them.
	before := wait(low, 2, []string{bare}, "Effective=False/Overridden", "Conflict=True/NothingInCommon")
	label := func(name, labels string) {
		t.Helper()
		patch := []byte(`{"metadata": {"labels": ` + labels + `}}`)
		if _, err := shared.admin.CoreV1().Namespaces().Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	shared.namespace(t, map[string]string{"team": "another"})
	label(bare, `{"netmode.io/policy": "enabled"}`)
	after := wait(low, 2, nil, "Effective=False/Overridden", "Conflict=True/NothingInCommon")
	for i := range after.Status.Conditions {
		if !after.Status.Conditions[i].LastTransitionTime.Equal(&before.Status.Conditions[i].LastTransitionTime) {
			t.Errorf("%s: lastTransitionTime changed with the status the same", after.Status.Conditions[i].Type)
		}
	}
	label(labelled, `{"team": null}`)
	wait(high, 1, nil, "Effective=True/Effective", "Conflict=True/NothingInCommon")
	patch := []byte(`{"spec": {"allowedModes": ["headless", "hostnetwork"], "defaultMode": null}}`)
	if _, err := shared.policies(t).Patch(t.Context(), high, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	wait(high, 1, nil, "Effective=True/Effective", "Conflict=False/NoConflict")
	after = wait(low, 1, nil, "Effective=True/Effective", "Conflict=False/NoConflict")

	// Each change cost one write at most: two policies were made and six changes followed.
	text, err := fetch(t.Context(), "http://"+keeper.started.Ops+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "\nnetmode_policies_failures_total 0\n") {
		t.Errorf("failures: %s", keeper.log)
	}
	label(labelled, `{"nobody": "selects-this"}`)
	label(labelled, `{"team": "`+team+`"}`)
	wait(high, 2, nil, "Effective=True/Effective", "Conflict=False/NoConflict")
	if now := wait(low, 2, nil, "Effective=True/Effective", "Conflict=False/NoConflict"); now.Metadata.Generation != after.Metadata.Generation {
		t.Errorf("the status changed the spec: generation %d, was %d", now.Metadata.Generation, after.Metadata.Generation)
	}
}
