package patch_test

import (
	"bytes"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/patch"
)

func TestEncode(t *testing.T) {
	tests := []struct {
		operations []jsonpatch.Operation
		want       string
	}{
		{nil, `[]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("remove", "/a", nil)}, `[{"op":"remove","path":"/a"}]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("remove", "/a", "not written")}, `[{"op":"remove","path":"/a"}]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("add", "/a", nil)}, `[{"op":"add","path":"/a","value":null}]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("add", "/a", "")}, `[{"op":"add","path":"/a","value":""}]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("add", "/a", []string(nil))}, `[{"op":"add","path":"/a","value":[]}]`},
		{[]jsonpatch.Operation{jsonpatch.NewOperation("replace", `/a"\`, false)}, `[{"op":"replace","path":"/a\"\\","value":false}]`},
	}
	for _, tt := range tests {
		got, err := patch.Encode(tt.operations)
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	operations := []jsonpatch.Operation{jsonpatch.NewOperation("add", "/spec/a", func() {})}
	if _, err := patch.Encode(operations); err == nil || !strings.HasPrefix(err.Error(), "value of /spec/a: ") {
		t.Errorf("got error %v, want one that names the path", err)
	}
	if _, err := patch.Apply([]byte(`{}`), operations); err == nil || !strings.HasPrefix(err.Error(), "value of /spec/a: ") {
		t.Errorf("got error %v, want one that names the path", err)
	}
	operations[0].Value = "\xff"
	if _, err := patch.Encode(operations); err == nil {
		t.Error("invalid UTF-8 was encoded")
	}
}

func TestApply(t *testing.T) {
	raw := []byte(` {"b":1, "a":2}`)
	got, err := patch.Apply(raw, nil)
	if err != nil || !bytes.Equal(got, raw) {
		t.Errorf("no operations: got %s, %v", got, err)
	}
	got, err = patch.Apply(raw, []jsonpatch.Operation{jsonpatch.NewOperation("remove", "/b", nil)})
	if err != nil || string(got) != `{"a":2}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestApplyRefuses(t *testing.T) {
	tests := []struct {
		raw       string
		operation jsonpatch.Operation
		want      string
	}{
		{`{"a":1}`, jsonpatch.NewOperation("add", "/b/c", 1), `patch [{"op":"add","path":"/b/c","value":1}] does not apply: `},
		{`{"a":1}`, jsonpatch.NewOperation("remove", "/b", nil), `patch [{"op":"remove","path":"/b"}] does not apply: `},
		{`{"a":1}`, jsonpatch.NewOperation("grow", "/a", 2), `patch [{"op":"grow","path":"/a","value":2}] does not apply: `},
		{`{"a":`, jsonpatch.NewOperation("replace", "/a", 2), `patch [{"op":"replace","path":"/a","value":2}] does not apply: `},
	}
	for _, tt := range tests {
		got, err := patch.Apply([]byte(tt.raw), []jsonpatch.Operation{tt.operation})
		if got != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %s, error %v, want %s", got, err, tt.want)
		}
	}
}

func TestApplyDocumentRefuses(t *testing.T) {
	got, err := patch.ApplyDocument("the patch", []byte(`{}`), []byte(`{}`))
	if got != nil || err == nil || !strings.HasPrefix(err.Error(), "the patch: ") {
		t.Errorf("got %s, %v", got, err)
	}
}
