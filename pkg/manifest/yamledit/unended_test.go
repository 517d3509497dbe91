package yamledit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
)

// A file whose last line does not end means what kubectl reads of it: kubectl ends
// the line. So does what is written where it would mean another thing otherwise.
func TestUnendedLastLine(t *testing.T) {
	for name, tt := range map[string]struct{ last, reads, writes string }{
		"literal":                 {"|\n  echo hi", "echo hi\n", "|\n  echo hi\n"},
		"literal, kept":           {"|+\n  echo hi", "echo hi\n", "|+\n  echo hi\n"},
		"literal, stripped":       {"|-\n  echo hi", "echo hi", "|-\n  echo hi"},
		"folded":                  {">\n  echo\n  hi", "echo hi\n", ">\n  echo\n  hi\n"},
		"folded, deeper lines":    {">\n  echo\n    hi\n  you", "echo\n  hi\nyou\n", ">\n  echo\n    hi\n  you\n"},
		"folded, kept":            {">+\n  echo hi", "echo hi\n", ">+\n  echo hi\n"},
		"literal, blank at end":   {"|\n  echo hi\n  ", "echo hi\n", "|\n  echo hi\n  "},
		"plain":                   {"echo hi", "echo hi", "echo hi"},
		"literal, Windows' lines": {"|\r\n  echo hi", "echo hi\n", "|\r\n  echo hi\n"},
	} {
		t.Run(name, func(t *testing.T) {
			const before = "a: b\nlast: "
			documents, err := yamledit.Read("x.yaml", []byte(before+tt.last))
			if err != nil {
				t.Fatal(err)
			}
			d := documents[0]
			if got := string(d.Bytes()); len(documents) != 1 || d.Changed() || got != before+tt.last {
				t.Errorf("unchanged, it is %q", got)
			}
			for _, value := range []string{"c", "d"} {
				if diff := cmp.Diff(`{"a":"b","last":`+quoted(t, tt.reads)+`}`, string(d.JSON())); value == "c" && diff != "" {
					t.Errorf("read (-want +got):\n%s", diff)
				}
				if err := d.Apply([]jsonpatch.Operation{{Operation: "replace", Path: "/a", Value: value}}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff("a: "+value+"\nlast: "+tt.writes, string(d.Bytes())); diff != "" {
					t.Errorf("written (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
