package chart

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/netmode-io/netmode/e2e/install"
)

const (
	folder    = "../../deploy/helm"
	kustomize = "../../deploy/kustomize"
)

func load(t *testing.T) *v2.Chart {
	t.Helper()
	c, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render also holds every object to its type.
func render(t *testing.T, c *v2.Chart, r Release) *Rendered {
	t.Helper()
	rendered, err := Render(c, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := install.Decode(rendered.Objects...); err != nil {
		t.Error(err)
	}
	return rendered
}

// byName are the contents of objects. None may be there twice.
func byName(t *testing.T, objects []*unstructured.Unstructured) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, o := range objects {
		name := o.GetKind() + " " + o.GetName()
		if all[name] != nil {
			t.Errorf("%s is there twice", name)
		}
		all[name] = o.Object
	}
	return all
}

// withoutHelms takes away what only Helm's objects have, and holds them to have it.
func withoutHelms(t *testing.T, o *unstructured.Unstructured, release string) {
	t.Helper()
	labels := o.GetLabels()
	for label, want := range map[string]string{
		"app.kubernetes.io/instance": release, "app.kubernetes.io/managed-by": "Helm",
		"app.kubernetes.io/version": "devel", "helm.sh/chart": "netmode-0.0.0-devel",
	} {
		if labels[label] != want {
			t.Errorf("%s %s: label %s is %q, want %q", o.GetKind(), o.GetName(), label, labels[label], want)
		}
		delete(labels, label)
	}
	o.SetLabels(labels)
}

// fromKustomize are the objects of an overlay as if its namespace were another. The namespace
// itself is none of a chart's.
func fromKustomize(t *testing.T, resource string, components []string, namespace string) []*unstructured.Unstructured {
	t.Helper()
	var o install.Options
	for _, name := range components {
		o.Components = append(o.Components, filepath.Join(kustomize, name, "component"))
	}
	rendered, err := install.Render(filepath.Join(kustomize, resource), o)
	if err != nil {
		t.Fatal(err)
	}
	var moved []*unstructured.Unstructured
	for _, o := range rendered {
		if o.GetKind() == "Namespace" {
			continue
		}
		content, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), "netmode-system", namespace)
		// kustomize doubles the line break in front of an indented line of a folded text.
		content = []byte(strings.ReplaceAll(text, `:\n\n  `, `:\n  `))
		if err := o.UnmarshalJSON(content); err != nil {
			t.Fatal(err)
		}
		moved = append(moved, o)
	}
	return moved
}

// What a value of the chart does, a folder of kustomize does. The order of webhooks means nothing,
// and differs.
func TestChartEqualsKustomize(t *testing.T) {
	c := load(t)
	for _, tt := range []struct {
		name       string
		release    Release
		resource   string
		components []string
	}{
		{"defaults", Release{}, "base", nil},
		{"cert-manager", Release{Values: "certificates: {issuer: cert-manager}"}, "cert-manager", nil},
		{"host network", Release{Values: "hostNetwork: {enabled: true}"}, "base", []string{"host-network"}},
		{"observe only", Release{Values: "observeOnly: true"}, "base", []string{"observe-only"}},
		{"cert-manager, host network", Release{Values: "{certificates: {issuer: cert-manager}, hostNetwork: {enabled: true}}"}, "cert-manager", []string{"host-network"}},
		{"cert-manager, observe only", Release{Values: "{certificates: {issuer: cert-manager}, observeOnly: true}"}, "cert-manager", []string{"observe-only"}},
		{"host network, observe only", Release{Values: "{hostNetwork: {enabled: true}, observeOnly: true}"}, "base", []string{"host-network", "observe-only"}},
		{"all three", Release{Values: "{certificates: {issuer: cert-manager}, hostNetwork: {enabled: true}, observeOnly: true}"}, "cert-manager", []string{"host-network", "observe-only"}},
		{"network policy", Release{Values: "networkPolicy: {enabled: true}"}, "base", []string{"network-policy"}},
		{"cert-manager, network policy", Release{Values: "{certificates: {issuer: cert-manager}, networkPolicy: {enabled: true}}"}, "cert-manager", []string{"network-policy"}},
		{"another release", Release{Name: "other", Namespace: "pod-networks"}, "base", nil},
		{"names that are numbers", Release{Name: "1e3", Namespace: "123", Values: "certificates: {issuer: cert-manager}"}, "cert-manager", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := render(t, c, tt.release).Objects
			release, namespace := "netmode", "netmode-system"
			if tt.release.Name != "" {
				release, namespace = tt.release.Name, tt.release.Namespace
			}
			for _, o := range have {
				withoutHelms(t, o, release)
			}
			want := fromKustomize(t, tt.resource, tt.components, namespace)
			for _, line := range difference(t, want, have) {
				t.Error(line)
			}
		})
	}
}

// A chart made of the folder holds the CRD, which is a link there.
func TestArchive(t *testing.T) {
	c := load(t)
	archive, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packed, err := Load(archive)
	if err != nil {
		t.Fatal(err)
	}
	want, have := render(t, c, Release{}), render(t, packed, Release{})
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-folder +archive:\n%s", diff)
	}
}

func TestLint(t *testing.T) {
	for _, values := range []string{
		"", "observeOnly: true", "certificates: {issuer: cert-manager}", "hostNetwork: {enabled: true}", "crds: {enabled: false}", "networkPolicy: {enabled: true}",
	} {
		given, err := common.ReadValues([]byte(values))
		if err != nil {
			t.Fatal(err)
		}
		messages := lint.RunAll(folder, given, "netmode-system").Messages
		for _, m := range messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", values, m)
			}
		}
	}
	// It is the chart that was looked at.
	given := common.Values{"typo": true}
	if messages := lint.RunAll(folder, given, "netmode-system").Messages; len(messages) == 0 {
		t.Error("an unknown value passes")
	}
}

func TestKubernetesVersions(t *testing.T) {
	constraint := load(t).Metadata.KubeVersion
	for version, want := range map[string]bool{"v1.33.9": false, "v1.34.0": true, "v1.34.4-eks-a737599": true, "v1.37.2": true} {
		if have := chartutil.IsCompatibleRange(constraint, version); have != want {
			t.Errorf("%s fits %s: %t", version, constraint, have)
		}
	}
}

// Where the chart is part of another, Helm hands it global values.
func TestPartOfAnother(t *testing.T) {
	part := load(t)
	whole := &v2.Chart{Metadata: &v2.Metadata{APIVersion: "v2", Name: "platform", Version: "1.0.0"}}
	whole.SetDependencies(part)
	have := render(t, whole, Release{Values: "{global: {region: north}, netmode: {observeOnly: true}}"})
	want := render(t, load(t), Release{Values: "observeOnly: true"})
	for _, line := range difference(t, want.Objects, have.Objects) {
		t.Error(line)
	}
}
