// Package kustomize_test holds the manifests of this folder to the API's types, to each other
// and to what the programs take. That they render, see e2e/install; that they work, e2e/suite.
package kustomize_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kustomization are the fields of kustomize that this folder uses.
type kustomization struct {
	metav1.TypeMeta
	Resources      []string `json:"resources"`
	Components     []string `json:"components"`
	Configurations []string `json:"configurations"`
	Images         []struct {
		Name   string `json:"name"`
		NewTag string `json:"newTag"`
	} `json:"images"`
	Patches []struct {
		Path   string `json:"path"`
		Target struct {
			Group string `json:"group"`
			Kind  string `json:"kind"`
			Name  string `json:"name"`
		} `json:"target"`
	} `json:"patches"`
}

const kustomizationFile = "kustomization.yaml"

// folders are those of the kustomizations.
func folders() []string {
	return []string{"base", "cert-manager", "host-network", "host-network/component", "network-policy", "network-policy/component", "observe-only", "observe-only/component"}
}

func readKustomization(t *testing.T, folder string) *kustomization {
	t.Helper()
	k := &kustomization{}
	decode(t, read(t, filepath.Join(folder, kustomizationFile)), k)
	return k
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decode is strict about field names.
func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
}

// decodeLoose reads the fields that into has.
func decodeLoose(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
}

func documents(t *testing.T, path string) [][]byte {
	t.Helper()
	var all [][]byte
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(read(t, path)))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, document)
	}
}

// objects decodes files of Kubernetes' own kinds as an API server with fieldValidation Strict
// does; a CustomResourceDefinition without an opinion about its fields.
func objects(t *testing.T, paths ...string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	kinds := runtime.NewSchemeBuilder(admissionv1.AddToScheme, appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, rbacv1.AddToScheme)
	if err := kinds.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	var all []runtime.Object
	for _, path := range paths {
		for _, document := range documents(t, path) {
			if filepath.Base(path) == policiesFile {
				var content map[string]any
				decode(t, document, &content)
				all = append(all, &unstructured.Unstructured{Object: content})
				continue
			}
			object, _, err := strict.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all = append(all, object)
		}
	}
	return all
}

// base is all that the base installs.
func base(t *testing.T) []runtime.Object {
	t.Helper()
	var paths []string
	for _, name := range readKustomization(t, "base").Resources {
		paths = append(paths, filepath.Join("base", name))
	}
	return objects(t, paths...)
}

// only returns the objects of one type.
func only[T runtime.Object](all []runtime.Object) []T {
	var found []T
	for _, object := range all {
		if o, ok := object.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// named returns the one object of this type and name.
func named[T interface {
	runtime.Object
	metav1.Object
}](t *testing.T, all []runtime.Object, name string) T {
	t.Helper()
	found := slices.DeleteFunc(only[T](all), func(o T) bool { return o.GetName() != name })
	if len(found) != 1 {
		t.Fatalf("%d of %T are called %s", len(found), *new(T), name)
	}
	return found[0]
}

// Every file is in the kustomization of its folder, once, and no other is.
func TestEveryFileIsListed(t *testing.T) {
	for _, folder := range folders() {
		k := readKustomization(t, folder)
		listed := slices.Concat(k.Resources, k.Components, k.Configurations)
		for _, patch := range k.Patches {
			listed = append(listed, patch.Path)
		}
		var files []string
		for _, name := range listed {
			info, err := os.Stat(filepath.Join(folder, name))
			switch {
			case err != nil:
				t.Errorf("%s: %v", folder, err)
			case !info.IsDir():
				files = append(files, filepath.Join(folder, name))
			case !slices.Contains(folders(), filepath.Join(folder, name)):
				t.Errorf("%s: %s is no folder of a kustomization that is tested", folder, name)
			}
		}
		there, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		there = slices.DeleteFunc(there, func(path string) bool { return filepath.Base(path) == kustomizationFile })
		slices.Sort(files)
		if !slices.Equal(files, there) {
			t.Errorf("%s: listed %q\nthere %q", folder, files, there)
		}
	}
	var found []string
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Name() == kustomizationFile {
			found = append(found, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if !slices.Equal(found, folders()) {
		t.Errorf("kustomizations in %q, tested are %q", found, folders())
	}
}

func TestEveryObject(t *testing.T) {
	all := base(t)
	namespace := only[*corev1.Namespace](all)
	if len(namespace) != 1 || namespace[0].Name != ownNamespace {
		t.Fatalf("namespaces: %+v", namespace)
	}
	if level := namespace[0].Labels["pod-security.kubernetes.io/enforce"]; level != "restricted" {
		t.Errorf("the namespace enforces PodSecurity %q", level)
	}
	if all[0] != runtime.Object(namespace[0]) {
		t.Error("the namespace is not the first object")
	}
	clusterScoped := map[string]bool{"Namespace": true, "CustomResourceDefinition": true, "ClusterRole": true, "ClusterRoleBinding": true, "MutatingWebhookConfiguration": true, "ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true}
	for _, object := range all {
		meta, ok := object.(metav1.Object)
		if !ok {
			t.Fatalf("%T has no metadata", object)
		}
		kind := object.GetObjectKind().GroupVersionKind().Kind
		if in := meta.GetNamespace(); (in == "") != clusterScoped[kind] || in != "" && in != ownNamespace {
			t.Errorf("%s %s: namespace %q", kind, meta.GetName(), in)
		}
		if name := meta.GetLabels()["app.kubernetes.io/name"]; name != "netmode" {
			t.Errorf("%s %s: label app.kubernetes.io/name is %q", kind, meta.GetName(), name)
		}
		// What netmode needs to run must not need netmode.
		if len(meta.GetAnnotations()) > 0 {
			t.Errorf("%s %s: annotations %v", kind, meta.GetName(), meta.GetAnnotations())
		}
	}
}
