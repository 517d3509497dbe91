package manifest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest"
)

// FuzzRead reads anything: no panic, the bytes come back, what is read is JSON,
// and an edit either is made or changes nothing.
func FuzzRead(f *testing.F) {
	for _, s := range streams {
		f.Add([]byte(s.text))
	}
	inputs, err := filepath.Glob("yamledit/testdata/*.input.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range inputs {
		data, err := os.ReadFile(filepath.Clean(input))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	patch := []jsonpatch.Operation{
		jsonpatch.NewOperation("add", "/fuzz", map[string]any{"list": []any{"text", 1}}),
		jsonpatch.NewOperation("add", "/fuzz/list/0", "two\nlines\n"),
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := manifest.Read("fuzz", data)
		if err != nil {
			return
		}
		if !bytes.Equal(file.Bytes(), data) {
			t.Fatalf("%q came back as %q", data, file.Bytes())
		}
		for _, d := range file.Documents {
			if _, err := d.Objects(); err != nil && err.Error() == "" {
				t.Fatal("an error without a text")
			}
			if d.Empty() {
				continue
			}
			before, text := d.JSON(), d.Bytes()
			if !json.Valid(before) {
				t.Fatalf("%q gave %q", text, before)
			}
			if err := d.Apply(patch); err != nil {
				if !bytes.Equal(d.Bytes(), text) || !bytes.Equal(d.JSON(), before) {
					t.Fatalf("%v, but the document changed", err)
				}
				continue
			}
			var got struct{ Fuzz struct{ List []any } }
			if err := json.Unmarshal(d.JSON(), &got); err != nil || len(got.Fuzz.List) != 3 {
				t.Fatalf("%q became %q: %v", text, d.Bytes(), err)
			}
		}
		again, err := manifest.Read("fuzz", file.Bytes())
		if err != nil || len(again.Documents) != len(file.Documents) {
			t.Fatalf("%q became %q: %v", data, file.Bytes(), err)
		}
	})
}
