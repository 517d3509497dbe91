package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestDryRun: kubectl's --dry-run=server shows what would be stored, and stores nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	for resource, manifest := range map[string]string{
		"services": `{metadata: {name: peers, annotations: {netmode.io/mode: statefulset-headless}}, spec: {selector: {app: peer}}}`,
		"pods": `{metadata: {name: peer-0, annotations: {netmode.io/mode: statefulset-headless, netmode.io/service: elsewhere}},
			spec: {containers: [{name: c, image: i}]}}`,
	} {
		t.Run(resource, func(t *testing.T) {
			object := toJSON(t, manifest)
			dry := shared.post(t.Context(), ns, resource, object, dryRun)
			if dry.err != nil {
				t.Fatal(dry.err)
			}
			table, err := shared.admin.CoreV1().RESTClient().Get().Namespace(ns).Resource(resource).Do(t.Context()).Raw()
			if err != nil {
				t.Fatal(err)
			}
			if list := from[metav1.PartialObjectMetadataList](t, string(table)); len(list.Items) > 0 {
				t.Errorf("stored: %s", table)
			}
			got := shared.post(t.Context(), ns, resource, object)
			if got.err != nil {
				t.Fatal(got.err)
			}
			if diff := cmp.Diff(essence(t, dry.object), essence(t, got.object)); diff != "" {
				t.Errorf("what is stored differs (-dry-run +stored):\n%s", diff)
			}
			wantWarnings(t, got, dry.warnings...)
		})
	}
}
