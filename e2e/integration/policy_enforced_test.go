package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
)

// enforcedPolicy is a policy for one namespace of no label, whose pods no webhook is asked about.
type enforcedPolicy struct {
	*world
	name, namespace string
	object          *unstructured.Unstructured
}

func (w *world) enforced(t *testing.T) *enforcedPolicy {
	t.Helper()
	return w.enforcedIn(t, w.namespace(t, nil), onlyHeadless)
}

// enforcedIn is a policy of this spec for a namespace that is there.
func (w *world) enforcedIn(t *testing.T, namespace, spec string) *enforcedPolicy {
	t.Helper()
	p := &enforcedPolicy{world: w, namespace: namespace}
	p.name = "enforced-" + p.namespace
	policy := newPolicy(t, p.name, spec)
	policy.Object["spec"].(map[string]any)["namespaceSelector"] = map[string]any{ //nolint:errcheck // newPolicy makes it so
		"matchLabels": map[string]any{corev1.LabelMetadataName: p.namespace},
	}
	p.object = policy
	p.create(t)
	return p
}

func (p *enforcedPolicy) create(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	made, err := p.policies(t).Create(t.Context(), p.object.DeepCopy(), metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.policies(t).Delete(context.WithoutCancel(t.Context()), p.name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	return made
}

// object names of the policy.
func (p *enforcedPolicy) forPods() string { return "netmode-policy-" + p.name }

func (p *enforcedPolicy) admission() admissionclient.ValidatingAdmissionPolicyInterface {
	return p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies()
}

func (p *enforcedPolicy) bindings() admissionclient.ValidatingAdmissionPolicyBindingInterface {
	return p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
}

// until polls, and fails with what the program logged.
func (p *enforcedPolicy) until(t *testing.T, what string, ask func(context.Context) error) {
	t.Helper()
	if err := p.poll(t.Context(), what, ask); err != nil {
		t.Fatalf("%v\n%s", err, p.controller)
	}
}

// denied is an error unless the API server itself refuses the pod.
func (p *enforcedPolicy) denied(ctx context.Context, pod []byte) error {
	a := p.post(ctx, p.namespace, "pods", pod, dryRun)
	if want := "ValidatingAdmissionPolicy '" + p.forPods() + "' with binding '" + p.forPods() + "' denied request: "; a.err == nil || !strings.Contains(a.err.Error(), want) {
		return fmt.Errorf("got %w, want %s", errors.Join(errors.New("the answer"), a.err), want)
	}
	return nil
}

func (p *enforcedPolicy) wantDenied(t *testing.T) {
	t.Helper()
	pod := toJSON(t, byHand)
	p.until(t, "the pod is not refused", func(ctx context.Context) error { return p.denied(ctx, pod) })
}

func (p *enforcedPolicy) wantOpen(t *testing.T) {
	t.Helper()
	pod := toJSON(t, byHand)
	p.until(t, "the pod is still refused", func(ctx context.Context) error { return p.post(ctx, p.namespace, "pods", pod, dryRun).err })
}

// wantEnforced waits for the condition, and returns its message.
func (p *enforcedPolicy) wantEnforced(t *testing.T, status, reason string) string {
	t.Helper()
	var message string
	p.until(t, "condition Enforced of "+p.name, func(ctx context.Context) error {
		seen, err := p.seePolicy(ctx, t, p.name)
		if err != nil {
			return err
		}
		c := meta.FindStatusCondition(seen.Status.Conditions, "Enforced")
		if c == nil || string(c.Status) != status || c.Reason != reason || c.ObservedGeneration != seen.Metadata.Generation {
			return fmt.Errorf("it is %+v", c)
		}
		message = c.Message
		return nil
	})
	return message
}

// wantNothingLeft waits until no object of the policy is there.
func (p *enforcedPolicy) wantNothingLeft(t *testing.T) {
	t.Helper()
	p.until(t, "objects are left", func(ctx context.Context) error {
		for _, name := range []string{p.forPods(), "netmode-service-policy-" + p.name} {
			_, err := p.admission().Get(ctx, name, metav1.GetOptions{})
			_, other := p.bindings().Get(ctx, name, metav1.GetOptions{})
			if !apierrors.IsNotFound(err) || !apierrors.IsNotFound(other) {
				return fmt.Errorf("%s: policy %w, binding %w", name, err, other)
			}
		}
		return nil
	})
}

const onlyHeadless = `{allowedModes: [headless]}`

// TestEnforcedByTheAPIServer: what a policy forbids is refused with no webhook asked, in a
// namespace with no label, for as long as the policy says so.
func TestEnforcedByTheAPIServer(t *testing.T) {
	t.Parallel()
	p := shared.enforced(t)
	p.wantDenied(t)
	if message := p.wantEnforced(t, "True", "Enforced"); message != "bound with Deny" {
		t.Errorf("Enforced says %q", message)
	}
	a := p.post(t.Context(), p.namespace, "pods", toJSON(t, byHand), dryRun)
	if want := "spec.hostNetwork: Invalid value: true: policy " + p.name + " allows the host network to no pod"; a.err == nil || !strings.Contains(a.err.Error(), want) {
		t.Errorf("got %v, want %s", a.err, want)
	}
	if asked := p.webhook.log.about(p.namespace); asked != "" {
		t.Errorf("the webhook was asked: %s", asked)
	}
	service := toJSON(t, `{metadata: {name: s, annotations: {netmode.io/mode: statefulset-headless}}, spec: {selector: {a: b}, ports: [{port: 80}]}}`)
	p.until(t, "the Service is not refused", func(ctx context.Context) error {
		a := p.post(ctx, p.namespace, "services", service, dryRun)
		if want := "ValidatingAdmissionPolicy 'netmode-service-policy-" + p.name + "'"; a.err == nil || !strings.Contains(a.err.Error(), want) {
			return fmt.Errorf("got %w, want %s", errors.Join(errors.New("the answer"), a.err), want)
		}
		return nil
	})

	// A policy stored while its schema had a default lets pods on the host network by hand.
	p.patch(t, `{"spec": {"hostNetwork": {"allowUnmanaged": true}}}`)
	p.wantOpen(t)
	p.until(t, "status tells nobody", func(context.Context) error {
		message := p.wantEnforced(t, "True", "Enforced") //nolint:contextcheck // it polls with t's
		if !strings.Contains(message, "remove allowUnmanaged if that is not meant") {
			return errors.New(message)
		}
		return nil
	})
	p.patch(t, `{"spec": {"hostNetwork": null, "allowedModes": null}}`)
	p.wantEnforced(t, "True", "NothingForbidden")
	p.wantNothingLeft(t)
}

func (p *enforcedPolicy) patch(t *testing.T, patch string) {
	t.Helper()
	if _, err := p.policies(t).Patch(t.Context(), p.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestDriftIsRepaired: whatever others change is put right, soon, and once.
func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	p := shared.enforced(t)
	p.wantEnforced(t, "True", "Enforced")
	name := p.forPods()
	good, err := p.admission().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	good.ObjectMeta = metav1.ObjectMeta{Labels: good.Labels, OwnerReferences: good.OwnerReferences}
	for what, drift := range map[string]func(context.Context) error{
		"a condition that never holds": func(ctx context.Context) error {
			return p.patchAdmission(ctx, `{"spec": {"matchConditions": [{"name": "never", "expression": "false"}]}}`)
		},
		"failurePolicy": func(ctx context.Context) error { return p.patchAdmission(ctx, `{"spec": {"failurePolicy": "Ignore"}}`) },
		"no validation but one": func(ctx context.Context) error {
			return p.patchAdmission(ctx, `{"spec": {"validations": [{"expression": "true"}]}}`)
		},
		"no labels": func(ctx context.Context) error { return p.patchAdmission(ctx, `{"metadata": {"labels": null}}`) },
		"no owner": func(ctx context.Context) error {
			return p.patchAdmission(ctx, `{"metadata": {"ownerReferences": null}}`)
		},
		"one more owner": func(ctx context.Context) error {
			namespace, err := p.admin.CoreV1().Namespaces().Get(ctx, p.namespace, metav1.GetOptions{})
			if err != nil {
				return err
			}
			return p.patchAdmission(ctx, fmt.Sprintf(`{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": %q, "uid": %q}]}}`, p.namespace, namespace.UID))
		},
		"bound with Audit": func(ctx context.Context) error {
			_, err := p.bindings().Patch(ctx, name, types.MergePatchType, []byte(`{"spec": {"validationActions": ["Audit"]}}`), metav1.PatchOptions{})
			return err
		},
		"no binding": func(ctx context.Context) error { return p.bindings().Delete(ctx, name, metav1.DeleteOptions{}) },
		"no policy":  func(ctx context.Context) error { return p.admission().Delete(ctx, name, metav1.DeleteOptions{}) },
	} {
		if err := drift(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		start := time.Now()
		p.until(t, what+" stays", func(ctx context.Context) error {
			now, err := p.admission().Get(ctx, name, metav1.GetOptions{})
			binding, other := p.bindings().Get(ctx, name, metav1.GetOptions{})
			if err := errors.Join(err, other); err != nil {
				return err
			}
			now.ObjectMeta = metav1.ObjectMeta{Labels: now.Labels, OwnerReferences: now.OwnerReferences}
			now.Status = good.Status
			if diff := cmp.Diff(good, now); diff != "" {
				return fmt.Errorf("the policy (-good +now):\n%s", diff)
			}
			if diff := cmp.Diff([]registrationv1.ValidationAction{registrationv1.Deny}, binding.Spec.ValidationActions); diff != "" {
				return fmt.Errorf("the binding's actions (-want +got):\n%s", diff)
			}
			return nil
		})
		t.Logf("%s: repaired after %s", what, time.Since(start).Round(time.Millisecond))
		p.wantEnforced(t, "True", "Enforced")
	}
	p.wantDenied(t)

	// Nothing is written again and again: another policy's drift, repaired later, proves that
	// rounds have gone by.
	before, err := p.admission().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		q := shared.enforced(t)
		q.wantEnforced(t, "True", "Enforced")
	}
	after, err := p.admission().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after.ResourceVersion != before.ResourceVersion {
		t.Errorf("written though nothing had changed: %+v\nwas %+v", after, before)
	}
}

func (p *enforcedPolicy) patchAdmission(ctx context.Context, patch string) error {
	_, err := p.admission().Patch(ctx, p.forPods(), types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"})
	return err
}

// TestPolicyMadeAnew: a policy deleted and made again under its name refuses as before, and
// what enforces it belongs to the new one alone.
func TestPolicyMadeAnew(t *testing.T) {
	t.Parallel()
	p := shared.enforced(t)
	p.wantEnforced(t, "True", "Enforced")
	before, err := p.admission().Get(t.Context(), p.forPods(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.policies(t).Delete(t.Context(), p.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	again := p.create(t)
	p.until(t, "owners", func(ctx context.Context) error {
		now, err := p.admission().Get(ctx, p.forPods(), metav1.GetOptions{})
		binding, other := p.bindings().Get(ctx, p.forPods(), metav1.GetOptions{})
		if err := errors.Join(err, other); err != nil {
			return err
		}
		for _, owners := range [][]metav1.OwnerReference{now.OwnerReferences, binding.OwnerReferences} {
			if len(owners) != 1 || owners[0].UID != again.GetUID() {
				return fmt.Errorf("%+v", owners)
			}
		}
		t.Logf("the same object: %t", now.UID == before.UID)
		return nil
	})
	p.wantEnforced(t, "True", "Enforced")
	p.wantDenied(t)
	if err := p.policies(t).Delete(t.Context(), p.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.wantOpen(t)
	p.wantNothingLeft(t)
}

// TestNameTaken: an object that is not netmode's is left alone, and status says what to do.
func TestNameTaken(t *testing.T) {
	t.Parallel()
	p := &enforcedPolicy{world: shared, namespace: shared.namespace(t, nil)}
	p.name = "enforced-" + p.namespace
	foreign := newAdmissionPolicy(p.forPods(), p.namespace, registrationv1.Validation{Expression: "true"})
	if _, err := p.admission().Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p.object = newPolicy(t, p.name, `{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+p.namespace+`}}, allowedModes: [headless]}`)
	p.create(t)
	if message := p.wantEnforced(t, "False", "NameTaken"); !strings.Contains(message, "delete that one") {
		t.Error(message)
	}
	now, err := p.admission().Get(t.Context(), p.forPods(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if now.Generation != 1 || len(now.Labels) > 0 {
		t.Errorf("it was changed: %+v", now)
	}
	if err := p.admission().Delete(t.Context(), p.forPods(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.wantEnforced(t, "True", "Enforced")
	p.wantDenied(t)
}
