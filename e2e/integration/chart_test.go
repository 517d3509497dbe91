package integration

import (
	"context"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	discovery "k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/netmode-io/netmode/e2e/chart"
)

// TestChart: the API server takes what the Helm chart holds, and warns of nothing. The caBundle
// stays, as it is not the chart's. Nothing is stored.
func TestChart(t *testing.T) {
	t.Parallel()
	c, err := chart.Load(filepath.Join(repository, "deploy", "helm"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(shared.config)
	if err != nil {
		t.Fatal(err)
	}
	kinds := restmapper.NewDeferredDiscoveryRESTMapper(discovery.NewMemCacheClient(shared.admin.Discovery()))
	const affinity = `{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app.kubernetes.io/name: netmode}}}]}}`
	for _, tt := range []struct{ name, podSecurity, values string }{
		{"defaults", "restricted", ""},
		{"observe only", "restricted", "observeOnly: true"},
		{"cert-manager", "restricted", "certificates: {issuer: cert-manager}"},
		{"host network", "privileged", "{hostNetwork: {enabled: true}, clusterDNS: [10.96.0.10, 'fd00::10'], clusterDomain: cluster.local}"},
		{"all of a pod", "restricted", `{
			imagePullSecrets: [{name: registry}], priorityClassName: "", excludedNamespaces: [storage],
			policies: {tolerations: [{operator: Exists}]},
			webhook: {replicas: 1, timeoutSeconds: 30, extraArgs: [--log-level=debug], nodeSelector: {disk: ssd}, affinity: ` + affinity + `,
				tolerations: [{key: dedicated, operator: Equal, value: infra, effect: NoExecute, tolerationSeconds: 60}],
				resources: {limits: {cpu: 2, memory: 1Gi, ephemeral-storage: 1Mi}}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns := shared.namespace(t, map[string]string{
				"pod-security.kubernetes.io/enforce": tt.podSecurity, "pod-security.kubernetes.io/warn": tt.podSecurity,
			})
			rendered, err := chart.Render(c, chart.Release{Namespace: ns, Values: tt.values})
			if err != nil {
				t.Fatal(err)
			}
			bundles := 0
			for _, o := range rendered.Objects {
				kind := o.GroupVersionKind()
				if kind.Group == "cert-manager.io" { // it is not in this cluster
					continue
				}
				mapping, err := kinds.RESTMapping(kind.GroupKind(), kind.Version)
				if err != nil {
					t.Fatal(err)
				}
				got, a := do(t.Context(), func(ctx context.Context) (*unstructured.Unstructured, error) {
					content, err := o.MarshalJSON()
					if err != nil {
						return nil, err
					}
					return client.Resource(mapping.Resource).Namespace(o.GetNamespace()).Patch(ctx, o.GetName(), types.ApplyPatchType, content, metav1.PatchOptions{
						FieldManager: "helm", Force: new(true), FieldValidation: metav1.FieldValidationStrict, DryRun: []string{metav1.DryRunAll},
					})
				})
				if a.err != nil {
					t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), a.err)
					continue
				}
				wantWarnings(t, a)
				bundles += countBundles(t, got)
			}
			if bundles != 4 {
				t.Errorf("%d of 4 webhooks have a caBundle", bundles)
			}
		})
	}
}

// countBundles says how many webhooks of a configuration have a caBundle.
func countBundles(t *testing.T, o *unstructured.Unstructured) int {
	t.Helper()
	entries, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		fields, ok := entry.(map[string]any)
		if !ok {
			t.Fatalf("%s: a webhook is %v", o.GetName(), entry)
		}
		if bundle, _, err := unstructured.NestedString(fields, "clientConfig", "caBundle"); err == nil && bundle != "" {
			count++
		}
	}
	return count
}
