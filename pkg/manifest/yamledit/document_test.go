package yamledit_test

import (
	"errors"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
)

func TestLines(t *testing.T) {
	for text, want := range map[string]map[string]int{
		"a: b\n---\n# c\nd:\n  e: 1\n  f:\n  - g\n  - h: &x\n      i: 2\nj: *x\n": {
			"d/e": 5, "d/f/0": 7, "d/f/1/h/i": 9, "d/f/2": 7, "d/f/x": 7, "d/nothing/here": 5, "j": 10, "j/i": 9},
		"a: b\n---\n{\"d\":{\n\"e\":1,\n\"f\":[\n\"g\",\n{\"h\":\n{\"i\":\n2}}]},\n\"j\":3}\n": {
			"d/e": 4, "d/f/0": 6, "d/f/1/h/i": 9, "d/f/2": 5, "d/f/x": 5, "d/nothing/here": 3, "j": 10, "j/i": 10},
	} {
		documents, err := yamledit.Read("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		d := documents[1]
		if d.Line != 2 {
			t.Errorf("the document begins at line %d", d.Line)
		}
		for path, line := range want {
			if got := d.Lines()(strings.Split(path, "/")...); got != line {
				t.Errorf("%s: line %d, want %d in\n%s", path, got, line, d.Bytes())
			}
		}
	}
}

func TestErrors(t *testing.T) {
	documents, err := yamledit.Read("x.yaml", []byte("a: b\n---\n- c\n"))
	if err != nil {
		t.Fatal(err)
	}
	if bad := documents[1].NotObject(); documents[0].NotObject() != nil || bad == nil || !bad.NotObject || bad.Error() != "x.yaml:3: the document is a list, not an object" {
		t.Errorf("got %v", bad)
	}
	documents, err = yamledit.Read("x.yaml", []byte("a: b\n---\nc: d\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = documents[1].Apply([]jsonpatch.Operation{jsonpatch.NewOperation("remove", "/x", nil)})
	const want = `x.yaml:2: patch operation 1, remove "/x": does not exist; nothing was changed: correct the patch`
	if err == nil || err.Error() != want || errors.Unwrap(err) == nil {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
