package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
	jsonpatchv4 "gopkg.in/evanphx/json-patch.v4"
)

// TestRandomEdits applies random patches to every document of testdata: the
// result means what evanphx/json-patch makes of the JSON, the first text is not
// touched, and in a plain document the edit is made in place.
func TestRandomEdits(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.input.*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Clean(path))
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(20) {
				editAtRandom(t, path, data, seed)
			}
		})
	}
}

func editAtRandom(t *testing.T, path string, data []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // reproducible, no secret
	documents, err := Read(path, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		if d.Empty() {
			continue
		}
		before, text := d.JSON(), d.Bytes()
		patch := randomPatch(t, random, before)
		raw, err := json.Marshal(patch)
		if err != nil {
			t.Fatal(err)
		}
		err = d.Apply(patch)
		if err != nil {
			t.Fatalf("seed %d: %v\npatch %s\n%s", seed, err, raw, text)
		}
		decoded, err := jsonpatchv4.DecodePatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		want, err := decoded.Apply(before)
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, want, d.JSON()) {
			t.Fatalf("seed %d: got %s, want %s", seed, d.JSON(), want)
		}
		if !bytes.Equal(d.Original(), text) {
			t.Fatalf("seed %d: Apply changed the original", seed)
		}
		fresh, err := Read(path, text)
		if err != nil {
			t.Fatal(err)
		}
		inPlace(t, seed, fresh[0], patch, want)
	}
}

func inPlace(t *testing.T, seed uint64, d *Document, patch []jsonpatch.Operation, want []byte) {
	t.Helper()
	tr, err := d.tree()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range patch {
		if err := tr.apply(op); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	value, err := decodeJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := tr.edit()
	if ok {
		_, ok = d.means(text, value)
	}
	if !ok {
		text, ok = tr.editQuoted()
	}
	if !ok {
		t.Fatalf("seed %d: not edited in place\npatch %s\n%s", seed, raw, d.Bytes())
	}
	if _, ok := d.means(text, value); !ok {
		t.Fatalf("seed %d: edited in place, the text is wrong\npatch %s\n%s\n--- became\n%s", seed, raw, d.Bytes(), text)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	x, err := decodeJSON(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := decodeJSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return equalJSON(x, y)
}

// randomPatch makes a patch whose operations apply one after the other.
func randomPatch(t *testing.T, random *rand.Rand, document []byte) []jsonpatch.Operation {
	t.Helper()
	var out []jsonpatch.Operation
	for range 1 + random.IntN(4) {
		value, err := decodeJSON(document)
		if err != nil {
			t.Fatal(err)
		}
		op := randomOperation(random, value, "")
		raw, err := json.Marshal([]jsonpatch.Operation{op})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := jsonpatchv4.DecodePatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		next, err := decoded.Apply(document)
		if err != nil {
			t.Fatalf("%s on %s: %v", raw, document, err)
		}
		out, document = append(out, op), next
	}
	return out
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

func randomOperation(random *rand.Rand, value any, at string) jsonpatch.Operation {
	var path string
	switch v := value.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || random.IntN(6) == 0 {
			key := fmt.Sprintf("new/%d~", random.IntN(3))
			return jsonpatch.NewOperation("add", at+"/"+escapePointer.Replace(key), randomValue(random, 3))
		}
		key := keys[random.IntN(len(keys))]
		path, value = at+"/"+escapePointer.Replace(key), v[key]
	case []any:
		if len(v) == 0 || random.IntN(4) == 0 {
			i := strconv.Itoa(random.IntN(len(v) + 1))
			return jsonpatch.NewOperation("add", at+"/"+i, randomValue(random, 3))
		}
		i := random.IntN(len(v))
		path, value = at+"/"+strconv.Itoa(i), v[i]
	}
	switch value.(type) {
	case map[string]any, []any:
		if random.IntN(5) > 0 {
			return randomOperation(random, value, path)
		}
	}
	switch random.IntN(4) {
	case 0:
		return jsonpatch.NewOperation("remove", path, nil)
	case 1:
		return jsonpatch.NewOperation("add", path, randomValue(random, 3))
	default:
		return jsonpatch.NewOperation("replace", path, randomValue(random, 3))
	}
}

var words = []string{"", "a", "yes", "null", "10", "0x1F", "1_000", "1e3", ".5", "~", "- a", "a: b", "a #b", "#", "'", `"`, `a"b'c`,
	"two\nlines", "two\nlines\n", "many\n\n\n", "\nfirst", " lead\nx", "trail \nx", "tab\tx", "tab\n\tx\n", "é☂😀", "\u0085", "\u2028x", "\ufeff", "\u007f",
	"---", "...", "--- a\n---\n", "%a", "@a", "`", "!x", "&x", "*x", "{a}", "[a", "a,b", "a:b", "12:30", "2026-11-23", "<<", "=", "?", "? a", "x\r\ny", "x\ry", "\\", "\x00", "nginx:1.29", "a  b", "{{ x }}", "http://x/?a=b&c#d"}

func randomValue(random *rand.Rand, depth int) any {
	switch n := random.IntN(10); {
	case n < 2 && depth > 0:
		out := map[string]any{}
		for range random.IntN(4) {
			out[words[random.IntN(len(words))]] = randomValue(random, depth-1)
		}
		return out
	case n < 4 && depth > 0:
		out := []any{}
		for range random.IntN(4) {
			out = append(out, randomValue(random, depth-1))
		}
		return out
	case n < 5:
		return random.IntN(2) == 0
	case n < 6:
		return []any{0, -1, 1.5, 1e21, 9007199254740993, uint64(18446744073709551615), nil}[random.IntN(7)]
	default:
		return words[random.IntN(len(words))]
	}
}
