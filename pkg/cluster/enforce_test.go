package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	kubetesting "k8s.io/client-go/testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// enforcing is a PolicyController in a cluster, in a bubble of its own time.
type enforcing struct {
	*PolicyController
	t        *testing.T
	client   *fake.Clientset
	policies *dynamicfake.FakeDynamicClient

	mu       sync.Mutex
	actions  map[string]int // kind action
	enforced map[metav1.ConditionStatus]int
	failed   error
	unread   bool // NetworkModePolicies cannot be listed or watched
}

func enforce(t *testing.T, settings policy.AdmissionSettings, policies []runtime.Object, others ...runtime.Object) *enforcing {
	t.Helper()
	e := &enforcing{t: t, client: fake.NewClientset(others...), policies: newPolicies(policies...), actions: map[string]int{}}
	e.policies.PrependReactor("patch", "networkmodepolicies", e.writeStatus)
	refuse := func() (bool, error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.unread, apierrors.NewNotFound(PolicyResource().GroupResource(), "")
	}
	e.policies.PrependReactor("list", "*", func(kubetesting.Action) (bool, runtime.Object, error) {
		refused, err := refuse()
		return refused, nil, err
	})
	hooks := PolicyHooks{
		StatusWritten: func() { e.count("status") },
		ObjectWritten: func(kind ObjectKind, action ObjectAction) {
			e.count(strings.TrimPrefix(string(kind), "ValidatingAdmission") + " " + string(action))
		},
		Enforced: func(counts map[metav1.ConditionStatus]int) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.enforced = maps.Clone(counts)
		},
		Failed: func(err error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.failed = err
		},
	}
	var err error
	if e.PolicyController, err = NewPolicyController(e.client, e.policies, settings, hooks, logr.Discard()); err != nil {
		t.Fatal(err)
	}
	return e
}

// run has it work until the bubble ends.
func (e *enforcing) run() {
	ctx, cancel := context.WithCancel(e.t.Context())
	ended := make(chan struct{})
	go func() { e.Run(ctx); close(ended) }()
	e.t.Cleanup(func() { cancel(); <-ended })
	e.later(3 * time.Second)
}

// later is when all that is due by then is done.
func (e *enforcing) later(after time.Duration) {
	<-time.After(after)
	synctest.Wait()
}

func (e *enforcing) admissionPolicies() admissionclient.ValidatingAdmissionPolicyInterface {
	return e.client.AdmissionregistrationV1().ValidatingAdmissionPolicies()
}

func (e *enforcing) admissionBindings() admissionclient.ValidatingAdmissionPolicyBindingInterface {
	return e.client.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
}

func (e *enforcing) count(action string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.actions[action]++
}

// did returns what was done to objects since it was asked last.
func (e *enforcing) did() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for action, n := range e.actions {
		if action != "status" {
			all = append(all, fmt.Sprintf("%d %s", n, action))
		}
	}
	e.actions = map[string]int{}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// counted is how many policies have a status of Enforced.
func (e *enforcing) counted(status metav1.ConditionStatus) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.enforced[status]
}

// failure is what went wrong last.
func (e *enforcing) failure() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed == nil {
		return ""
	}
	return e.failed.Error()
}

func (e *enforcing) wantDone(want string) {
	e.t.Helper()
	if did := e.did(); did != want {
		e.t.Errorf("did %q, want %q", did, want)
	}
}

// writeStatus applies a status, as an API server does.
func (e *enforcing) writeStatus(action kubetesting.Action) (bool, runtime.Object, error) {
	patch, ok := action.(kubetesting.PatchAction)
	if !ok || action.GetSubresource() != "status" {
		return true, nil, fmt.Errorf("%+v", action)
	}
	stored, err := e.policies.Tracker().Get(PolicyResource(), "", patch.GetName())
	if err != nil {
		return true, nil, err
	}
	object, ok := stored.(*unstructured.Unstructured)
	if !ok {
		return true, nil, fmt.Errorf("%T", stored)
	}
	object = object.DeepCopy()
	var applied map[string]any
	if err := json.Unmarshal(patch.GetPatch(), &applied); err != nil {
		return true, nil, err
	}
	object.Object["status"] = applied["status"]
	return true, object, e.policies.Tracker().Update(PolicyResource(), object, "")
}

