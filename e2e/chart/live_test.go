package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	resources "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/yaml"
)

// live is a cluster for the chart's lookups, with the objects of a manifest each.
type live struct{ client *fake.FakeDynamicClient }

func newLive(t *testing.T, manifests ...string) live {
	t.Helper()
	var all []runtime.Object
	for _, manifest := range manifests {
		o := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(manifest), &o.Object); err != nil {
			t.Fatalf("%v in\n%s", err, manifest)
		}
		all = append(all, o)
	}
	return live{fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[resources.GroupVersionResource]string{
		{Version: "v1", Resource: "secrets"}: "SecretList",
		{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}: "ValidatingWebhookConfigurationList",
	}, all...)}
}

// GetClientFor implements engine.ClientProvider.
func (l live) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	version, err := resources.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, false, err
	}
	resource := map[string]string{"Secret": "secrets", "ValidatingWebhookConfiguration": "validatingwebhookconfigurations"}[kind]
	return l.client.Resource(version.WithResource(resource)), kind == "Secret", nil
}

const (
	ours   = `annotations: {meta.helm.sh/release-name: netmode, meta.helm.sh/release-namespace: netmode-system}`
	theirs = `annotations: {meta.helm.sh/release-name: netmode, meta.helm.sh/release-namespace: elsewhere}`
	old    = `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration,
		metadata: {name: netmode, uid: a, resourceVersion: '7', generation: 2, labels: {app.kubernetes.io/name: netmode}, ANNOTATIONS},
		webhooks: [{name: asked.validate.netmode.io, failurePolicy: Fail, clientConfig: {caBundle: Y2E=, service: {name: netmode-webhook, namespace: netmode-system, path: /validate, port: 443}}}]}`
	secret = `{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {name: NAME, namespace: netmode-system, ANNOTATIONS}, data: {tls.crt: Yw==}}` //nolint:gosec // no secret
)

func annotated(manifest, annotations string) string {
	return strings.ReplaceAll(manifest, "ANNOTATIONS", annotations)
}

func named(name string) string { return strings.ReplaceAll(secret, "NAME", name) }

// An upgrade must not delete the configuration of an earlier version, which still enforces policies:
// netmode-policies does, in time. What Helm finds there it writes again as it is; once it is gone, and
// where it is another's, nothing. Uninstalled, it goes: a configuration whose webhook is away
// refuses everything that asks.
func TestEarlierValidatingWebhook(t *testing.T) {
	c := load(t)
	const name = "ValidatingWebhookConfiguration netmode"
	for _, values := range []string{"", "observeOnly: true"} {
		kept := render(t, c, Release{Values: values, Cluster: newLive(t, annotated(old, ours))}).Objects
		want := map[string]any{
			"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
			"metadata": map[string]any{"name": "netmode", "labels": map[string]any{"app.kubernetes.io/name": "netmode"}, "annotations": map[string]any{}},
			"webhooks": []any{map[string]any{"name": "asked.validate.netmode.io", "failurePolicy": "Fail", "clientConfig": map[string]any{
				"service": map[string]any{"name": "netmode-webhook", "namespace": "netmode-system", "path": "/validate", "port": int64(443)},
			}}},
		}
		if diff := cmp.Diff(want, byName(t, kept)[name]); diff != "" {
			t.Errorf("%s: -want +have:\n%s", values, diff)
		}
		for _, cluster := range []live{newLive(t), newLive(t, annotated(old, theirs)), newLive(t, annotated(old, "annotations: {}")), newLive(t, annotated(old, "generateName: x"))} {
			if have := byName(t, render(t, c, Release{Values: values, Cluster: cluster}).Objects)[name]; have != nil {
				t.Errorf("%s: %v", values, have)
			}
		}
	}
}

// A Secret that an earlier version's program made is not Helm's: Helm would refuse to adopt it. One
// that Helm made stays in the release, without data.
func TestEarlierSecrets(t *testing.T) {
	c := load(t)
	const leaf, authority = "netmode-webhook-tls", "netmode-webhook-tls-ca"
	standard := render(t, c, Release{}).Objects
	for _, tt := range []struct {
		cluster live
		want    []string
	}{
		{newLive(t), nil},
		{newLive(t, annotated(named(leaf), ours), annotated(named(authority), ours)), nil},
		{newLive(t, annotated(named(leaf), "annotations: {}"), annotated(named(authority), "generateName: x")), []string{"Secret " + leaf + " gone", "Secret " + authority + " gone"}},
		{newLive(t, annotated(named(leaf), theirs)), []string{"Secret " + leaf + " gone"}},
	} {
		have := render(t, c, Release{Cluster: tt.cluster}).Objects
		if diff := cmp.Diff(tt.want, difference(t, standard, have)); diff != "" {
			t.Errorf("-want +have:\n%s", diff)
		}
	}
}
