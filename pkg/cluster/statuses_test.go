package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"

	"github.com/netmode-io/netmode/pkg/api/v1alpha1"
	"github.com/netmode-io/netmode/pkg/policy"
)

func noHooks() PolicyHooks {
	return PolicyHooks{
		StatusWritten: func() {}, ObjectWritten: func(ObjectKind, ObjectAction) {},
		Enforced: func(map[metav1.ConditionStatus]int) {}, Failed: func(error) {},
	}
}

// A status is written once, also while the informer has not seen it, again when
// it has to be another, and again after a failure.
func TestStatusIsWrittenOnce(t *testing.T) {
	client := fake.NewClientset(newNamespace("a", map[string]string{"team": "a"}))
	policies := newPolicies(newPolicy("p", 1, selecting("a")))
	var mu sync.Mutex
	var sent []v1alpha1.Status
	fail := true
	policies.PrependReactor("patch", "networkmodepolicies", func(action kubetesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		if fail {
			fail = false
			return true, nil, errors.New("etcd is away")
		}
		patch, ok := action.(kubetesting.PatchAction)
		if !ok || action.GetSubresource() != "status" {
			t.Errorf("%+v", action)
			return true, nil, errors.New("no status")
		}
		var object struct{ Status v1alpha1.Status }
		if err := json.Unmarshal(patch.GetPatch(), &object); err != nil {
			t.Error(err)
		}
		sent = append(sent, object.Status)
		return true, newPolicy("p", 1, selecting("a")), nil
	})
	var failed, written int
	hooks := noHooks()
	hooks.StatusWritten, hooks.Failed = func() { written++ }, func(error) { failed++ }
	k, err := NewPolicyController(client, policies, policy.AdmissionSettings{ExemptNamespaces: []string{"kube-system"}}, hooks, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { k.Run(ctx); close(ended) }()
	eventually(t, k.Ready) // after the second try
	cancel()
	<-ended
	if failed != 1 || written != 1 || len(sent) != 1 || sent[0].SelectedNamespaces != 1 || sent[0].ObservedGeneration != 1 || len(sent[0].Conditions) != 3 {
		t.Fatalf("failed %d times, written %d times: %+v", failed, written, sent)
	}

	for range 3 {
		if _, err := k.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if written != 1 {
		t.Errorf("written %d times, though nothing changed", written)
	}
	trimmed, err := (&trimmer{}).namespace(newNamespace("b", map[string]string{"team": "a"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.namespaces.GetStore().Add(trimmed); err != nil {
		t.Fatal(err)
	}
	if _, err := k.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if written != 2 || sent[1].SelectedNamespaces != 2 {
		t.Errorf("written %d times, last %+v", written, sent[len(sent)-1])
	}
}

// The status of a policy that this build does not understand says so.
func TestStatusOfPolicyThatDoesNotCompile(t *testing.T) {
	policies := newPolicies(newPolicy("newer", 1, map[string]any{"namespaceSelector": map[string]any{}, "defaultMode": "mesh"}))
	sent := make(chan string, 1)
	policies.PrependReactor("patch", "networkmodepolicies", func(action kubetesting.Action) (bool, runtime.Object, error) {
		if patch, ok := action.(kubetesting.PatchAction); ok {
			sent <- string(patch.GetPatch())
		}
		return true, newPolicy("newer", 1, selecting("a")), nil
	})
	hooks := noHooks()
	hooks.Failed = func(err error) { t.Error(err) }
	k, err := NewPolicyController(fake.NewClientset(), policies, policy.AdmissionSettings{}, hooks, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	status := <-sent
	cancel()
	running.Wait()
	for _, want := range []string{`"NotUnderstood"`, "spec.defaultMode: Unsupported value", `"selectedNamespaces":0`} {
		if !strings.Contains(status, want) {
			t.Errorf("%s is not in %s", want, status)
		}
	}
}

// A condition keeps the time of its last transition as long as its status stays.
func TestTransitionTimes(t *testing.T) {
	early, late := metav1.NewTime(time.Unix(1_000, 0)), metav1.NewTime(time.Unix(2_000, 0))
	p := &statusPolicy{}
	p.Generation = 3
	status := func(effective metav1.ConditionStatus) policy.Status {
		return policy.Status{Conditions: []policy.Condition{
			{Type: policy.ConditionEffective, Status: effective, Reason: "Any", Message: "m"}, {Type: policy.ConditionConflict, Status: metav1.ConditionFalse, Reason: "Other", Message: "m"},
		}}
	}
	p.status = p.next(status(metav1.ConditionTrue), early)
	next := p.next(status(metav1.ConditionFalse), late)
	want := []v1alpha1.Condition{
		{Type: "Effective", Status: metav1.ConditionFalse, ObservedGeneration: 3, LastTransitionTime: late, Reason: "Any", Message: "m"},
		{Type: "Conflict", Status: metav1.ConditionFalse, ObservedGeneration: 3, LastTransitionTime: early, Reason: "Other", Message: "m"},
	}
	if diff := cmp.Diff(want, next.Conditions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