// condition is what Enforced says of a policy.
func (e *enforcing) condition(name string) string {
	e.t.Helper()
	stored, err := e.resource.Get(e.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	conditions, _, err := unstructured.NestedSlice(stored.Object, "status", "conditions")
	if err != nil {
		e.t.Fatal(err)
	}
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == policy.ConditionEnforced {
			return fmt.Sprintf("%s %s: %s", c["status"], c["reason"], c["message"])
		}
	}
	return ""
}

func (e *enforcing) wantCondition(name, want string) {
	e.t.Helper()
	if got := e.condition(name); !strings.HasPrefix(got, want) {
		e.t.Errorf("%s: Enforced is %q, want %q", name, got, want)
	}
}

// objects are the names of what there is, policies first.
func (e *enforcing) objects() string {
	e.t.Helper()
	policies, err := e.admissionPolicies().List(e.t.Context(), metav1.ListOptions{})
	bindings, other := e.admissionBindings().List(e.t.Context(), metav1.ListOptions{})
	if err := errors.Join(err, other); err != nil {
		e.t.Fatal(err)
	}
	var names []string
	for i := range policies.Items {
		names = append(names, policies.Items[i].Name)
	}
	for i := range bindings.Items {
		names = append(names, "->"+bindings.Items[i].Spec.PolicyName)
	}
	return strings.Join(names, " ")
}

func (e *enforcing) wantObjects(want string) {
	e.t.Helper()
	if got := e.objects(); got != want {
		e.t.Errorf("there is %q, want %q", got, want)
	}
}

func forbidding(extra ...map[string]any) map[string]any {
	spec := selecting("a")
	spec["allowedModes"] = []any{"headless"}
	for _, more := range extra {
		maps.Copy(spec, more)
	}
	return spec
}

// forAnyPod has a policy judge no Services.
func forAnyPod() map[string]any { return map[string]any{"podSelector": map[string]any{}} }

const both = "netmode-policy-p netmode-service-policy-p ->netmode-policy-p ->netmode-service-policy-p"

// What a policy forbids comes, changes and goes with it.
func TestEnforce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{ExemptNamespaces: []string{"kube-system"}}, []runtime.Object{newPolicy("p", 1, forbidding()), newPolicy("gives", 1, selecting("a"))})
		e.run()
		e.wantDone("2 Policy created, 2 PolicyBinding created")
		e.wantObjects(both)
		e.wantCondition("p", "True Enforced: bound with Deny")
		e.wantCondition("gives", "True NothingForbidden")
		stored, err := e.admissionPolicies().Get(t.Context(), "netmode-policy-p", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if owners := stored.OwnerReferences; len(owners) != 1 || owners[0].UID != "uid-of-p" || owners[0].Kind != api.PolicyKind {
			t.Errorf("owners %+v", owners)
		}
		if n := e.counted(metav1.ConditionTrue); !e.Ready() || n != 2 {
			t.Errorf("ready %t, %d enforced", e.Ready(), n)
		}
		e.later(2 * retryAfter) // for what an earlier version left
		writes := len(e.client.Actions())
		e.later(time.Hour)
		calls := slices.DeleteFunc(slices.Clone(e.client.Actions()[writes:]), func(a kubetesting.Action) bool {
			return a.Matches("get", "validatingwebhookconfigurations")
		})
		if looked := len(e.client.Actions()) - writes; len(calls) > 0 || looked > int(time.Hour/lookAgainAfter) {
			t.Errorf("in an hour in which nothing changes %d looks for what an earlier version left, and %v", looked, calls)
		}

		// One for pods alone has none for Services.
		e.update(newPolicy("p", 2, forbidding(map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "db"}}, "enforcement": "Warn"})))
		e.later(2 * time.Second)
		e.wantDone("1 Policy changed, 1 Policy deleted, 1 PolicyBinding changed, 1 PolicyBinding deleted")
		e.wantObjects("netmode-policy-p ->netmode-policy-p")
		e.wantCondition("p", "True Enforced: bound with Warn")

		e.update(newPolicy("p", 3, selecting("a")))
		e.later(2 * time.Second)
		e.wantDone("1 Policy deleted, 1 PolicyBinding deleted")
		e.wantCondition("p", "True NothingForbidden")

		// What is not understood stays what it was.
		e.update(newPolicy("p", 4, forbidding()))
		e.later(2 * time.Second)
		e.wantDone("2 Policy created, 2 PolicyBinding created")
		e.update(newPolicy("p", 5, map[string]any{"namespaceSelector": map[string]any{}, "defaultMode": "mesh"}))
		e.later(2 * time.Second)
		e.wantDone("")
		e.wantObjects(both)
		e.wantCondition("p", "False NotUnderstood: what the API server held of the policy before, if anything, it still holds")

		// So does what belongs to a policy that is being deleted, until it is gone.
		e.update(newPolicy("p", 6, forbidding()))
		deleting := newPolicy("p", 7, forbidding(map[string]any{"allowedModes": []any{"hostnetwork"}}))
		deleting.SetDeletionTimestamp(new(metav1.Now()))
		e.update(deleting)
		e.later(2 * time.Second)
		e.wantDone("")
		e.wantCondition("p", "False NotApplied: ValidatingAdmissionPolicy netmode-policy-p and its binding are not as the policy has it, and are tried again: the policy is being deleted")
		e.delete("p")
		e.later(2 * time.Second)
		e.wantDone("2 Policy deleted, 2 PolicyBinding deleted")
		e.wantObjects("")
	})
}

