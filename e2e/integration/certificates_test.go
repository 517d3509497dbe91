package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestCertificates follows netmode-webhook certificates, with the rights that the manifests give
// it, through what can happen to its Secrets. It changes what all share, so it runs alone.
func TestCertificates(t *testing.T) {
	t.Run("only the caBundles are written", func(t *testing.T) { wantOnlyBundles(t) })

	ns := shared.namespace(t, nil)
	// under runs a change while pods are created, until the chain holds again, the webhook
	// presents it, and done is true of it. None of the pods may fail.
	under := func(t *testing.T, change func() error, done func(before, now *chain) error) {
		t.Helper()
		before, err := shared.chain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		load := shared.startLoad(t, ns)
		defer load.stop(t)
		if err := change(); err != nil {
			t.Fatal(err)
		}
		shared.wantSoon(t, func(ctx context.Context) error {
			now, err := shared.chain(ctx)
			if err != nil {
				return err
			}
			return errors.Join(shared.presented(ctx, now), done(before, now))
		})
	}

	t.Run("a serving Secret without data is filled again", func(t *testing.T) {
		under(t, func() error {
			return shared.emptySecret(t.Context(), servingSecret)
		}, func(before, now *chain) error {
			return same(before.leaf.Equal(now.leaf), "the same certificate")
		})
	})

	t.Run("a serving Secret that is emptied is restored", func(t *testing.T) {
		under(t, func() error {
			return shared.editSecret(t.Context(), servingSecret, func(data map[string][]byte) error {
				data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey] = nil, nil
				return nil
			})
		}, func(before, now *chain) error {
			return same(before.leaf.Equal(now.leaf), "the same certificate")
		})
	})

	t.Run("a new certificate", func(t *testing.T) {
		under(t, func() error {
			return shared.editSecret(t.Context(), authoritySecret, func(data map[string][]byte) error {
				delete(data, corev1.TLSCertKey)
				return nil
			})
		}, func(before, now *chain) error {
			return same(!before.leaf.Equal(now.leaf) && now.authorities() == 1, "another certificate of the same CA")
		})
	})

	t.Run("a new CA", func(t *testing.T) {
		under(t, func() error {
			if err := shared.emptySecret(t.Context(), authoritySecret); err != nil {
				return err
			}
			shared.wantSoon(t, shared.endTheWait)
			return nil
		}, func(before, now *chain) error {
			return same(!bytes.Equal(before.leaf.AuthorityKeyId, now.leaf.AuthorityKeyId), "a certificate of another CA")
		})
		now, err := shared.chain(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now.authorities() != 2 {
			t.Errorf("%d CAs in the caBundles, want the old one, too, while its certificate is valid", now.authorities())
		}
	})

	t.Run("two that install at once end in one chain", func(t *testing.T) { wantOneChain(t) })
}

// endTheWait has netmode-certificates believe that the caBundles have had the new CA for long. It
// fails until they have it.
func (w *world) endTheWait(ctx context.Context) error {
	return w.editSecret(ctx, authoritySecret, func(data map[string][]byte) error {
		var state map[string]any
		if err := json.Unmarshal(data["state.json"], &state); err != nil {
			return err
		}
		if state["settledAt"] == nil {
			return errors.New("the caBundles do not have the new CA yet")
		}
		state["settledAt"] = time.Now().Add(-2 * time.Minute).UTC().Format(time.RFC3339)
		var err error
		data["state.json"], err = json.Marshal(state)
		return err
	})
}

