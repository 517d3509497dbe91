package example

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const examples = "../../deploy/examples/"

func TestExchangesSaysWhatItChanges(t *testing.T) {
	objects, err := Read(examples + "database.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := Exchanges{Image: "here:1", StorageClass: "local", CPU: "10m", Memory: "32Mi"}.Apply(objects)
	want := []string{
		"PersistentVolumeClaim/ledger-db claim ledger-db storageClassName: the default becomes local",
		"Deployment/ledger-db containers[postgresql].image: postgres:17.6 becomes here:1",
		"Deployment/ledger-db containers[postgresql].resources.requests: cpu 1, memory 2Gi becomes cpu 10m, memory 32Mi",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Nothing changes but images, requests for CPU and memory, and the StorageClass.
func TestExchangesNothingElse(t *testing.T) {
	files, err := filepath.Glob(examples + "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		before, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		after, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		Exchanges{Image: "here:1", StorageClass: "local", CPU: "10m", Memory: "32Mi"}.Apply(after)
		for i := range before {
			if diff := cmp.Diff(strip(before[i].Object), strip(after[i].Object)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		}
	}
}

// strip returns a value without what may be exchanged in it.
func strip(value any) any {
	switch v := value.(type) {
	case map[string]any:
		stripped := map[string]any{}
		for key, inner := range v {
			if requests, ok := inner.(map[string]any); ok && key == "requests" {
				inner = map[string]any{"storage": requests["storage"]}
			}
			if key != "image" && key != "storageClassName" {
				stripped[key] = strip(inner)
			}
		}
		return stripped
	case []any:
		stripped := make([]any, len(v))
		for i := range v {
			stripped[i] = strip(v[i])
		}
		return stripped
	}
	return value
}

func TestWithoutNetmode(t *testing.T) {
	for _, file := range []string{"zookeeper.yaml", "mpi-job.yaml", "database.yaml"} {
		objects, err := Read(examples + file)
		if err != nil {
			t.Fatal(err)
		}
		WithoutNetmode(objects)
		for _, o := range objects {
			text, err := yaml.Marshal(o.Object)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "netmode.io/") {
				t.Errorf("%s: %s", file, text)
			}
		}
	}
}

func TestClaims(t *testing.T) {
	for file, want := range map[string]int{"zookeeper.yaml": 6, "database.yaml": 1, "mpi-job.yaml": 0} {
		objects, err := Read(examples + file)
		if err != nil {
			t.Fatal(err)
		}
		if got := Claims(objects); got != want {
			t.Errorf("%s: %d claims, want %d", file, got, want)
		}
	}
}
