package kustomize_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/netmode-io/netmode/pkg/api"
)

const policiesFile = "networkmodepolicies.yaml"

// schemaNode is what of an OpenAPI schema is looked at here.
type schemaNode struct {
	Type        string                `json:"type"`
	Description string                `json:"description"`
	Enum        []string              `json:"enum"`
	Default     any                   `json:"default"`
	MaxItems    int                   `json:"maxItems"`
	MaxLength   int                   `json:"maxLength"`
	Properties  map[string]schemaNode `json:"properties"`
	Items       *schemaNode           `json:"items"`
}

// policySchema is that of a NetworkModePolicy.
func policySchema(t *testing.T) schemaNode {
	t.Helper()
	var definition struct {
		Spec struct {
			Group, Scope string
			Names        struct {
				Kind, Plural string
				ShortNames   []string
			}
			Versions []struct {
				Name         string
				Subresources map[string]any
				Schema       struct {
					OpenAPIV3Schema schemaNode
				}
			}
		}
	}
	for _, object := range base(t) {
		if o, ok := object.(*unstructured.Unstructured); ok && o.GetKind() == "CustomResourceDefinition" {
			document := read(t, filepath.Join("base", policiesFile))
			decodeLoose(t, document, &definition)
			if want := definition.Spec.Names.Plural + "." + definition.Spec.Group; o.GetName() != want {
				t.Errorf("the name is %s, want %s", o.GetName(), want)
			}
		}
	}
	spec := definition.Spec
	if len(spec.Versions) != 1 {
		t.Fatalf("versions %+v", spec.Versions)
	}
	version := spec.Versions[0]
	have := []string{spec.Group, version.Name, spec.Names.Kind, spec.Names.Plural, spec.Scope, strings.Join(spec.Names.ShortNames, ",")}
	want := []string{api.PolicyGroup, api.PolicyVersion, api.PolicyKind, api.PolicyResource, "Cluster", "nmp"}
	if _, has := version.Subresources["status"]; !slices.Equal(have, want) || !has {
		t.Errorf("%q with subresources %v, want %q with status", have, version.Subresources, want)
	}
	return version.Schema.OpenAPIV3Schema
}

// The values that the schema lists are those of the program.
func TestPolicySchemaEnums(t *testing.T) {
	spec := policySchema(t).Properties["spec"].Properties
	for _, tt := range []struct {
		field      string
		have, want any
	}{
		{"defaultMode", spec["defaultMode"].Enum, texts(api.Modes())},
		{"allowedModes", spec["allowedModes"].Items.Enum, texts(api.Modes())},
		{"allowedModes, how many", spec["allowedModes"].MaxItems, len(api.Modes())},
		{"enforcement", spec["enforcement"].Enum, texts(api.Enforcements())},
		{"enforcement, default", spec["enforcement"].Default, string(api.EnforcementDeny)},
		{"searchRewrite.strategy", spec["searchRewrite"].Properties["strategy"].Enum, texts(api.SearchRewrites())},
		{"resolver.options.name", spec["resolver"].Properties["options"].Items.Properties["name"].Enum, texts(api.ResolverOptionNames())},
	} {
		if diff := cmp.Diff(tt.want, tt.have); diff != "" {
			t.Errorf("%s (-want +have):\n%s", tt.field, diff)
		}
	}
}

func texts[T ~string](all []T) []string {
	var found []string
	for _, one := range all {
		found = append(found, string(one))
	}
	return found
}

// The schema has the fields of the program's type, each with the JSON type that it decodes.
func TestPolicySchemaFields(t *testing.T) {
	compareFields(t, "spec", policySchema(t).Properties["spec"], reflect.TypeFor[api.NetworkModePolicySpec]())
}

func compareFields(t *testing.T, path string, schema schemaNode, of reflect.Type) {
	t.Helper()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	kinds := map[reflect.Kind]string{
		reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array",
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int32: "integer",
	}
	if want := kinds[of.Kind()]; schema.Type != want {
		t.Errorf("%s is of type %s, want %s", path, schema.Type, want)
	}
	switch of.Kind() {
	case reflect.Struct:
		var fields []string
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
			compareFields(t, path+"."+name, schema.Properties[name], field.Type)
		}
		if len(fields) != len(schema.Properties) {
			t.Errorf("%s has the fields %q, and %d in the schema", path, fields, len(schema.Properties))
		}
	case reflect.Slice:
		if schema.Items == nil || schema.MaxItems == 0 {
			t.Fatalf("%s: no items, or no bound", path)
		}
		compareFields(t, path+"[]", *schema.Items, of.Elem())
	}
}

// kubectl explain says of every field what it is, and of every field of the spec what it is if
// absent, or an example.
func TestPolicyIsExplained(t *testing.T) {
	schema := policySchema(t)
	explained(t, "networkmodepolicy", schema)
	for name, field := range schema.Properties["spec"].Properties {
		if name == "namespaceSelector" {
			if !strings.HasPrefix(field.Description, "Required. ") {
				t.Errorf("spec.%s is required: %s", name, field.Description)
			}
			continue
		}
		if !strings.Contains(field.Description, "Default: ") {
			t.Errorf("spec.%s: no default in: %s", name, field.Description)
		}
	}
}

func explained(t *testing.T, path string, schema schemaNode) {
	t.Helper()
	for name, field := range schema.Properties {
		// metadata is Kubernetes' own.
		if field.Description == "" && name != "metadata" {
			t.Errorf("%s.%s: no description", path, name)
		}
		explained(t, path+"."+name, field)
		if field.Items != nil {
			explained(t, path+"."+name+"[]", *field.Items)
		}
	}
	// kubectl explain wraps a long line itself; one broken by hand comes out ragged.
	for i, line := range strings.Split(strings.TrimSpace(schema.Description), "\n") {
		if i > 0 && strings.TrimLeft(line, " ") == line {
			t.Errorf("%s: a line broken by hand: %q", path, line)
		}
	}
}