func (e *enforcing) update(p *unstructured.Unstructured) {
	e.t.Helper()
	if err := e.policies.Tracker().Update(PolicyResource(), p, ""); err != nil {
		e.t.Fatal(err)
	}
}

func (e *enforcing) delete(name string) {
	e.t.Helper()
	if err := e.policies.Tracker().Delete(PolicyResource(), "", name); err != nil {
		e.t.Fatal(err)
	}
}

// Whatever others change is put right within about a second, and once.
func TestDrift(t *testing.T) {
	deny := func(b *admissionBinding) {
		b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
	}
	drifts := map[string]struct {
		policy  func(*admissionPolicy)
		binding func(*admissionBinding)
		want    string
	}{
		"failurePolicy": {policy: func(p *admissionPolicy) { p.Spec.FailurePolicy = new(admissionregistrationv1.Ignore) }, want: "1 Policy repaired"},
		"another condition": {policy: func(p *admissionPolicy) {
			p.Spec.MatchConditions = append(p.Spec.MatchConditions, admissionregistrationv1.MatchCondition{Name: "never", Expression: "false"})
		}, want: "1 Policy repaired"},
		"a validation removed": {policy: func(p *admissionPolicy) { p.Spec.Validations = p.Spec.Validations[1:] }, want: "1 Policy repaired"},
		"paramKind": {policy: func(p *admissionPolicy) {
			p.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"}
		}, want: "1 Policy repaired"},
		"a label removed":    {policy: func(p *admissionPolicy) { delete(p.Labels, "app.kubernetes.io/component") }, want: "1 Policy repaired"},
		"all labels removed": {policy: func(p *admissionPolicy) { p.Labels = nil }, want: "1 Policy repaired"},
		"no owner":           {policy: func(p *admissionPolicy) { p.OwnerReferences = nil }, want: "1 Policy repaired"},
		"a second owner": {policy: func(p *admissionPolicy) {
			p.OwnerReferences = append(p.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Namespace", Name: "default", UID: "n"})
		}, want: "1 Policy repaired"},
		"the binding's actions": {binding: func(b *admissionBinding) { deny(b) }, want: "1 PolicyBinding repaired"},
		"the binding's policy":  {binding: func(b *admissionBinding) { b.Spec.PolicyName = "other" }, want: "1 PolicyBinding repaired"},
		"the binding's resource": {binding: func(b *admissionBinding) {
			b.Spec.MatchResources = &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
		}, want: "1 PolicyBinding repaired"},
		"annotations are others'": {policy: func(p *admissionPolicy) { p.Annotations = map[string]string{"team": "a"} }, want: ""},
		"more labels, too":        {policy: func(p *admissionPolicy) { p.Labels["team"] = "a" }, want: ""},
	}
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding(forAnyPod(), map[string]any{"enforcement": "Warn"}))})
		e.run()
		e.wantDone("1 Policy created, 1 PolicyBinding created")
		get := func() (*admissionPolicy, *admissionBinding) {
			p, err := e.admissionPolicies().Get(t.Context(), "netmode-policy-p", metav1.GetOptions{})
			b, other := e.admissionBindings().Get(t.Context(), "netmode-policy-p", metav1.GetOptions{})
			if err := errors.Join(err, other); err != nil {
				t.Fatal(err)
			}
			return p.DeepCopy(), b.DeepCopy()
		}
		goodPolicy, goodBinding := get()
		for what, drift := range drifts {
			p, b := get()
			var err error
			if drift.policy != nil {
				drift.policy(p)
				_, err = e.admissionPolicies().Update(t.Context(), p, metav1.UpdateOptions{FieldManager: "somebody"})
			} else {
				drift.binding(b)
				_, err = e.admissionBindings().Update(t.Context(), b, metav1.UpdateOptions{FieldManager: "somebody"})
			}
			if err != nil {
				t.Fatal(err)
			}
			e.later(1100 * time.Millisecond)
			if did := e.did(); did != drift.want {
				t.Errorf("%s: did %q, want %q", what, did, drift.want)
			}
			e.later(time.Minute)
			p, b = get()
			if did := e.did(); did != "" || !e.admission.inOrder(goodPolicy, p) || !e.bindings.inOrder(goodBinding, b) {
				t.Errorf("%s: did %q more; failed %s", what, did, e.failure())
			}
		}
	})
}

