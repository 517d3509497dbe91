package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// TestUpgrade: an earlier version had a ValidatingWebhookConfiguration whose entry for policies
// fails open. In the worst order its webhook is replaced before the API server itself holds the
// policies: pods are refused then, rather than let in, and served as soon as it does. What the
// earlier version left is gone by then. It stops what all share, so it runs alone.
func TestUpgrade(t *testing.T) {
	shared.stopController(t)
	p := shared.enforcedIn(t, shared.namespace(t, map[string]string{api.LabelPolicy: api.PolicyEnabled}), hostNetworkOnly)
	shared.earlierConfiguration(t, p.namespace)
	p.untilRefused(t, notAskedAtValidate)

	// From here on a pod that the policy forbids must never be accepted.
	load := shared.startLoadOf(t, p.namespace, byHand, wantRefused)
	shared.restartController(t)
	p.untilEarlierConfigurationIsGone(t)
	p.wantDenied(t)
	p.until(t, "others are not served again", func(ctx context.Context) error {
		return shared.post(ctx, p.namespace, "pods", toJSON(t, asksNothing), dryRun).err
	})
	load.stop(t)
}

// notAskedAtValidate is what today's webhook says where an earlier one judged.
const notAskedAtValidate = "netmode is not asked at /validate: apply netmode's current webhook configuration"

// wantRefused is an error if the pod was accepted.
func wantRefused(a *answer) error {
	if a.err == nil {
		return errors.New("the gap is open")
	}
	return nil
}

func (p *enforcedPolicy) untilEarlierConfigurationIsGone(t *testing.T) {
	t.Helper()
	p.until(t, "the earlier configuration stays", func(ctx context.Context) error {
		if p.earlierConfigurationIsThere(ctx, t) {
			return errors.New("it is there")
		}
		return nil
	})
}

func (p *enforcedPolicy) earlierConfigurationIsThere(ctx context.Context, t *testing.T) bool {
	t.Helper()
	_, err := p.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(ctx, "netmode", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

// untilRefused waits until a pod on the host network by hand is refused so.
func (p *enforcedPolicy) untilRefused(t *testing.T, want string) {
	t.Helper()
	if err := p.poll(t.Context(), "the pod is not refused", func(ctx context.Context) error {
		if a := p.post(ctx, p.namespace, "pods", toJSON(t, byHand), dryRun); a.err == nil || !strings.Contains(a.err.Error(), want) {
			return fmt.Errorf("%w, want %s", errors.Join(errors.New("the answer"), a.err), want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// earlierConfiguration is what an earlier version installed, for one namespace.
func (w *world) earlierConfiguration(t *testing.T, namespace string) {
	t.Helper()
	mutating, err := w.configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := w.webhook.listen()
	if err != nil {
		t.Fatal(err)
	}
	webhooks := w.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err = webhooks.Create(t.Context(), &registrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "netmode", Labels: map[string]string{"app.kubernetes.io/name": "netmode"}},
		Webhooks: []registrationv1.ValidatingWebhook{{
			Name: "policy.validate.netmode.io",
			ClientConfig: registrationv1.WebhookClientConfig{
				Service:  &registrationv1.ServiceReference{Namespace: system, Name: "netmode-webhook", Path: new("/validate"), Port: &port},
				CABundle: mutating.Webhooks[0].ClientConfig.CABundle,
			},
			Rules: []registrationv1.RuleWithOperations{{
				Operations: []registrationv1.OperationType{registrationv1.Create},
				Rule:       registrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			FailurePolicy:           new(registrationv1.Ignore),
			SideEffects:             new(registrationv1.SideEffectClassNone),
			TimeoutSeconds:          new(int32(3)),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := webhooks.Delete(context.WithoutCancel(t.Context()), "netmode", metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}
