package integration

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	"github.com/netmode-io/netmode/pkg/api"
)

// TestHelm: what TestUpgrade says holds of helm upgrade, too, which deletes what the new chart has
// no more; and helm uninstall leaves nothing that refuses. As there, today's webhook runs from the
// start, which is the worst order. It has a cluster of its own, since netmode is there by Helm.
func TestHelm(t *testing.T) {
	t.Run("server-side apply", func(t *testing.T) { testHelm(t, true) })
	t.Run("client-side, as Helm 3 did", func(t *testing.T) { testHelm(t, false) })
}

func testHelm(t *testing.T, serverSide bool) {
	t.Parallel()
	var h *helm
	w, err := newWorld(t.Context(), func(w *world, ctx context.Context) (err error) {
		if h, err = newHelm(w, serverSide); err != nil {
			return err
		}
		return h.installEarlier(ctx)
	})
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := w.enforcedIn(t, w.namespace(t, map[string]string{api.LabelPolicy: api.PolicyEnabled}), hostNetworkOnly)
	p.untilRefused(t, "netmode is not asked at /mutate: ")
	load := p.startLoadOf(t, p.namespace, byHand, wantRefused)

	// The upgrade keeps what refuses, until the API server itself does.
	must(h.upgrade(t.Context(), chartFolder))
	if !p.earlierConfigurationIsThere(t.Context(), t) {
		t.Error("the upgrade deleted the configuration")
	}
	p.untilRefused(t, notAskedAtValidate)
	w.restartController(t)
	p.untilEarlierConfigurationIsGone(t)
	p.wantDenied(t)
	p.until(t, "others are not served again", func(ctx context.Context) error {
		return w.post(ctx, p.namespace, "pods", toJSON(t, asksForHost), dryRun).err
	})

	// A rollback to that upgrade brings the configuration back, until netmode-policies starts in the
	// version rolled back to. The next upgrade finds none to delete.
	const upgraded = 3
	must(h.rollback(upgraded))
	if !p.earlierConfigurationIsThere(t.Context(), t) {
		t.Error("the rollback did not bring the configuration back")
	}
	w.stopController(t)
	w.restartController(t)
	p.untilEarlierConfigurationIsGone(t)
	must(h.upgrade(t.Context(), chartFolder))
	p.wantDenied(t)
	load.stop(t)

	w.stopController(t) // the Deployment goes first, as the chart's README says
	must(h.uninstall())
	p.wantOpen(t)
	p.wantNothingLeft(t)
	must(w.post(t.Context(), p.namespace, "pods", toJSON(t, asksForHost), dryRun).err)
	p.until(t, "objects are left", w.nothingLabelled)
}

// installEarlier installs the earlier chart, and makes what the earlier programs did: the Secrets,
// and the caBundles of the ValidatingWebhookConfiguration.
func (h *helm) installEarlier(ctx context.Context) error {
	if err := h.startServing(ctx, func(ctx context.Context) error {
		if h.webhook != nil {
			return h.upgrade(ctx, earlierChart)
		}
		if err := h.install(ctx, earlierChart); err != nil {
			return err
		}
		for _, name := range []string{"netmode-webhook-tls", "netmode-webhook-tls-ca"} {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if _, err := h.admin.CoreV1().Secrets(system).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return h.poll(ctx, "no caBundle", func(ctx context.Context) error {
		mutating, err := h.configuration(ctx)
		if err != nil {
			return err
		}
		bundle := mutating.Webhooks[0].ClientConfig.CABundle
		if len(bundle) == 0 {
			return errors.New("none in " + mutating.Webhooks[0].Name)
		}
		webhooks := h.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations()
		validating, err := webhooks.Get(ctx, mutating.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		var entries []map[string]any
		for i := range validating.Webhooks {
			entries = append(entries, map[string]any{"name": validating.Webhooks[i].Name, "clientConfig": map[string]any{"caBundle": bundle}})
		}
		patch, err := json.Marshal(map[string]any{"webhooks": entries})
		if err != nil {
			return err
		}
		_, err = webhooks.Patch(ctx, mutating.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: "netmode-certificates"})
		return err
	})
}

// nothingLabelled is an error as long as any object has netmode's label.
func (w *world) nothingLabelled(ctx context.Context) error {
	client, err := dynamic.NewForConfig(w.config)
	if err != nil {
		return err
	}
	lists, err := w.admin.Discovery().ServerPreferredResources()
	if err != nil {
		return err
	}
	var left []string
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return err
		}
		for _, kind := range list.APIResources {
			found, err := client.Resource(version.WithResource(kind.Name)).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=netmode"})
			if apierrors.IsNotFound(err) {
				continue // its CustomResourceDefinition has just gone
			}
			if err != nil {
				return err
			}
			for _, o := range found.Items {
				left = append(left, kind.Kind+" "+o.GetName())
			}
		}
	}
	if len(left) > 0 {
		return errors.New(strings.Join(left, ", "))
	}
	return nil
}
