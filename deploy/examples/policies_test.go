package examples_test

import (
	"os"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/policy"
)

// The policies are ones that an API server would take, and each namespace that
// they are for sends its pods to netmode.
func TestPolicies(t *testing.T) {
	const path = "policies/policies.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := manifest.Read(path, text)
	if err != nil {
		t.Fatal(err)
	}
	var policies []*policy.Policy
	var namespaces []api.ObjectMeta
	for o, err := range manifest.Objects(file) {
		if err != nil {
			t.Fatal(err)
		}
		switch o.Kind {
		case api.PolicyKind:
			decoded, err := api.DecodePolicy(o.JSON)
			if err != nil {
				t.Fatal(o.Fail(err))
			}
			compiled, errs := policy.Compile(decoded)
			if len(errs) > 0 {
				t.Fatal(o.Fail(errs.ToAggregate()))
			}
			policies = append(policies, compiled)
		case "Namespace":
			var ns struct {
				Metadata api.ObjectMeta `json:"metadata"`
			}
			if err := api.Decode(o.JSON, &ns, ""); err != nil {
				t.Fatal(o.Fail(err))
			}
			namespaces = append(namespaces, ns.Metadata)
		default:
			t.Errorf("%s is neither a policy nor a Namespace", o.Label())
		}
	}
	if len(policies) != 3 || len(namespaces) != 3 {
		t.Fatalf("%d policies and %d namespaces, want 3 of each", len(policies), len(namespaces))
	}
	for _, ns := range namespaces {
		if ns.Labels[api.LabelPolicy] != "enabled" {
			t.Errorf("namespace %s lacks the label %s=enabled", ns.Name, api.LabelPolicy)
		}
		if selected := policy.NewSet(policies).ForNamespace(ns.Labels).Policies(); len(selected) != 1 || selected[0].Name != ns.Name {
			t.Errorf("namespace %s has %d policies, want the one of its name", ns.Name, len(selected))
		}
	}
}
