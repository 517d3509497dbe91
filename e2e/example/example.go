// Package example reads the manifests of deploy/examples, and changes what a small cluster without
// a registry cannot give: images, resource requests and the StorageClass. It says each change.
package example

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api"
)

// Read returns the objects of a file, in their order.
func Read(path string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller's file
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		o := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &o.Object); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// Exchanges are what takes the place of the manifests' own.
type Exchanges struct {
	Image        string
	StorageClass string
	CPU, Memory  string // what each container requests
}

// Apply changes the objects, and says what it exchanged.
func (e Exchanges) Apply(objects []*unstructured.Unstructured) []string {
	var said []string
	for _, o := range objects {
		say := func(path string, was any, is string) {
			said = append(said, fmt.Sprintf("%s/%s %s: %v becomes %s", o.GetKind(), o.GetName(), path, was, is))
		}
		for _, list := range []string{"initContainers", "containers"} {
			for _, c := range maps(o.Object, "spec", "template", "spec", list) {
				e.container(c, list, say)
			}
		}
		if o.GetKind() == "PersistentVolumeClaim" {
			e.claim(o.Object, say)
		}
		for _, claim := range maps(o.Object, "spec", "volumeClaimTemplates") {
			e.claim(claim, say)
		}
	}
	return said
}

func (e Exchanges) container(c map[string]any, list string, say func(string, any, string)) {
	path := fmt.Sprintf("%s[%v]", list, c["name"])
	say(path+".image", c["image"], e.Image)
	c["image"] = e.Image
	resources, ok := c["resources"].(map[string]any)
	if !ok {
		return
	}
	if requests, ok := resources["requests"].(map[string]any); ok {
		say(path+".resources.requests", fmt.Sprintf("cpu %v, memory %v", requests["cpu"], requests["memory"]), fmt.Sprintf("cpu %s, memory %s", e.CPU, e.Memory))
		requests["cpu"], requests["memory"] = e.CPU, e.Memory
	}
}

func (e Exchanges) claim(claim map[string]any, say func(string, any, string)) {
	spec, _ := claim["spec"].(map[string]any)
	name, _, _ := unstructured.NestedString(claim, "metadata", "name")
	was := spec["storageClassName"]
	if was == nil {
		was = "the default"
	}
	say("claim "+name+" storageClassName", was, e.StorageClass)
	spec["storageClassName"] = e.StorageClass
}

// Claims is how many volumes the objects claim.
func Claims(objects []*unstructured.Unstructured) int {
	count := 0
	for _, o := range objects {
		if o.GetKind() == "PersistentVolumeClaim" {
			count++
		}
		replicas, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		if float, ok, _ := unstructured.NestedFloat64(o.Object, "spec", "replicas"); ok {
			replicas, found = int64(float), true
		}
		if !found {
			replicas = 1
		}
		count += int(replicas) * len(maps(o.Object, "spec", "volumeClaimTemplates"))
	}
	return count
}

// WithoutNetmode removes netmode's annotations, from objects and from pod templates.
func WithoutNetmode(objects []*unstructured.Unstructured) {
	for _, o := range objects {
		for _, path := range [][]string{{"metadata", "annotations"}, {"spec", "template", "metadata", "annotations"}} {
			annotations, found, _ := unstructured.NestedMap(o.Object, path...)
			if !found {
				continue
			}
			for key := range annotations {
				if strings.HasPrefix(key, api.Prefix) {
					delete(annotations, key)
				}
			}
			_ = unstructured.SetNestedMap(o.Object, annotations, path...)
		}
	}
}

// maps is the list of objects at a path; none if there is no such list.
func maps(object map[string]any, path ...string) []map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(object, path...)
	list, _ := value.([]any)
	var found []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}
