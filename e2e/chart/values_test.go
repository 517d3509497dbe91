package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// value is one of values.yaml, with its comment.
type value struct {
	path, comment string
	standard      *yaml.Node
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, filepath.Clean(name)))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// values are those of values.yaml, in its order. What has no comment is a section.
func values(t *testing.T) []value {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal(read(t, "values.yaml"), &document); err != nil {
		t.Fatal(err)
	}
	return valuesOf(t, "", document.Content[0])
}

func valuesOf(t *testing.T, prefix string, section *yaml.Node) []value {
	t.Helper()
	if section.Kind != yaml.MappingNode {
		t.Fatalf("%sat line %d: neither a comment nor values under it", prefix, section.Line)
	}
	var all []value
	for i := 0; i < len(section.Content); i += 2 {
		key, standard := section.Content[i], section.Content[i+1]
		if key.HeadComment == "" {
			all = append(all, valuesOf(t, prefix+key.Value+".", standard)...)
			continue
		}
		all = append(all, value{prefix + key.Value, strings.TrimPrefix(key.HeadComment, "# "), standard})
	}
	return all
}

func paths(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, v := range values(t) {
		all = append(all, v.path)
	}
	return all
}

// schema is what is looked at of one.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Additional  json.RawMessage   `json:"additionalProperties"`
	Required    []string          `json:"required"`
	Properties  map[string]schema `json:"properties"`
	Items       *schema           `json:"items"`
	Enum        []string          `json:"enum"`
	Definitions map[string]schema `json:"definitions"`
}

func readSchema(t *testing.T) schema {
	t.Helper()
	var s schema
	if err := json.Unmarshal(read(t, "values.schema.json"), &s); err != nil {
		t.Fatal(err)
	}
	delete(s.Properties, "global") // Helm's
	return s
}

// Each value is in the schema, and each of the schema in values.yaml; each must be there, so that
// one that is set to null is missed.
func TestSchemaHasTheValues(t *testing.T) {
	var found []string
	var look func(prefix string, s schema)
	look = func(prefix string, s schema) {
		for name, property := range s.Properties {
			if !slices.Contains(s.Required, name) {
				t.Errorf("%s%s is not required", prefix, name)
			}
			if len(property.Properties) > 0 {
				look(prefix+name+".", property)
				continue
			}
			found = append(found, prefix+name)
		}
		if len(s.Required) != len(s.Properties) {
			t.Errorf("%s: required are %q", prefix, s.Required)
		}
	}
	look("", readSchema(t))
	if diff := cmp.Diff(slices.Sorted(slices.Values(paths(t))), slices.Sorted(slices.Values(found))); diff != "" {
		t.Errorf("-values +schema:\n%s", diff)
	}
}

// difference is one line for each object that is new or gone, and for each field that is or
// has another value.
func difference(t *testing.T, before, after []*unstructured.Unstructured) []string {
	t.Helper()
	from, to := byName(t, before), byName(t, after)
	var lines []string
	for name := range to {
		if from[name] == nil {
			lines = append(lines, name+" new")
		}
	}
	for name, object := range from {
		if to[name] == nil {
			lines = append(lines, name+" gone")
			continue
		}
		was, is := map[string]string{}, map[string]string{}
		flatten(t, was, name, object)
		flatten(t, is, name, to[name])
		for path, value := range is {
			if was[path] != value {
				lines = append(lines, path+" "+value)
			}
		}
		for path := range was {
			if _, ok := is[path]; !ok {
				lines = append(lines, path+" gone")
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// flatten writes each field by its path, and the items of a list by their names or keys, where
// they have them.
func flatten(t *testing.T, into map[string]string, path string, field any) {
	t.Helper()
	switch field := field.(type) {
	case map[string]any:
		for name, inner := range field {
			flatten(t, into, path+"."+name, inner)
		}
		if len(field) > 0 {
			return
		}
	case []any:
		names := make([]string, len(field))
		for i, item := range field {
			object, ok := item.(map[string]any)
			if !ok {
				break
			}
			for _, key := range []string{"name", "key"} {
				if name, ok := object[key].(string); ok {
					names[i] = name
				}
			}
		}
		if len(field) > 0 && !slices.Contains(names, "") {
			for i, item := range field {
				flatten(t, into, fmt.Sprintf("%s[%s]", path, names[i]), item)
			}
			return
		}
	}
	text := &bytes.Buffer{}
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(field); err != nil {
		t.Fatal(err)
	}
	into[path] = strings.TrimSpace(text.String())
}