// wantOneChain starts over, with two processes.
func wantOneChain(t *testing.T) {
	ctx := t.Context()
	if err := shared.certificates.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{servingSecret, authoritySecret} {
		if err := shared.emptySecret(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	mutating, err := shared.configuration(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mutating.Webhooks {
		mutating.Webhooks[i].ClientConfig.CABundle = nil
	}
	registration := shared.admin.AdmissionregistrationV1()
	if _, err := registration.MutatingWebhookConfigurations().Update(ctx, mutating, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}

	started := make(chan *process, 2)
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			p, err := shared.startCertificates(ctx)
			started <- p
			failed <- err
		}()
	}
	var second *process
	shared.certificates, second = <-started, <-started
	if err := errors.Join(<-failed, <-failed); err != nil {
		t.Fatal(err)
	}
	shared.wantSoon(t, func(ctx context.Context) error {
		for _, p := range []*process{shared.certificates, second} {
			if err := p.ready(ctx); err != nil {
				return err
			}
		}
		now, err := shared.chain(ctx)
		if err != nil {
			return err
		}
		return errors.Join(shared.presented(ctx, now), same(now.authorities() == 1, "one CA"))
	})
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	if err := shared.waitUntilServed(ctx); err != nil {
		t.Error(err)
	}
}

// wantOnlyBundles compares the webhook configurations with the manifests.
func wantOnlyBundles(t *testing.T) {
	objects, err := shared.manifests()
	if err != nil {
		t.Fatal(err)
	}
	mutating, err := shared.configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.GetKind() != "MutatingWebhookConfiguration" {
			continue
		}
		want := &registrationv1.MutatingWebhookConfiguration{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, want); err != nil {
			t.Fatal(err)
		}
		for i := range want.Webhooks {
			want.Webhooks[i].ClientConfig.CABundle = mutating.Webhooks[i].ClientConfig.CABundle
			want.Webhooks[i].ObjectSelector = &metav1.LabelSelector{} // Kubernetes' default
		}
		wantWritten(t, &want.ObjectMeta, &mutating.ObjectMeta, want.Webhooks, mutating.Webhooks)
	}
}

// wantWritten holds a configuration to the manifest's labels and webhooks, and netmode-certificates
// to owning the caBundles alone.
func wantWritten(t *testing.T, wantMeta, gotMeta *metav1.ObjectMeta, want, got []registrationv1.MutatingWebhook) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("webhooks (-manifest +stored):\n%s", diff)
	}
	if diff := cmp.Diff(wantMeta.Labels, gotMeta.Labels); diff != "" {
		t.Errorf("labels (-manifest +stored):\n%s", diff)
	}
	owned := map[string]any{}
	for _, webhook := range got {
		owned[fmt.Sprintf("k:{\"name\":%q}", webhook.Name)] = map[string]any{"f:clientConfig": map[string]any{"f:caBundle": map[string]any{}}}
	}
	fields := map[string]any{"f:webhooks": owned}
	for _, entry := range gotMeta.ManagedFields {
		if entry.Manager != "netmode-certificates" {
			continue
		}
		var written map[string]any
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &written); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fields, written); diff != "" {
			t.Errorf("fields of netmode-certificates (-want +got):\n%s", diff)
		}
		return
	}
	t.Errorf("nothing is netmode-certificates': %v", gotMeta.ManagedFields)
}

// editSecret changes a Secret's data.
func (w *world) editSecret(ctx context.Context, name string, edit func(map[string][]byte) error) error {
	secrets := w.admin.CoreV1().Secrets(system)
	secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := edit(secret.Data); err != nil {
		return err
	}
	_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
	return err
}

// emptySecret leaves a Secret as it was installed.
func (w *world) emptySecret(ctx context.Context, name string) error {
	return w.editSecret(ctx, name, func(data map[string][]byte) error {
		clear(data)
		return nil
	})
}

func same(ok bool, want string) error {
	if ok {
		return nil
	}
	return errors.New("it is not yet " + want)
}

// wantSoon asks until there is no error.
func (w *world) wantSoon(t *testing.T, ask func(context.Context) error) {
	t.Helper()
	if err := w.poll(t.Context(), "it does not come to that", ask); err != nil {
		t.Fatalf("%v\n%s", err, w.certificates.log)
	}
}
