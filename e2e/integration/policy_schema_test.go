package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/policy"
)

// policies are the cluster's.
func (w *world) policies(t *testing.T) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(w.config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(schema.GroupVersionResource{Group: api.PolicyGroup, Version: api.PolicyVersion, Resource: api.PolicyResource})
}

// newPolicy is a policy with this spec, in JSON or YAML.
func newPolicy(t *testing.T, name, spec string) *unstructured.Unstructured {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(toJSON(t, spec), &fields); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": api.PolicyAPIVersion, "kind": api.PolicyKind, "metadata": map[string]any{"name": name}, "spec": fields,
	}}
}

// TestPolicySchema: the API server accepts and refuses what the command line does, and a refusal
// says the cure. Nothing is stored.
func TestPolicySchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, "pkg", "policy", "testdata", "policies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Good, Bad []struct {
			Name string
			Spec json.RawMessage
			API  []string
		}
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Good) < 8 || len(table.Bad) < 30 {
		t.Fatalf("%d good policies, %d bad ones", len(table.Good), len(table.Bad))
	}
	policies := shared.policies(t)
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	for _, tt := range table.Good {
		t.Run(tt.Name, func(t *testing.T) {
			accepted, err := policies.Create(t.Context(), newPolicy(t, "good", string(tt.Spec)), options)
			if err != nil {
				t.Fatal(err)
			}
			// What the API server adds is good, too.
			stored, err := accepted.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := api.DecodePolicy(stored)
			if err != nil {
				t.Fatal(err)
			}
			if _, errs := policy.Compile(decoded); len(errs) > 0 {
				t.Error(errs)
			}
			if decoded.Spec.Enforcement == "" {
				t.Errorf("no default: %s", stored)
			}
		})
	}
	for _, tt := range table.Bad {
		t.Run(tt.Name, func(t *testing.T) {
			_, err := policies.Create(t.Context(), newPolicy(t, "bad", string(tt.Spec)), options)
			if !apierrors.IsInvalid(err) {
				t.Fatalf("want it invalid, got %v", err)
			}
			for _, want := range tt.API {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s in it", err, want)
				}
			}
		})
	}
	t.Run("unknown field", func(t *testing.T) {
		_, err := policies.Create(t.Context(), newPolicy(t, "bad", `{namespaceSelector: {}, defaultmode: headless}`), options)
		if want := `unknown field "spec.defaultmode"`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	})
}