// An object that is deleted comes back.
func TestDeletedObjectsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding())})
		e.run()
		e.did()
		if err := errors.Join(
			e.admissionPolicies().Delete(t.Context(), "netmode-service-policy-p", metav1.DeleteOptions{}),
			e.admissionBindings().Delete(t.Context(), "netmode-policy-p", metav1.DeleteOptions{}),
		); err != nil {
			t.Fatal(err)
		}
		e.later(1100 * time.Millisecond)
		e.wantDone("1 Policy repaired, 1 PolicyBinding repaired")
		e.wantObjects(both)
	})
}

// A policy made anew under its name takes over in place, without a gap.
func TestPolicyMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding())})
		e.run()
		e.update(newPolicy("p", 2, forbidding()))
		e.later(time.Millisecond) // the next round is a second away
		e.did()
		e.delete("p")
		again := newPolicy("p", 1, forbidding())
		again.SetUID("another")
		if err := e.policies.Tracker().Add(again); err != nil {
			t.Fatal(err)
		}
		e.later(2 * time.Second)
		e.wantDone("2 Policy changed, 2 PolicyBinding changed")
		b, err := e.admissionBindings().Get(t.Context(), "netmode-policy-p", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(b.OwnerReferences) != 1 || b.OwnerReferences[0].UID != "another" {
			t.Errorf("owners %+v", b.OwnerReferences)
		}
	})
}

// What has the name and is not netmode's is left alone, until it is gone.
func TestNameTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		foreign := &admissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "netmode-policy-p", Labels: map[string]string{"app.kubernetes.io/name": "netmode"}}}
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding())}, foreign)
		e.run()
		e.wantDone("1 Policy created, 1 PolicyBinding created")
		e.wantObjects("netmode-policy-p netmode-service-policy-p ->netmode-service-policy-p") // a binding would bind the other's
		e.wantCondition("p", "False NameTaken: ValidatingAdmissionPolicy netmode-policy-p is there and is not netmode's, so that the policy is not enforced: delete that one,")
		if !e.Ready() {
			t.Error(e.failure())
		}
		if err := e.admissionPolicies().Delete(t.Context(), foreign.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		e.later(retryAfter + time.Second)
		e.wantDone("1 Policy created, 1 PolicyBinding created")
		e.wantCondition("p", "True Enforced")
	})
}

// A policy that is gone by the time that its objects are due owns nothing.
func TestNothingIsAppliedForAPolicyThatIsGone(t *testing.T) {
	for what, answer := range map[string]func() (*unstructured.Unstructured, error){
		"not there": func() (*unstructured.Unstructured, error) {
			return nil, apierrors.NewNotFound(PolicyResource().GroupResource(), "p")
		},
		"another": func() (*unstructured.Unstructured, error) {
			p := newPolicy("p", 1, forbidding())
			p.SetUID("another")
			return p, nil
		},
		"being deleted": func() (*unstructured.Unstructured, error) {
			p := newPolicy("p", 1, forbidding())
			p.SetDeletionTimestamp(new(metav1.Now()))
			return p, nil
		},
		"not to be read": func() (*unstructured.Unstructured, error) {
			return nil, apierrors.NewForbidden(PolicyResource().GroupResource(), "p", errors.New("no right"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding())})
				e.policies.PrependReactor("get", "*", func(kubetesting.Action) (bool, runtime.Object, error) {
					p, err := answer()
					return true, p, err
				})
				e.run()
				e.wantDone("")
				e.wantObjects("")
			})
		})
	}
}

