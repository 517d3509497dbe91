package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var flags = []string{"--cluster-dns=10.96.0.10", "--cluster-domain=cluster.local", "--namespace-labels=netmode.io/mode=hostnetwork"}

const pod = "apiVersion: v1\nkind: Pod # c\nmetadata: {name: a}\nspec:\n  # of containers\n  containers: [{name: a}]\n"

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// A small folder: the table says what became of each file.
func TestCorpusOfASmallFolder(t *testing.T) {
	root := folder(t, map[string]string{
		"pod.yaml":         pod + "---\n# nothing\n---\n- a list\n",
		"below/config.yml": "apiVersion: v1\nkind:   ConfigMap\n",
		"stream.json":      `{"apiVersion":"v1","kind":"ConfigMap"} {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{}}`,
		"chart.yaml":       "a: 1\n{{ .x }}\n",
		"chart2.yaml":      "{{ .x }}\n",
		"twice.yaml":       "a: 1\na: 2\n",
		"refused.yaml":     "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {netmode.io/mode: x}}\nspec: {}\n",
		"README.md":        "{",
	})
	var out bytes.Buffer
	if err := run(append([]string{root}, flags...), netmode, &out); err != nil {
		t.Fatal(err)
	}
	const want = `files                                    7
documents                                6
came out byte for byte                   4
changed                                  2
changes that touched something else      0
second render differs                    0
reader disagrees                         0
not for kubectl to read                  0
files not rendered                       4
     2 a Helm (or Go) template, not YAML
       ROOT/chart.yaml: error: <stdin>:2: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -
     1 key … is set twice in one
       ROOT/twice.yaml: error: <stdin>:2: key "a" is set twice in one mapping, first on the line above; delete one of the two
     1 refused: Pod/a: metadata.annotations[netmode.io/mode]: Unsupported value: …: supported
`
	got := strings.ReplaceAll(out.String(), root, "ROOT")
	got = regexp.MustCompile(`(?m)^       ROOT/refused.*\n`).ReplaceAllString(got, "")
	table, last, _ := strings.Cut(got, "time, peak memory")
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !regexp.MustCompile(`^ +\d+\.\d s, [1-9]\d* MB\n$`).MatchString(last) {
		t.Errorf("time and memory: %q", last)
	}
}

// A program that does wrong is found out, and run fails.
func TestCorpusFindsWhatIsWrong(t *testing.T) {
	replaced := func(from, to string) program {
		return func(text []byte, args ...string) ([]byte, string) {
			out, complaint := netmode(text, args...)
			if args[0] == "render" {
				out = bytes.ReplaceAll(out, []byte(from), []byte(to))
			}
			return out, complaint
		}
	}
	for name, test := range map[string]struct {
		program program
		want    []string
	}{
		"a comment lost":       {replaced("  # of containers\n", ""), []string{"changes that touched something else      1", `pod.yaml:1: line "  # of containers" is gone`}},
		"a line written anew":  {replaced("kind: Pod # c", "kind:  Pod # c"), []string{"changes that touched something else      1", `line "kind: Pod # c" is gone`}},
		"many lines":           {replaced("\n", " \n"), []string{"changes that touched something else      1", "is gone"}},
		"another value":        {replaced("hostNetwork: true", "hostNetwork: false"), []string{"changes that touched something else      1", "pod.yaml:1: another value"}},
		"a document more":      {replaced("spec:\n", "spec:\n---\n"), []string{"changes that touched something else      1", "1 documents became others"}},
		"a second change":      {replaced("# c", "# c c"), []string{"second render differs                    1"}},
		"not for kubectl":      {replaced("kind: Pod # c\n", "kind: Pod # c\n\ufeff---\n"), []string{"changes that touched something else      1"}},
		"rendered, but broken": {replaced("containers: [{name: a}]", "containers: [{name: a}"), []string{"changes that touched something else      1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(append([]string{folder(t, map[string]string{"pod.yaml": pod})}, flags...), test.program, &out)
			if err == nil || !strings.HasSuffix(err.Error(), "of what must be 0") {
				t.Errorf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("want %q in\n%s", want, out.String())
				}
			}
		})
	}
}

// kubectl splits only at lines that begin with ---, and knows no byte order mark there:
// such a file is named. One that only netmode made so is wrong.
func TestCorpusHoldsTheReadersToOneAnother(t *testing.T) {
	const joined = "apiVersion: v1\nkind: A\n\ufeff---\napiVersion: v1\nkind: B\n"
	spoilt := func(text []byte, args ...string) ([]byte, string) {
		out, complaint := netmode(text, args...)
		return bytes.ReplaceAll(out, []byte("\n---"), []byte("\n\ufeff---")), complaint
	}
	for _, test := range []struct {
		text    string
		program program
		want    string
		fails   bool
	}{
		{joined, netmode, "not for kubectl to read                  1\n  ROOT/joined.yaml: ", false},
		{strings.Replace(joined, "\ufeff", "", 1), spoilt, "reader disagrees                         1\n  ROOT/joined.yaml: kubectl reads what went in, and not", true},
	} {
		root, out := folder(t, map[string]string{"joined.yaml": test.text}), bytes.Buffer{}
		err := run([]string{root}, test.program, &out)
		if got := strings.ReplaceAll(out.String(), root, "ROOT"); (err != nil) != test.fails || !strings.Contains(got, test.want) {
			t.Errorf("%v\n%s", err, got)
		}
	}
}

func TestCorpusRefuses(t *testing.T) {
	empty := folder(t, map[string]string{"x.txt": ""})
	for want, args := range map[string][]string{
		"no folder: usage: corpus DIR [FLAG OF RENDER ...]":     nil,
		empty + ": no *.yaml, *.yml or *.json file is below it": {empty},
	} {
		if err := run(args, netmode, &bytes.Buffer{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
