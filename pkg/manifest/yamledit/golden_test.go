package yamledit_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden applies <case>.patch.json, operations by document index, to
// <case>.input.yaml and compares with <case>.golden.yaml.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.input.*")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs in testdata: %v", err)
	}
	known := map[string]bool{}
	for _, input := range inputs {
		golden := strings.Replace(input, ".input.", ".golden.", 1)
		base, _, _ := strings.Cut(input, ".input.")
		patch := base + ".patch.json"
		known[input], known[golden], known[patch] = true, true, true
		t.Run(filepath.Base(base), func(t *testing.T) {
			documents := read(t, input)
			for i, operations := range readPatches(t, patch) {
				d := documents[i]
				if err := d.Apply(operations); err != nil {
					t.Fatal(err)
				}
				if !d.Changed() {
					t.Errorf("document %d is unchanged", i)
				}
			}
			if *update {
				if err := os.WriteFile(golden, joined(documents), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(filepath.Clean(golden))
			if err != nil {
				t.Fatalf("run the test with -update, then read the new file: %v", err)
			}
			if diff := cmp.Diff(string(want), string(joined(documents))); diff != "" {
				t.Errorf("golden file differs (-want +got):\n%s", diff)
			}
		})
	}
	all, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if !known[name] {
			t.Errorf("%s belongs to no case: delete it", name)
		}
	}
}

func read(t *testing.T, path string) []*yamledit.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	documents, err := yamledit.Read(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// joined is the stream that the documents are.
func joined(documents []*yamledit.Document) []byte {
	var stream []byte
	for _, d := range documents {
		stream = append(stream, d.Bytes()...)
	}
	return stream
}

func readPatches(t *testing.T, path string) map[int][]jsonpatch.Operation {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	var byIndex map[string]json.RawMessage
	if err := json.Unmarshal(data, &byIndex); err != nil {
		t.Fatal(err)
	}
	out := map[int][]jsonpatch.Operation{}
	for key, raw := range byIndex {
		i, err := strconv.Atoi(key)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = operations(t, string(raw))
	}
	return out
}

// operations reads a patch, the values in the order in which they are written.
func operations(t *testing.T, text string) []jsonpatch.Operation {
	t.Helper()
	var raw []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	var out []jsonpatch.Operation
	for _, r := range raw {
		op := jsonpatch.Operation{Operation: r.Op, Path: r.Path}
		if r.Value != nil {
			op.Value = slices.Clone(r.Value)
		}
		out = append(out, op)
	}
	return out
}
