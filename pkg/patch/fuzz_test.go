package patch_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// FuzzPatch: no text panics or hangs. On valid JSON, one mutation is refused
// exactly when the model refuses it; and when Build takes a plan, Apply takes
// the operations and gives what the model gives.
func FuzzPatch(f *testing.F) {
	for _, tt := range buildCases {
		if text, err := json.Marshal(tt.mutations[0].Value); err == nil {
			last := tt.mutations[len(tt.mutations)-1]
			f.Add(tt.raw, uint(tt.mutations[0].Action), tt.mutations[0].Pointer, string(text), uint(last.Action), last.Pointer, "[{}]")
		}
	}
	f.Add(`{"l":[{"a":1}]}`, uint(plan.InsertFirst), "/l", `"x"`, uint(plan.Set), "/l/0/a", "2")
	f.Add(`{"":{"a":1,"b":{"c":2}},"c":3}`, uint(plan.Set), "//a", "1", uint(plan.Set), "/c/x", "2")
	f.Add(`{"a":{"b":{"c":1}}}`, uint(plan.Remove), "/a/b", "1", uint(plan.Set), "/a/b/c", "2")
	f.Add(`{"a":[}`, uint(plan.Set), "/a/0", "1", uint(plan.Set), "/a", "2")
	f.Add(`null`, uint(plan.Set), "/a", "null", uint(plan.AppendLast), "/a", "2")

	f.Fuzz(func(t *testing.T, raw string, action1 uint, pointer1, value1 string, action2 uint, pointer2, value2 string) {
		if !jsontext.Value(value1).IsValid() || !jsontext.Value(value2).IsValid() {
			value1, value2 = `{"a":[null,1]}`, `"v"`
		}
		// No plan writes null, which is as good as absent to some and a value to others.
		for _, value := range []*string{&value1, &value2} {
			if strings.TrimSpace(*value) == "null" {
				*value = "0"
			}
		}
		ms := mutations{
			{Action: plan.Action(action1 % 4), Pointer: pointer1, Value: json.RawMessage(value1)},
			{Action: plan.Action(action2 % 4), Pointer: pointer2, Value: json.RawMessage(value2)},
		}
		whole, wholeErr := patch.Build([]byte(raw), ms)
		// Two equal names, and text that is not UTF-8, are not what Build promises to read.
		if !jsontext.Value(raw).IsValid() || !utf8.ValidString(pointer1+pointer2) {
			return
		}
		for _, m := range ms {
			_, err := patch.Build([]byte(raw), mutations{m})
			_, modelErr := modelApply(mustDecode(t, []byte(raw)), mutations{m})
			if (err != nil) != (modelErr != nil) {
				t.Errorf("%s: Build says %v, the model %v", m.Pointer, err, modelErr)
			}
		}
		if wholeErr != nil {
			return
		}
		patched, err := patch.Apply([]byte(raw), whole)
		if err != nil {
			t.Fatal(err)
		}
		want, err := modelApply(mustDecode(t, []byte(raw)), ms)
		if err != nil {
			t.Fatalf("Build took what the model refuses: %v", err)
		}
		if diff := cmp.Diff(want, mustDecode(t, patched)); diff != "" {
			t.Errorf("object differs from the model's (-model +got):\n%s", diff)
		}
	})
}
