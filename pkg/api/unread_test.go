package api_test

import (
	"errors"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

// A member that no view has may hold anything, and what stands behind it is still read.
func TestUnreadMembersTakeAnyValue(t *testing.T) {
	for _, value := range []string{"null", "true", "0", `"a\"]}"`, "[]", "{}", `[{"a":[1,"}"]},null]`} {
		text := `{"metadata":{"managedFields":` + value + `,"name":"a"},"spec":{"volumes":` + value +
			`,"containers":[{"name":"main","volumeMounts":` + value + `,"image":` + value + `,"command":["/app"]}],"hostname":"h"}}`
		got, err := decode[api.Pod]([]byte(text))
		want := api.Pod{
			Metadata: api.ObjectMeta{Name: "a"},
			Spec:     api.PodSpec{Containers: []api.Container{{Name: "main", Command: []string{"/app"}}}, Hostname: "h"},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", text, err, diff)
		}
	}
}

// An object that says two things at once must not be patched by one of them.
func TestUnreadMembersAreChecked(t *testing.T) {
	for _, value := range []string{`{"a":1,"a":2}`, `[{"a":{"b":1,"b":1}}]`} {
		_, err := decode[api.Pod]([]byte(`{"spec":{"volumes":` + value + `}}`))
		if !errors.Is(err, jsontext.ErrDuplicateName) {
			t.Errorf("%s: got error %v, want a duplicate name", value, err)
		}
	}
	for _, value := range []string{"", "[", `{"a"}`, "nul", "01", `"` + "\xff" + `"`} {
		if _, err := decode[api.Pod]([]byte(`{"spec":{"volumes":` + value + `}}`)); err == nil {
			t.Errorf("%q: no error", value)
		}
	}
}
