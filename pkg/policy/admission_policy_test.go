package policy

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// admissionGoldens are the specs of testdata/admission; each has a golden of the
// objects that the API server gets.
var admissionGoldens = map[string]struct {
	spec     string
	settings AdmissionSettings
}{
	"allowed-modes":         {spec: `{"namespaceSelector":{},"allowedModes":["headless","statefulset-headless"]}`},
	"allowed-modes-warn":    {spec: `{"namespaceSelector":{"matchLabels":{"team":"a"}},"allowedModes":["hostnetwork","default"],"enforcement":"Warn"}`},
	"pod-selector":          {spec: `{"namespaceSelector":{"matchExpressions":[{"key":"team","operator":"NotIn","values":["x"]}]},"podSelector":{"matchLabels":{"tier":"db"}},"allowedModes":["default"],"enforcement":"Audit"}`},
	"require-mode":          {spec: `{"namespaceSelector":{},"requireMode":true}`},
	"require-mode-default":  {spec: `{"namespaceSelector":{},"requireMode":true,"allowedModes":["default","headless"],"hostNetwork":{"allowUnmanaged":true}}`},
	"unmanaged":             {spec: `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false}}`},
	"ports":                 {spec: `{"namespaceSelector":{},"hostNetwork":{"requireDeclaredPorts":true,"portRange":{"min":20000,"max":29999}}}`},
	"declared-ports-system": {spec: `{"namespaceSelector":{},"hostNetwork":{"requireDeclaredPorts":true}}`, settings: AdmissionSettings{SystemNamespaces: []string{"cni-a", "cni-b"}}},
	"observe-only":          {spec: `{"namespaceSelector":{},"requireMode":true}`, settings: AdmissionSettings{ObserveOnly: true}},
	"nothing-forbidden":     {spec: `{"namespaceSelector":{},"priority":1,"defaultMode":"headless","searchRewrite":{"strategy":"append","extraSearches":["corp.example"]},"resolver":{"options":[{"name":"ndots","value":"2"}]}}`},
}

func TestAdmissionPolicies(t *testing.T) {
	for name, tt := range admissionGoldens {
		t.Run(name, func(t *testing.T) {
			tt.settings.ExemptNamespaces = []string{"kube-system", "netmode-system"}
			var text bytes.Buffer
			for _, a := range compile(t, "p", tt.spec).AdmissionPolicies(&tt.settings, "11111111-2222-3333-4444-555555555555") {
				for _, object := range []any{a.Policy, a.Binding} {
					document, err := yaml.Marshal(object)
					if err != nil {
						t.Fatal(err)
					}
					text.WriteString("---\n")
					text.Write(document)
				}
			}
			golden := filepath.Join("testdata", "admission", name+".golden.yaml")
			if *update {
				if err := os.WriteFile(golden, text.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden) //nolint:gosec // of this folder
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), text.String()); diff != "" {
				t.Errorf("(-want +got), go test ./pkg/policy -update writes it anew:\n%s", diff)
			}
		})
	}
	found, err := filepath.Glob(filepath.Join("testdata", "admission", "*"))
	if err != nil || len(found) != len(admissionGoldens) {
		t.Errorf("%d goldens for %d cases, %v", len(found), len(admissionGoldens), err)
	}
}

// No two policies have a name in common, however long theirs are.
func TestAdmissionNames(t *testing.T) {
	long := strings.Repeat("a", 252)
	seen := map[string]string{}
	for _, name := range []string{"a", "service-policy-a", "services", "policy-a", long + "a", long + "b", strings.Repeat("a.", 126) + "b"} {
		p := compile(t, name, `{"namespaceSelector":{},"allowedModes":["headless"]}`)
		all := p.AdmissionPolicies(&AdmissionSettings{}, "")
		if len(all) != 2 {
			t.Fatalf("%d objects", len(all))
		}
		for _, a := range all {
			made := a.Policy.Name
			if before, known := seen[made]; known || len(validation.IsDNS1123Subdomain(made)) > 0 {
				t.Errorf("%s: the name %s, of %q, too, or no name", name, made, before)
			}
			if a.Binding.Name != made || a.Binding.Spec.PolicyName != made || a.Policy.OwnerReferences != nil {
				t.Errorf("%s: binding %s to %s, owners %v", made, a.Binding.Name, a.Binding.Spec.PolicyName, a.Policy.OwnerReferences)
			}
			seen[made] = name
		}
	}
}

// Making objects leaves the policy as it was, so that it can be made again.
func TestAdmissionPoliciesShareNothing(t *testing.T) {
	p := compile(t, "p", `{"namespaceSelector":{"matchExpressions":[{"key":"a","operator":"Exists"}]},"podSelector":{"matchLabels":{"a":"b"}},"requireMode":true}`)
	settings := &AdmissionSettings{ExemptNamespaces: []string{"kube-system"}}
	first := p.AdmissionPolicies(settings, "")
	first[0].Policy.Spec.MatchConstraints.NamespaceSelector.MatchExpressions[1].Values[0] = "changed"
	first[0].Policy.Spec.MatchConstraints.ObjectSelector.MatchLabels["a"] = "changed"
	second := p.AdmissionPolicies(settings, "")[0].Policy.Spec.MatchConstraints
	if len(second.NamespaceSelector.MatchExpressions) != 2 || second.NamespaceSelector.MatchExpressions[1].Values[0] != "kube-system" || second.ObjectSelector.MatchLabels["a"] != "b" {
		t.Errorf("%+v", second)
	}
}
