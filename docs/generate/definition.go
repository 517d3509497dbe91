package main

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const definitionHead = `# make generate writes this file from the types in pkg/api and pkg/api/v1alpha1.
# What pkg/policy.Compile refuses, of which the command line is made, is refused here, too:
# pkg/policy/testdata/policies.json holds both to it. The bounds keep the rules cheap.
`

// definition makes the CustomResourceDefinition of what controller-gen wrote: without
// its version, and with descriptions that kubectl explain can wrap itself.
func definition(generated []byte) (string, error) {
	var object map[string]any
	if err := yaml.Unmarshal(generated, &object); err != nil {
		return "", fmt.Errorf("read controller-gen's output: %w", err)
	}
	if kind := object["kind"]; kind != "CustomResourceDefinition" {
		return "", fmt.Errorf("controller-gen wrote kind %v: run make generate", kind)
	}
	unstructured.RemoveNestedField(object, "metadata", "annotations")
	versions, found, err := unstructured.NestedSlice(object, "spec", "versions")
	if err != nil || !found {
		return "", errors.Join(errors.New("controller-gen wrote no versions"), err)
	}
	unwrapAll(versions)
	if err := unstructured.SetNestedSlice(object, versions, "spec", "versions"); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(object)
	return definitionHead + string(text), err
}

func unwrapAll(value any) {
	switch value := value.(type) {
	case map[string]any:
		if text, ok := value["description"].(string); ok {
			value["description"] = unwrap(text)
		}
		for _, member := range value {
			unwrapAll(member)
		}
	case []any:
		for _, member := range value {
			unwrapAll(member)
		}
	}
}

// unwrap joins the lines of a comment that are not indented, as an example is.
func unwrap(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		last := len(lines) - 1
		if last < 0 || line == "" || strings.HasPrefix(line, " ") || lines[last] == "" || strings.HasPrefix(lines[last], " ") {
			lines = append(lines, line)
			continue
		}
		lines[last] += " " + line
	}
	return strings.Join(lines, "\n")
}
