package integration

import (
	"context"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// TestRemoval: in whatever order netmode is removed, nothing is left that refuses. It has a
// cluster of its own, since it takes the CustomResourceDefinition away.
func TestRemoval(t *testing.T) {
	w, err := newWorld(t.Context(), (*world).install)
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("policy while the program runs", func(t *testing.T) {
		p := w.enforced(t)
		p.wantDenied(t)
		p.deletePolicy(t)
		p.wantOpen(t)
		p.wantNothingLeft(t)
	})
	t.Run("policy without the program", func(t *testing.T) {
		p := w.enforced(t)
		p.wantDenied(t)
		w.stopController(t)
		p.deletePolicy(t)
		p.wantOpen(t)
		p.wantNothingLeft(t)
	})
	t.Run("CustomResourceDefinition while the program runs", func(t *testing.T) {
		w.restartController(t)
		p, q := w.enforced(t), w.enforced(t)
		p.wantDenied(t)
		q.wantDenied(t)
		w.deleteDefinition(t)
		for _, p := range []*enforcedPolicy{p, q} {
			p.wantOpen(t)
			p.wantNothingLeft(t)
		}
	})
	t.Run("and it comes back", func(t *testing.T) {
		if err := w.apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.enforced(t).wantDenied(t)
	})
	t.Run("CustomResourceDefinition without the program", func(t *testing.T) {
		p := w.enforced(t)
		p.wantDenied(t)
		w.stopController(t)
		w.deleteDefinition(t)
		p.wantOpen(t)
		p.wantNothingLeft(t)
	})
}

// TestLeftover: what an earlier version left goes once all policies are enforced. It goes before
// its webhook could refuse what other tests do.
func TestLeftover(t *testing.T) {
	t.Parallel()
	webhooks := shared.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := webhooks.Create(t.Context(), &registrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "netmode", Labels: map[string]string{"app.kubernetes.io/name": "netmode"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := shared.kubeconfig(t.Context(), "netmode-policies")
	if err != nil {
		t.Fatal(err)
	}
	program, err := startProcess(t.Context(), "keeping policies", shared.program, "policies", "--kubeconfig="+kubeconfig, "--own-namespace="+system, "--ops-listen=127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := program.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := shared.poll(t.Context(), "it stays", func(ctx context.Context) error {
		if _, err := webhooks.Get(ctx, "netmode", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, program.log)
	}
}

func (p *enforcedPolicy) deletePolicy(t *testing.T) {
	t.Helper()
	if err := p.policies(t).Delete(t.Context(), p.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) stopController(t *testing.T) {
	t.Helper()
	if err := w.controller.stop(); err != nil {
		t.Fatal(err)
	}
	w.controller = nil
}

func (w *world) restartController(t *testing.T, flags ...string) {
	t.Helper()
	if err := w.startController(context.WithoutCancel(t.Context()), flags...); err != nil {
		t.Fatal(err)
	}
}

func (w *world) deleteDefinition(t *testing.T) {
	t.Helper()
	client, err := dynamic.NewForConfig(w.config)
	if err != nil {
		t.Fatal(err)
	}
	definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if err := definitions.Delete(t.Context(), "networkmodepolicies.policy.netmode.io", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