// While policies cannot be read, nothing is applied, and nothing is deleted but
// what belonged to a policy that was seen to go.
func TestPoliciesThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding()), newPolicy("q", 1, forbidding(forAnyPod()))})
		e.run()
		e.did()
		absent := error(apierrors.NewNotFound(PolicyResource().GroupResource(), ""))
		e.PolicyController.policies.answered(absent)
		if err := e.admissionBindings().Delete(t.Context(), "netmode-policy-q", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		e.later(2 * time.Second)
		e.wantDone("")
		e.wantCondition("q", "False NotApplied: ")
		if e.Ready() || !strings.Contains(e.failure(), "nothing is applied while NetworkModePolicies cannot be read: ") {
			t.Errorf("ready %t, failed %s", e.Ready(), e.failure())
		}
		e.delete("p")
		e.later(2 * time.Second)
		e.wantDone("2 Policy deleted, 2 PolicyBinding deleted")

		e.PolicyController.policies.answered(nil)
		e.later(retryAfter)
		e.wantDone("1 PolicyBinding repaired")
		if !e.Ready() {
			t.Error(e.failure())
		}
	})
}

// Before policies have been read, nothing is known to be an orphan.
func TestPoliciesThatWereNeverRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := owned("netmode-policy-p", "p", "uid-of-p")
		e := enforce(t, policy.AdmissionSettings{}, nil, kept)
		e.unread = true
		e.run()
		e.later(time.Minute)
		e.wantDone("")
		e.wantObjects("netmode-policy-p")
		if e.Ready() {
			t.Error("ready")
		}
	})
}

func owned(name, by string, uid types.UID) *admissionPolicy {
	return &admissionPolicy{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: policy.AdmissionLabels(),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: api.PolicyAPIVersion, Kind: api.PolicyKind, Name: by, UID: uid}},
	}}
}

// What is left of policies that went while the program was away goes, too.
func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exported := owned("netmode-policy-exported", "", "")
		exported.OwnerReferences = nil
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("late", 1, selecting("a"))},
			owned("netmode-policy-gone", "gone", "g"), owned("netmode-policy-late", "late", "before"), exported)
		e.run()
		e.wantDone("2 Policy deleted")
		e.wantObjects("netmode-policy-exported")
	})
}

// What the API server makes of what is applied is not applied again.
func TestDefaultsOfTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{}, []runtime.Object{newPolicy("p", 1, forbidding(forAnyPod()))})
		e.client.PrependReactor("patch", "validatingadmissionpolicybindings", func(action kubetesting.Action) (bool, runtime.Object, error) {
			patch, ok := action.(kubetesting.PatchAction)
			if !ok {
				return false, nil, nil
			}
			b := &admissionBinding{}
			if patch.GetPatchType() == types.ApplyPatchType {
				if err := json.Unmarshal(patch.GetPatch(), b); err != nil {
					return true, nil, err
				}
				b.Spec.MatchResources = &admissionregistrationv1.MatchResources{MatchPolicy: new(admissionregistrationv1.Equivalent)}
				return true, b, e.client.Tracker().Add(b)
			}
			stored, err := e.client.Tracker().Get(admissionregistrationv1.SchemeGroupVersion.WithResource("validatingadmissionpolicybindings"), "", patch.GetName())
			return true, stored, err
		})
		e.run()
		e.later(time.Minute)
		e.wantDone("1 Policy created, 1 PolicyBinding created")
		e.wantCondition("p", "True Enforced")
	})
}

// A policy that the API server refuses keeps no other from being enforced.
func TestRefusedByTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enforce(t, policy.AdmissionSettings{ObserveOnly: true}, []runtime.Object{newPolicy("p", 1, forbidding(forAnyPod())), newPolicy("q", 1, forbidding(forAnyPod()))})
		e.client.PrependReactor("patch", "validatingadmissionpolicies", func(action kubetesting.Action) (bool, runtime.Object, error) {
			patch, ok := action.(kubetesting.PatchAction)
			return ok && patch.GetName() == "netmode-policy-p", nil, errors.New("spec.validations[0]: too costly")
		})
		e.run()
		e.wantDone("1 Policy created, 1 PolicyBinding created")
		e.wantObjects("netmode-policy-q ->netmode-policy-q")
		e.wantCondition("p", "False NotApplied: ValidatingAdmissionPolicy netmode-policy-p and its binding are not as the policy has it, and are tried again: spec.validations[0]: too costly")
		e.wantCondition("q", "False ObserveOnly: ")
		if e.Ready() || !strings.Contains(e.failure(), "enforce policy p: spec.validations[0]: too costly") {
			t.Errorf("ready %t, failed %s", e.Ready(), e.failure())
		}
	})
}
