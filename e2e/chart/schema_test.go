package chart

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// No object has fields that the schema does not name; those whose keys are anything, such as
// labels, say what their values are.
func TestSchemaIsClosed(t *testing.T) {
	objects := 0
	var look func(path string, node any)
	look = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			if node["type"] == "object" {
				objects++
				_, isSchema := node["additionalProperties"].(map[string]any)
				if named := node["properties"] != nil; named && node["additionalProperties"] != false || !named && !isSchema {
					t.Errorf("%s: additionalProperties %v", path, node["additionalProperties"])
				}
			}
			for name, inner := range node {
				if path != "#/properties" || name != "global" {
					look(path+"/"+name, inner)
				}
			}
		case []any:
			for _, inner := range node {
				look(path+"[]", inner)
			}
		}
	}
	var whole any
	if err := json.Unmarshal(read(t, "values.schema.json"), &whole); err != nil {
		t.Fatal(err)
	}
	look("#", whole)
	if objects < 20 {
		t.Errorf("%d objects", objects)
	}
}

// The definitions of Kubernetes' own types have the fields of these types.
func TestSchemaKnowsKubernetesTypes(t *testing.T) {
	s := readSchema(t)
	for name, of := range map[string]reflect.Type{
		"toleration":               reflect.TypeFor[corev1.Toleration](),
		"topologySpreadConstraint": reflect.TypeFor[corev1.TopologySpreadConstraint](),
		"affinity":                 reflect.TypeFor[corev1.Affinity](),
		"labelSelector":            reflect.TypeFor[metav1.LabelSelector](),
	} {
		compare(t, s, name, s.Definitions[name], of)
	}
	compare(t, s, "imagePullSecrets", s.Properties["imagePullSecrets"], reflect.TypeFor[[]corev1.LocalObjectReference]())
	for _, operators := range []struct {
		definition string
		want       []string
	}{
		{"nodeSelectorRequirement", texts(corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt)},
		{"toleration", texts(corev1.TolerationOpExists, corev1.TolerationOpEqual, corev1.TolerationOpLt, corev1.TolerationOpGt)},
	} {
		if diff := cmp.Diff(operators.want, s.Definitions[operators.definition].Properties["operator"].Enum); diff != "" {
			t.Errorf("operators of %s: %s", operators.definition, diff)
		}
	}
}

func texts[T ~string](all ...T) []string {
	found := make([]string, len(all))
	for i, one := range all {
		found[i] = string(one)
	}
	return found
}

func compare(t *testing.T, whole schema, path string, s schema, of reflect.Type) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		s = whole.Definitions[name]
	}
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	kinds := map[reflect.Kind]string{
		reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array",
		reflect.String: "string", reflect.Int32: "integer", reflect.Int64: "integer",
	}
	if want := kinds[of.Kind()]; s.Type != want && (len(s.Enum) == 0 || want != "string") {
		t.Errorf("%s is of type %v, want %s", path, s.Type, want)
	}
	switch of.Kind() {
	case reflect.Struct:
		var fields []string
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
			compare(t, whole, path+"."+name, s.Properties[name], field.Type)
		}
		var have []string
		for name := range s.Properties {
			have = append(have, name)
		}
		slices.Sort(fields)
		slices.Sort(have)
		if diff := cmp.Diff(fields, have); diff != "" {
			t.Errorf("%s: -type +schema: %s", path, diff)
		}
	case reflect.Slice:
		if s.Items == nil {
			t.Errorf("%s: no items", path)
			return
		}
		compare(t, whole, path+"[]", *s.Items, of.Elem())
	}
}
