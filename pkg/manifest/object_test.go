package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest"
)

type object struct {
	Pointer, APIVersion, Kind, Namespace, Name, GenerateName, JSON string
	Line                                                           int
}

func objects(t *testing.T, d *manifest.Document) []object {
	t.Helper()
	got, err := d.Objects()
	if err != nil {
		t.Fatal(err)
	}
	var out []object
	for _, o := range got {
		if o.Document != d {
			t.Errorf("%s belongs to another document", o.Pointer)
		}
		out = append(out, object{o.Pointer, o.APIVersion, o.Kind, o.Namespace, o.Name, o.GenerateName, string(o.JSON), o.Line})
	}
	return out
}

func TestObjects(t *testing.T) {
	tests := map[string]struct {
		text string
		want []object
	}{
		"empty": {"# nothing\n", nil},
		"one": {"# c\n---\n# d\nkind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: b, generateName: c-}\n", []object{
			{"", "v1", "Pod", "b", "a", "c-", `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"c-","name":"a","namespace":"b"}}`, 4}}},
		"no metadata":   {"kind: Pod\napiVersion: v1\nmetadata:\n", []object{{"", "v1", "Pod", "", "", "", `{"apiVersion":"v1","kind":"Pod","metadata":null}`, 1}}},
		"empty list":    {"kind: List\napiVersion: v1\n", nil},
		"PodList empty": {"kind: PodList\napiVersion: v1\nitems: []\n", nil},
		"null items":    {"kind: PodList\napiVersion: v1\nitems:\n", nil},
		"list": {"\nkind: List\napiVersion: v1\nitems:\n- kind: A\n  apiVersion: v1\n- &b\n  kind: B\n  apiVersion: v1\n- *b\n- kind: CList\n  apiVersion: v1\n  items: [{kind: C, apiVersion: v1}]\n", []object{
			{"/items/0", "v1", "A", "", "", "", `{"apiVersion":"v1","kind":"A"}`, 5},
			{"/items/1", "v1", "B", "", "", "", `{"apiVersion":"v1","kind":"B"}`, 7},
			{"/items/2", "v1", "B", "", "", "", `{"apiVersion":"v1","kind":"B"}`, 10},
			{"/items/3/items/0", "v1", "C", "", "", "", `{"apiVersion":"v1","kind":"C"}`, 13}}},
		"items of a PodList": {"kind: PodList\napiVersion: v1\nitems:\n- metadata: {name: a}\n- kind: B\n  apiVersion: b/v1\n", []object{
			{"/items/0", "v1", "Pod", "", "a", "", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`, 4},
			{"/items/1", "b/v1", "B", "", "", "", `{"apiVersion":"b/v1","kind":"B"}`, 5}}},
		"no list": {"kind: AccessList\napiVersion: x/v1\nspec: {}\n", []object{{"", "x/v1", "AccessList", "", "", "", `{"apiVersion":"x/v1","kind":"AccessList","spec":{}}`, 1}}},
		"items of another kind": {"kind: AccessList\napiVersion: x/v1\nitems: {}\n", []object{
			{"", "x/v1", "AccessList", "", "", "", `{"apiVersion":"x/v1","items":{},"kind":"AccessList"}`, 1}}},
		"JSON": {"\n{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[\n{\"kind\":\"A\",\"apiVersion\":\"v1\"},\n\n{\"kind\":\"B\",\"apiVersion\":\"v1\"}]}", []object{
			{"/items/0", "v1", "A", "", "", "", `{"kind":"A","apiVersion":"v1"}`, 3},
			{"/items/1", "v1", "B", "", "", "", `{"kind":"B","apiVersion":"v1"}`, 5}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := manifest.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, objects(t, f.Documents[0])); diff != "" {
				t.Errorf("objects differ (-want +got):\n%s", diff)
			}
		})
	}
}

// The walk goes over files, over empty documents and over those that cannot be read.
func TestWalk(t *testing.T) {
	const a, b = "apiVersion: v1\nkind: A\n---\n# empty\n---\nkind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: B}, {apiVersion: v1, kind: C}]\n",
		"apiVersion: v1\n---\napiVersion: v1\nkind: D\n"
	var files []*manifest.File
	for _, text := range []string{a, b} {
		f, err := manifest.Read("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	walk := func(most int) []string {
		var got []string
		for o, err := range manifest.Objects(files...) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, o.Kind)
			}
			if len(got) == most {
				break
			}
		}
		return got
	}
	want := []string{"A", "B", "C", "x.yaml:1: kind: missing; a Kubernetes object has both apiVersion and kind", "D"}
	for most := 1; most <= len(want); most++ {
		if diff := cmp.Diff(want[:most], walk(most)); diff != "" {
			t.Errorf("stopped at %d (-want +got):\n%s", most, diff)
		}
	}
}

func TestObjectsRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no kind":       {"---\n\na: b\napiVersion: v1\n", "x.yaml:3: kind: missing; a Kubernetes object has both apiVersion and kind"},
		"neither":       {"a: b\n", "x.yaml:1: apiVersion and kind: missing; a Kubernetes object has both apiVersion and kind"},
		"empty kind":    {"apiVersion: v1\nkind: \"\"\n", "x.yaml:2: kind: missing; a Kubernetes object has both apiVersion and kind"},
		"no apiVersion": {"kind: Pod\n", "x.yaml:1: apiVersion: missing; a Kubernetes object has both apiVersion and kind"},
		"kind a number": {"apiVersion: v1\n\nkind: 5\n", "x.yaml:3: kind: invalid value 5; it must be a string: put quotes around it"},
		"name a number": {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: 5\n", "x.yaml:4: metadata.name: invalid value 5; it must be a string: put quotes around it"},
		"namespace yes": {"apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: yes\n", "x.yaml:4: metadata.namespace: invalid value true; it must be a string: put quotes around it"},
		"metadata":      {"apiVersion: v1\nkind: Pod\nmetadata: []\n", "x.yaml:3: metadata: is not an object; indent name and namespace below it"},
		"item":          {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n", "x.yaml:4: /items/0: kind: missing; a Kubernetes object has both apiVersion and kind"},
		"item a word":   {"apiVersion: v1\nkind: List\nitems:\n- kind: A\n  apiVersion: v1\n- x\n", "x.yaml:6: /items/1: is not an object; each item is an object with apiVersion and kind"},
		"null item":     {"apiVersion: v1\nkind: List\nitems:\n-\n", "x.yaml:4: /items/0: is not an object; each item is an object with apiVersion and kind"},
		"a list":        {"# c\n- b\n", "x.yaml:2: the document is a list, not an object; a manifest has apiVersion, kind and metadata at its top level"},
		"a word":        {"hello\n", "x.yaml:1: the document is a single value, not an object; a manifest has apiVersion, kind and metadata at its top level"},
		"a patch":       {"# c\nkind: Pod\napiVersion: v1\nspec: {containers: [{name: a, $patch: delete}]}\n", "x.yaml:2: a patch ($patch), not an object; let kustomize apply it: kustomize build . | netmode render -f -"},
		"half a kind":   {"apiVersion: v1\nkind: PodList\nitems:\n- kind: Pod\n", "x.yaml:4: /items/0: apiVersion: missing; a Kubernetes object has both apiVersion and kind"},
		"list of none":  {"apiVersion: v1\nkind: List\nitems: {}\n", "x.yaml:3: items: is not a list; write one object an item, each behind a dash"},
		"JSON item":     {"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{\"kind\":\"A\",\"apiVersion\":\n7}]}", "x.yaml:3: /items/0: apiVersion: invalid value 7; it must be a string: put quotes around it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := manifest.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Documents[0].Objects()
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	const text = "a:\n  b: 1\nc: [1, 2]\nn:\n"
	tests := map[string]struct {
		text string
		op   jsonpatch.Operation
		want string
	}{
		"empty document":      {"# c\n", op("add", "/a", 1), "x.yaml:1: the document is empty, so no patch applies; leave it alone"},
		"root":                {text, op("replace", "", map[string]any{}), `x.yaml:1: patch operation 2, replace "": the whole document cannot be replaced or removed; nothing was changed: correct the patch`},
		"no slash":            {text, op("add", "a", 1), `x.yaml:1: patch operation 2, add "a": a pointer begins with "/"; nothing was changed: correct the patch`},
		"missing parent":      {text, op("add", "/x/y", 1), `x.yaml:1: patch operation 2, add "/x/y": its parent does not exist, or is neither a mapping nor a list; nothing was changed: correct the patch`},
		"scalar parent":       {text, op("add", "/a/b/c", 1), `x.yaml:1: patch operation 2, add "/a/b/c": its parent does not exist, or is neither a mapping nor a list; nothing was changed: correct the patch`},
		"null parent":         {text, op("add", "/n/b", 1), `x.yaml:1: patch operation 2, add "/n/b": its parent does not exist, or is neither a mapping nor a list; nothing was changed: correct the patch`},
		"missing key":         {text, op("replace", "/a/x", 1), `x.yaml:1: patch operation 2, replace "/a/x": does not exist; nothing was changed: correct the patch`},
		"nothing to take":     {text, op("remove", "/a/x", nil), `x.yaml:1: patch operation 2, remove "/a/x": does not exist; nothing was changed: correct the patch`},
		"index too large":     {text, op("add", "/c/3", 1), `x.yaml:1: patch operation 2, add "/c/3": is no index of that list; nothing was changed: correct the patch`},
		"negative index":      {text, op("remove", "/c/-1", nil), `x.yaml:1: patch operation 2, remove "/c/-1": is no index of that list; nothing was changed: correct the patch`},
		"leading zero":        {text, op("replace", "/c/01", 1), `x.yaml:1: patch operation 2, replace "/c/01": is no index of that list; nothing was changed: correct the patch`},
		"other operation":     {text, op("move", "/a", nil), `x.yaml:1: patch operation 2, move "/a": only add, replace and remove can be applied; nothing was changed: correct the patch`},
		"value not JSON":      {text, op("add", "/x", func() {}), `x.yaml:1: patch operation 2, add "/x": its value is no JSON: json: unsupported type: func(); nothing was changed: correct the patch`},
		"value with twins":    {"k: v\n---\n" + text, op("add", "/x", raw(`{"a":1,"a":2}`)), `x.yaml:2: patch operation 2, add "/x": its value is no JSON: jsontext: duplicate object member name "a"; nothing was changed: correct the patch`},
		"tagged key":          {"!!bool yes: x\n", op("add", "/b", 1), `x.yaml:1: the document cannot be edited: kubectl reads key "yes" under another name; write it in plain YAML, without unusual tags or keys`},
		"an empty tagged key": {"a: b\n---\nc:\n  d: e\n  ! : f\n", op("add", "/c/g", 1), `x.yaml:5: the layout here cannot be changed without touching other lines; nothing was changed: write these lines in plain YAML, one "key: value" a line`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := manifest.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			d := f.Documents[len(f.Documents)-1]
			before := string(d.JSON())
			err = d.Apply([]jsonpatch.Operation{op("add", "/first", true), tt.op})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if f.Changed() || string(d.JSON()) != before {
				t.Errorf("half applied: %s", f.Bytes())
			}
		})
	}
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func op(kind, path string, value any) jsonpatch.Operation {
	return jsonpatch.NewOperation(kind, path, value)
}

func TestApplyNothing(t *testing.T) {
	f, err := manifest.Read("x.yaml", []byte("a: 'b' # c\nd: [1.0]\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := f.Documents[0]
	for _, patch := range [][]jsonpatch.Operation{nil, {op("replace", "/a", "b"), op("add", "/d", []int{1})}} {
		if err := d.Apply(patch); err != nil {
			t.Fatal(err)
		}
		if d.Changed() {
			t.Errorf("%v changed the text to %s", patch, d.Bytes())
		}
	}
}
