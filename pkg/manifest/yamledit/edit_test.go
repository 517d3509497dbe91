package yamledit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
)

// TestEdits shows what one patch makes of a layout.
func TestEdits(t *testing.T) {
	tests := map[string]struct{ text, patch, want string }{
		"a mapping replaced keeps what is equal": {
			"m:\n  a: 'x'  # a\n  # b is\n  b: 1\n  c:\n  - 1 # one\n  - 2 # two\n  - 3 # three\n  d: x\n",
			`[{"op":"replace","path":"/m","value":{"a":"x","b":2,"c":[1,5,6,3],"e":{}}}]`,
			"m:\n  a: 'x'  # a\n  # b is\n  b: 2\n  c:\n  - 1 # one\n  - 5 # two\n  - 6\n  - 3 # three\n  e: {}\n"},
		"a list replaced by a shorter one": {
			"c:\n- 1 # one\n- 2 # two\n- {a: b} # three\n- 4 # four\n",
			`[{"op":"add","path":"/c","value":[1,{"a":"c"},4]}]`,
			"c:\n- 1 # one\n- a: c # two\n- 4 # four\n"},
		"a list emptied": {"c: # why\n- 1 # one\nd: e\n", `[{"op":"replace","path":"/c","value":[]}]`, "c: [] # why\nd: e\n"},
		"anchors and tags": {
			"a: &x !!str 5 # c\nb: !!map\n  c: d\ne: &y\n- 1\nf: !!str\ng: *y # g\n",
			`[{"op":"replace","path":"/a","value":6},{"op":"add","path":"/b/h","value":"i"},{"op":"add","path":"/e/0","value":0},{"op":"replace","path":"/f","value":"j"}]`,
			"a: 6 # c\nb: !!map\n  c: d\n  h: i\ne: &y\n- 0\n- 1\nf: j\ng: # g\n- 1\n"},
		"an alias replaced":             {"a: &x 1\nb: *x # c\nd: [*x, *x]\n", `[{"op":"replace","path":"/b","value":2},{"op":"remove","path":"/a"}]`, "b: 2 # c\nd: [1, 1]\n"},
		"an anchored key removed":       {"m:\n  &k a: 1\n  b: *k\n", `[{"op":"remove","path":"/m/a"}]`, "m:\n  b: a\n"},
		"an edit below an alias":        {"a: &x\n  l: [1, {z: 1, b: 2}]\nb: *x\n", `[{"op":"add","path":"/b/l/-","value":3}]`, "a: &x\n  l: [1, {z: 1, b: 2}]\nb:\n  l:\n  - 1\n  - z: 1\n    b: 2\n  - 3\n"},
		"a merge that wins":             {"a: &x {k: 1, l: 2}\nb:\n  k: 5 # mine\n  <<: *x\n  m: 3\n", `[{"op":"replace","path":"/b/k","value":7}]`, "a: &x {k: 1, l: 2}\nb:\n  k: 7 # mine\n  m: 3\n  l: 2\n"},
		"literals":                      {"a: |2-\n   x\n\n  y\nb: >+ # c\n  z\n\n\nc: |\n\nd: |-\n  # no comment\n # comment\ne: f\n", `[{"op":"replace","path":"/a","value":1},{"op":"replace","path":"/b","value":2},{"op":"replace","path":"/c","value":3},{"op":"replace","path":"/d","value":4}]`, "a: 1\nb: 2\nc: 3\n\nd: 4\n # comment\ne: f\n"},
		"behind a literal":              {"m:\n  a: |+\n    x\n\n\n  b:\n    c: |\n      # y\n     # comment\n  # comment of m\nn: o\n", `[{"op":"add","path":"/m/b/d","value":1},{"op":"add","path":"/m/e","value":2},{"op":"remove","path":"/m/a"}]`, "m:\n  b:\n    c: |\n      # y\n     # comment\n    d: 1\n  e: 2\n  # comment of m\nn: o\n"},
		"quoted over lines":             {"a: 'it''s\n\n  so'\nb: \"x\\\"\n  y\" # b\nc: plain # x\n  \n", `[{"op":"replace","path":"/a","value":["x"]},{"op":"replace","path":"/b","value":"z"},{"op":"add","path":"/d","value":1}]`, "a:\n- x\nb: z # b\nc: plain # x\nd: 1\n  \n"},
		"values on the next line":       {"a:\n  # why\n  x # c\nb: \n  'y'\nc:\n  {d: e}\nl:\n-\n  f: g # f\n  h: i\n-\n  # j\n  k\n", `[{"op":"replace","path":"/a","value":"z"},{"op":"replace","path":"/b","value":{"m":"o"}},{"op":"add","path":"/c/p","value":"q"},{"op":"remove","path":"/l/0/f"},{"op":"replace","path":"/l/1","value":2}]`, "a: z\n  # why\nb: \n  m: o\nc:\n  {d: e, p: q}\nl:\n-\n  h: i\n- 2\n  # j\n"},
		"first key of an item":          {"l:\n- a: 1 # c\n  # about b\n  b: 2\n- a: 1\n  b: 2\n- - 1\n  - 2\n", `[{"op":"remove","path":"/l/0/a"},{"op":"remove","path":"/l/1/a"},{"op":"remove","path":"/l/2/0"},{"op":"add","path":"/l/1/c","value":3}]`, "l:\n-  # c\n  # about b\n  b: 2\n- b: 2\n  c: 3\n- - 2\n"},
		"wide indentation":              {"a:\n    b:\n      -   c: d\n          e: f\n", `[{"op":"add","path":"/a/g","value":{"h":[{"i":"j","k":["l"]}]}}]`, "a:\n    b:\n      -   c: d\n          e: f\n    g:\n        h:\n          -   i: j\n              k:\n                - l\n"},
		"flow mapping without a value":  {"{a, b: , c: [x y, 'z', \"w\"], \"d\":1, e: http://x:80/y}\n", `[{"op":"replace","path":"/a","value":1},{"op":"replace","path":"/b","value":2},{"op":"add","path":"/c/3","value":"a: b"},{"op":"remove","path":"/d"}]`, "{a: 1, b: 2, c: [x y, 'z', \"w\", \"a: b\"], e: http://x:80/y}\n"},
		"flow over lines":               {"a: {\n  b: c, # b\n  d: e # d\n}\nf: [\n  1,\n  2,\n  ]\ng: [1, # one\n  2]\nh: [ ]\n", `[{"op":"add","path":"/a/i","value":"j"},{"op":"add","path":"/f/-","value":3},{"op":"add","path":"/f/1","value":1.5},{"op":"remove","path":"/f/0"},{"op":"add","path":"/g/1","value":1.5},{"op":"add","path":"/h/-","value":"k"}]`, "a: {\n  b: c, # b\n  d: e, # d\n  i: j\n}\nf: [\n  1.5,\n  2,\n  3,\n  ]\ng: [1, 1.5, # one\n  2]\nh:\n- k\n"},
		"a pair in a flow list":         {"# c\na: [b: c] # d\n", `[{"op":"add","path":"/e","value":"f"}]`, "# c\na: [b: c] # d\ne: f\n"},
		"a pair in a flow list changed": {"a: [b: c,  d, ? e : f] # d\n", `[{"op":"replace","path":"/a/0/b","value":1},{"op":"add","path":"/a/2/g","value":"h"}]`, "a: [b: 1,  d, {e: f, g: h}] # d\n"},
		"explicit keys": {"# top\r\n? a\r\n: 1 # one\r\n? b\r\n# of b\r\n: [x,  y] # two\r\n? c\r\n? d\r\n:\r\n  e:   f\r\n", `[{"op":"replace","path":"/a","value":2},{"op":"add","path":"/c","value":{"k":[1.5]}},{"op":"remove","path":"/b/0"},{"op":"add","path":"/d/g","value":"yes"},{"op":"add","path":"/h","value":"i"}]`,
			"# top\r\n? a\r\n: 2 # one\r\n? b\r\n# of b\r\n: [y] # two\r\n? c\r\n:\r\n  k:\r\n  - 1.5\r\n? d\r\n:\r\n  e:   f\r\n  g: \"yes\"\r\nh: i\r\n"},
		"explicit keys, long and in flow":        {"? |\n  a\n: - b\n  -   c\n? >-\n  d\n   e\n\n  f\n: {? g : h, ? i }\nj: {? k}\n", `[{"op":"add","path":"/a\n/-","value":"l"},{"op":"add","path":"/j/k","value":1}]`, "? |\n  a\n: - b\n  -   c\n  - l\n? >-\n  d\n   e\n\n  f\n: {? g : h, ? i }\nj: {? k: 1}\n"},
		"explicit keys, with anchors":            {"? a\n: &x {b: 1}\n? &k c\n: *x\nd: *x\n", `[{"op":"add","path":"/c/b","value":2}]`, "? a\n: &x {b: 1}\n? &k c\n:\n  b: 2\nd: *x\n"},
		"a comment at a quotation mark":          {"a: \"v\"# c\nb: [x, 'y'# d\n  ]# e\nf: {}# g\n", `[{"op":"replace","path":"/a","value":"w"},{"op":"replace","path":"/b/1","value":"z"},{"op":"add","path":"/f/h","value":1}]`, "a: w # c\nb: [x, z # d\n  ]# e\nf: # g\n  h: 1\n"},
		"anchors on keys":                        {"&a k:\n  &b l:   m\n  n: *b\no:\n- &c p:   q\n  r: *a\n", `[{"op":"add","path":"/k/s","value":1},{"op":"add","path":"/o/0/t","value":2}]`, "&a k:\n  &b l:   m\n  n: *b\n  s: 1\no:\n- &c p:   q\n  r: *a\n  t: 2\n"},
		"folded, deeper lines":                   {"a: >\n  b\n    c\n\n  d\ne: >2\n    f\n  g\nh: [i:   j]\n", `[{"op":"add","path":"/k","value":1}]`, "a: >\n  b\n    c\n\n  d\ne: >2\n    f\n  g\nh: [i:   j]\nk: 1\n"},
		"literals in a comment's way":            {"a:\n  b: c\n\n      # deeper\nd: e\n", `[{"op":"add","path":"/a/f","value":"x\ny\n"}]`, "a:\n  b: c\n  f: \"x\\ny\\n\"\n\n      # deeper\nd: e\n"},
		"a literal at the end":                   {"a: b", `[{"op":"add","path":"/c","value":"x\ny\n"},{"op":"add","path":"/d","value":1}]`, "a: b\nc: |\n  x\n  y\nd: 1"},
		"no final newline":                       {"a:\n  b: c # d", `[{"op":"add","path":"/a/e","value":1},{"op":"add","path":"/f","value":2}]`, "a:\n  b: c # d\n  e: 1\nf: 2"},
		"the last line removed":                  {"a: b\nc: d", `[{"op":"remove","path":"/c"}]`, "a: b\n"},
		"everything removed":                     {"# c\na: b # d\n", `[{"op":"remove","path":"/a"}]`, "# c\n{} # d\n"},
		"everything replaced":                    {"# c\na: b\n", `[{"op":"remove","path":"/a"},{"op":"add","path":"/d","value":{"e":1}}]`, "# c\nd:\n  e: 1\n"},
		"JSON replaced":                          {"{\n  \"a\": 1\n}", `[{"op":"remove","path":"/a"},{"op":"add","path":"/d","value":{"e":1}}]`, "{\n  \"d\": {\n    \"e\": 1\n  }\n}"},
		"JSON emptied":                           {"{\"a\": 1}\n", `[{"op":"remove","path":"/a"}]`, "{}\n"},
		"JSON from nothing":                      {"{}", `[{"op":"add","path":"/a","value":"\u2028<é"}]`, "{\"a\": \"\\u2028<é\"}"},
		"escaped keys":                           {"m: {}\n", `[{"op":"add","path":"/m/a~1b~0c","value":""},{"op":"add","path":"/m/1","value":null}]`, "m:\n  a/b~c: \"\"\n  \"1\": null\n"},
		"typed keys":                             {"on: x\n0x10: y\n.5: z\n", `[{"op":"replace","path":"/true","value":1},{"op":"replace","path":"/16","value":2},{"op":"remove","path":"/0.5"}]`, "on: 1\n0x10: 2\n"},
		"byte order mark":                        {"\uFEFFa: {b: c}\n", `[{"op":"add","path":"/a/d","value":"e"},{"op":"add","path":"/f","value":"g"}]`, "\uFEFFa: {b: c, d: e}\nf: g\n"},
		"lists that open or close within a line": {"a: [\n  1, 2]\nb: [\n  1,]\nc : [1,\n  2]\n", `[{"op":"add","path":"/a/-","value":3},{"op":"add","path":"/b/-","value":2},{"op":"add","path":"/c/-","value":3}]`, "a: [\n  1, 2,\n  3]\nb: [\n  1,\n  2]\nc : [1,\n  2, 3]\n"},
		"an alias as a key":                      {"a: &x k\n*x : 1 # c\nb:\n  *x : y\n", `[{"op":"replace","path":"/k","value":2},{"op":"add","path":"/b/z","value":1}]`, "a: &x k\n*x : 2 # c\nb:\n  *x : y\n  z: 1\n"},
		"characters":                             {"a: b\n", `[{"op":"add","path":"/c","value":"\"\\\u0000\udbff\udffd\t\n\r"},{"op":"add","path":"/d","value":"\\"}]`, "a: b\nc: \"\\\"\\\\\\u0000\\U0010FFFD\\t\\n\\u000D\"\nd: '\\'\n"},
		"behind a wide character":                {"a: {ü: é, b: c} # ☂\n", `[{"op":"replace","path":"/a/b","value":"d"}]`, "a: {ü: é, b: d} # ☂\n"},
		"comments around items":                  {"l:\n  # of the list\n\n  # of one\n  - one\n# flush\n  - two\n  # last\n", `[{"op":"add","path":"/l/0","value":"zero"},{"op":"add","path":"/l/2","value":"half"},{"op":"add","path":"/l/-","value":"three"}]`, "l:\n  # of the list\n\n  - zero\n  # of one\n  - one\n  - half\n# flush\n  - two\n  - three\n  # last\n"},
		"added, changed, removed":                {"a: b\n", `[{"op":"add","path":"/c","value":{"d":[1]}},{"op":"add","path":"/c/d/0","value":0},{"op":"replace","path":"/c/d/1","value":2},{"op":"add","path":"/e","value":1},{"op":"remove","path":"/e"}]`, "a: b\nc:\n  d:\n  - 0\n  - 2\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			documents, err := yamledit.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := documents[0].Apply(operations(t, tt.patch)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(joined(documents))); diff != "" {
				t.Errorf("text differs (-want +got):\n%s\n%q", diff, joined(documents))
			}
		})
	}
}
