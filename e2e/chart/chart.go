// Package chart renders deploy/helm as helm template does.
package chart

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/flags"
)

// notesFile is what Helm prints, and does not apply.
const notesFile = "NOTES.txt"

// Release is what a user says to Helm.
type Release struct {
	Name      string // netmode, unless given
	Namespace string // netmode-system, unless given
	Values    string // YAML, as in a file for --values
	// Cluster is what the chart's lookups find; nothing unless given, as in helm template.
	Cluster engine.ClientProvider
}

// Rendered is what Helm applies and prints.
type Rendered struct {
	Objects []*unstructured.Unstructured // by template, not in Helm's order
	Notes   string
}

// Load reads a chart from its folder or its archive.
func Load(from string) (*v2.Chart, error) { return loader.Load(from) }

// Render returns what a release of the chart holds. An error says what helm would.
func Render(c *v2.Chart, r Release) (*Rendered, error) {
	given, err := common.ReadValues([]byte(r.Values))
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	values, err := util.ToRenderValues(c, given, common.ReleaseOptions{
		Name: cmp.Or(r.Name, "netmode"), Namespace: cmp.Or(r.Namespace, flags.DefaultNamespace), Revision: 1, IsInstall: true,
	}, nil)
	if err != nil {
		return nil, err
	}
	files, err := renderFiles(c, values, r.Cluster)
	if err != nil {
		return nil, err
	}
	rendered := &Rendered{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) == notesFile {
			rendered.Notes = files[name]
			continue
		}
		found, err := Objects(files[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rendered.Objects = append(rendered.Objects, found...)
	}
	return rendered, nil
}

func renderFiles(c *v2.Chart, values common.Values, cluster engine.ClientProvider) (map[string]string, error) {
	if cluster == nil {
		return engine.Render(c, values)
	}
	return engine.RenderWithClientProvider(c, values, cluster)
}

// Objects reads the documents of a file; an empty one is none.
func Objects(text string) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		if string(content) == "null" {
			continue
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(content); err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		found = append(found, object)
	}
}
