package manifest_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest"
)

// streams are inputs that must come back byte for byte, with what each of their
// documents says ("" for an empty one).
var streams = map[string]struct {
	text string
	want []string
}{
	"nothing":                {"", nil},
	"one break":              {"\n", []string{""}},
	"only blanks":            {"  \t\n \n", []string{""}},
	"only a comment":         {"# nothing here", []string{""}},
	"only a separator":       {"---", []string{""}},
	"only separators":        {"---\n---\n---\n", []string{"", "", ""}},
	"only null":              {"~\n--- null\n", []string{"", ""}},
	"no final newline":       {"a: b", []string{`{"a":"b"}`}},
	"comment before":         {"# c\n\n---\na: b\n", []string{`{"a":"b"}`}},
	"directives":             {"%YAML 1.2\n%TAG ! tag:x,2000:\n---\na: b\n", []string{`{"a":"b"}`}},
	"tag directive":          {"# ü\n%YAML 1.1\n%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 5\n", []string{`{"a":"5"}`}},
	"version 1.2":            {"%YAML 1.2 # new\n---\na: yes\n", []string{`{"a":true}`}},
	"CRLF":                   {"# c\r\n---\r\na: b\r\n\r\n--- # d\r\nc: |\r\n  x\r\n  y\r\n", []string{`{"a":"b"}`, `{"c":"x\ny\n"}`}},
	"CR":                     {"a: b\r---\rc: d\r", []string{`{"a":"b"}`, `{"c":"d"}`}},
	"NEL and LS":             {"a: b\u0085---\u2028c: d\u2029", []string{`{"a":"b"}`, `{"c":"d"}`}},
	"byte order mark":        {"\uFEFFa: b\n---\nc: d\n", []string{`{"a":"b"}`, `{"c":"d"}`}},
	"mark and separator":     {"\uFEFF---\nc: d\n", []string{`{"c":"d"}`}},
	"a later mark":           {"a: b\n---\n\uFEFFc: d\ne: f\n", []string{`{"a":"b"}`, `{"c":"d","e":"f"}`}},
	"a later mark, comment":  {"a: b\r\n---\r\n\uFEFF# c\r\n\r\nc: d\r\ne: f\r\n", []string{`{"a":"b"}`, `{"c":"d","e":"f"}`}},
	"mark before ---":        {"a: b\n\uFEFF---\nc: d\n", []string{`{"a":"b"}`, `{"c":"d"}`}},
	"mark in JSON stream":    {"{\"a\":1}\n\uFEFF{\"b\":2}\n---\n\uFEFF{\"c\":3}\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
	"a list, a word":         {"- a\n---\nhello\n---\nb: c\n", []string{`["a"]`, `"hello"`, `{"b":"c"}`}},
	"templates as text":      {"a: \"{{ $x }}\" # {{ c }}\nb: |\n  {{ if }}\nc: 'q\n  {{ r }}'\nd: x {{ y }}\n", []string{`{"a":"{{ $x }}","b":"{{ if }}\n","c":"q {{ r }}","d":"x {{ y }}"}`}},
	"mark and comment":       {"\uFEFF# ü\n---\nc: d\n", []string{`{"c":"d"}`}},
	"directives only after":  {"a: b\n...\n%YAML 1.2\n", []string{`{"a":"b"}`}},
	"mark and JSON":          {"\uFEFF{\"a\":1}", []string{`{"a":1}`}},
	"trailing text":          {"--- {a: b}\n---\t{c: d} # e\n", []string{`{"a":"b"}`, `{"c":"d"}`}},
	"no separators":          {"---a: 1\n--- # c\n----: 2\n", []string{`{"---a":1}`, `{"----":2}`}},
	"document ends":          {"a: b\n...\n# c\n---\nd: e\n...\n...\n# f\n", []string{`{"a":"b"}`, `{"d":"e"}`}},
	"ends, then directive":   {"a: b\n... # x\n%YAML 1.1\n---\nd: e\n", []string{`{"a":"b"}`, `{"d":"e"}`}},
	"separator in a literal": {"a: |\n  ---\n  b: c\n  ...\nd: >-\n ---\n", []string{`{"a":"---\nb: c\n...\n","d":"---"}`}},
	"literal before ...":     {"a: |+\n  x\n\n...\n---\n", []string{`{"a":"x\n\n"}`, ""}},
	"indented separator":     {"a: b\n ---\n", []string{`{"a":"b ---"}`}},
	"YAML 1.1":               {"a: yes\nb: off\nc: 010\nd: 0x10\ne: 1_000\nf: \"yes\"\ng: 12:30\non: y\n8: z\n", []string{`{"8":"z","a":true,"b":false,"c":8,"d":16,"e":1000,"f":"yes","g":"12:30","true":true}`}},
	"anchors":                {"a: &x {b: c}\nd: *x\ne:\n  <<: *x\n", []string{`{"a":{"b":"c"},"d":{"b":"c"},"e":{"b":"c"}}`}},
	"large numbers":          {"a: 9007199254740993\nb: 18446744073709551615\n", []string{`{"a":9007199254740993,"b":18446744073709551615}`}},
	"flow":                   {"{a: b, # c\n d: [e]}\n", []string{`{"a":"b","d":["e"]}`}},
	"JSON":                   {" \n{\"a\" : 1.50, \"b\":\"<\\u00fc\\ud83d\\ude00\"}\n\n", []string{`{"a":1.50,"b":"<\u00fc\ud83d\ude00"}`}},
	"JSON stream":            {"{\"a\":1}{\"b\":2}\n{\"c\":\n3}", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}},
	"JSON between YAML":      {"a: 1\n---\n{\"b\":2}\n{\"c\":3}\n---\nd: 4\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`, `{"d":4}`}},
	"JSON with an end":       {"{\"a\":1}\n... # x\n---\n{}\n", []string{`{"a":1}`, `{}`}},
	"JSON with a tab":        {"{\n\t\"a\": 1\n}", []string{`{"a":1}`}},
}

func TestRoundTrip(t *testing.T) {
	for name, tt := range streams {
		t.Run(name, func(t *testing.T) {
			f, err := manifest.Read("x.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(f.Bytes()); got != tt.text {
				t.Errorf("got %q, want %q", got, tt.text)
			}
			var got []string
			for i, d := range f.Documents {
				got = append(got, string(d.JSON()))
				if d.Changed() || d.Empty() != (d.JSON() == nil) {
					t.Errorf("document %d: changed %v, empty %v", i, d.Changed(), d.Empty())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("documents differ (-want +got):\n%s", diff)
			}
			if f.Changed() {
				t.Error("the file is changed")
			}
		})
	}
}

// TestOthersStay edits each document of each stream and looks at the others.
func TestOthersStay(t *testing.T) {
	for name, tt := range streams {
		t.Run(name, func(t *testing.T) {
			for i := range tt.want {
				f, err := manifest.Read("x.yaml", []byte(tt.text))
				if err != nil {
					t.Fatal(err)
				}
				edited := f.Documents[i]
				if edited.Empty() || edited.NotObject() != nil {
					continue
				}
				before := edited.Bytes()
				if err := edited.Apply([]jsonpatch.Operation{jsonpatch.NewOperation("add", "/added", "x")}); err != nil {
					t.Fatal(err)
				}
				if !edited.Changed() || !f.Changed() || !strings.Contains(string(edited.JSON()), `"added":"x"`) {
					t.Errorf("document %d is unchanged: %s", i, edited.Bytes())
				}
				got := string(f.Bytes())
				if want := strings.Replace(tt.text, string(before), string(edited.Bytes()), 1); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				again, err := manifest.Read("x.yaml", f.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				for j, d := range again.Documents {
					if !bytes.Equal(d.JSON(), f.Documents[j].JSON()) {
						t.Errorf("document %d became %s", j, d.JSON())
					}
				}
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"duplicate key":                 {"---\na: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", `x.yaml:6: key "c" is set twice in one mapping, first 2 lines above; delete one of the two`},
		"duplicate later":               {"a: 1\n---\n# c\nb: 1\n\"b\": 2\n", `x.yaml:5: key "b" is set twice in one mapping, first on the line above; delete one of the two`},
		"duplicate in a list":           {"a:\n- {b: 1, b: 2}\n", `x.yaml:2: key "b" is set twice in one mapping, first on the same line; delete one of the two`},
		"duplicate for kubectl":         {"yes: 1\ntrue: 2\n", `x.yaml:2: key "true" is set twice in one mapping, first on the line above; delete one of the two`},
		"duplicate in JSON":             {"{\"a\": {\n\"b\": 1,\n\"b\": 2}}", `x.yaml:3: key "b" is set twice in one object; delete one of the two`},
		"tab":                           {"a: 1\nb:\n\tc: 1\n", "x.yaml:3: a tab in the indentation; indent with spaces"},
		"indentation":                   {"a: 1\nb:\n  c: 1\n d: 2\n", "x.yaml:4: did not find expected key; look at the indentation of this line and the one above"},
		"deeper":                        {"---\n---\na: 1\n  b: 2\nc: 3\n", `x.yaml:4: mapping values are not allowed in this context; look at the indentation; a value that holds ": " needs quotes`},
		"open bracket":                  {"a: 1\nb: [1, 2\nc: 3\n", "x.yaml:2: the bracket that opens here is not closed: did not find expected ',' or ']'; close it, or put a comma between the items"},
		"open quote":                    {"a: 1\nb: \"x\nc: 3\n", "x.yaml:2: found unexpected end of stream; close the quotation mark that opens here"},
		"no anchor":                     {"a: 1\nb: *x\n", "x.yaml:2: unknown anchor 'x' referenced; define the anchor with & above its first use, in the same document"},
		"reserved character":            {"a: 1\nb: @x\n", "x.yaml:2: found character that cannot start any token; put quotes around the value"},
		"control character":             {"a: 1\nb: \x01\n", "x.yaml:2: control characters are not allowed; remove the character, or write it as an escape between double quotes"},
		"template value":                {"a: 1\nb: {{ .Values.x }}\n", "x.yaml:2: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template line":                 {"a: 1\n{{ if .x }}\nb: 1\n", "x.yaml:2: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template if":                   {"a: 1\nb:\n  {{- if .x }}\n  c: 1\n  {{- end }}\n", "x.yaml:3: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template below a literal":      {"a: |\n  {{ text }}\n  x\n{{- range .y }}\nb: 1\n{{- end }}\n", "x.yaml:4: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template behind an end":        {"a: 1\n...\n{{- end }}\n", "x.yaml:3: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template comment":              {"{{/* x\n*/}}\na: 1\n", "x.yaml:1: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template only":                 {"{{ include \"x\" . }}\n", "x.yaml:1: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template in quotes of its own": {"a: 1\nb: \"{{ default \"x\" .y }}\"\nc: 1\n", "x.yaml:2: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template in a flow list":       {"a: 1\nb: [x, {{ .y }}]\n", "x.yaml:2: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template of an item":           {"a:\n- b: \"{{ ok }}\"\n- {{ .y }}\n", "x.yaml:3: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template as a key":             {"# {{ c }}\na: \"{{ ok }}\"\n{{ .k }}: 1\n", "x.yaml:3: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"template in a later document":  {"a: 1\n---\nb: '{{ ok }}'\nc:\n{{ toYaml .x | indent 2 }}\n", "x.yaml:5: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -"},
		"a flaw beside a template":      {"a: '{{ x }}'\nb: 1\n c: 2\n", `x.yaml:3: mapping values are not allowed in this context; look at the indentation; a value that holds ": " needs quotes`},
		"no colon":                      {"a: 1\nb\nc: 1\n", "x.yaml:2: could not find expected ':'; look at the indentation of this line and the one above"},
		"mapping as a key":              {"a: 1\n? [b]\n: c\n", "x.yaml:2: a list or a mapping as a key; write a plain word as the key"},
		"a JSON number":                 {"{\"a\":1}\n5", "x.yaml:2: a JSON value that is not an object; a manifest has apiVersion, kind and metadata at its top level"},
		"broken JSON":                   {"{\"a\": 1,\n\"b\": ]}", "x.yaml:2: the JSON cannot be parsed: "},
		"broken JSON later":             {"{\"a\": 1}\n{\"b\" 1}", "x.yaml:2: the JSON cannot be parsed: "},
		"cut JSON":                      {"{\"a\": 1,\n", "x.yaml:1: the JSON cannot be parsed: unexpected EOF; look for a missing comma, quotation mark or bracket"},
		"null key":                      {"a: 1\nnull: 2\n", "x.yaml:1: kubectl cannot read this document: unsupported map key of type"},
		"infinity":                      {"---\na: .inf\n", "x.yaml:2: kubectl cannot read this document: json: unsupported value: +Inf; write it in the plain YAML that JSON can say"},
		"own anchor":                    {"a: &x [*x]\n", "x.yaml:1: kubectl cannot read this document: anchor 'x' value contains itself; write it in the plain YAML that JSON can say"},
		"after the end":                 {"a: 1\n...\nb: 2\n", `x.yaml:3: content after "...", which kubectl does not read; put a line "---" before it`},
		"not UTF-8":                     {"a: 1\nb: \xff\n", "x.yaml:2: not UTF-8 text; save the file as UTF-8"},
		"directive, no marker":          {"%YAML 1.2\na: 1\n", "x.yaml:2: content directly after a % directive; put a line \"---\" between them"},
		"too big":                       {strings.Repeat(" ", manifest.MaxBytes+1), "x.yaml: larger than 16 MiB; split it into smaller files"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := manifest.Read("x.yaml", []byte(tt.text))
			if err == nil {
				t.Fatalf("accepted as %d documents", len(f.Documents))
			}
			if got := err.Error(); got != tt.want && !(strings.HasSuffix(tt.want, ": ") || strings.HasSuffix(tt.want, "of type")) || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			var e *manifest.Error
			if !errors.As(err, &e) || e.Name != "x.yaml" || e.Cure == "" {
				t.Errorf("no cure in %#v", err)
			}
		})
	}
}

func TestCopies(t *testing.T) {
	input := []byte("a: 1\nb: 2\n")
	f, err := manifest.Read("x.yaml", input)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Documents[0]
	for _, handed := range [][]byte{input, d.JSON(), d.Bytes(), d.Original(), f.Bytes()} {
		for i := range handed {
			handed[i] = '!'
		}
	}
	before := d.JSON()
	if err := d.Apply([]jsonpatch.Operation{jsonpatch.NewOperation("replace", "/a", 3)}); err != nil {
		t.Fatal(err)
	}
	for _, check := range [][2]string{
		{string(before), `{"a":1,"b":2}`}, {string(d.JSON()), `{"a":3,"b":2}`},
		{string(d.Original()), "a: 1\nb: 2\n"}, {string(d.Bytes()), "a: 3\nb: 2\n"},
	} {
		if check[0] != check[1] {
			t.Errorf("got %q, want %q", check[0], check[1])
		}
	}
}
