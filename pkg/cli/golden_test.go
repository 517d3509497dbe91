package cli

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const goldenFolder = "testdata/golden"

// goldenCase is one input with the flags it is decided under.
type goldenCase struct {
	name  string
	input string // relative to goldenFolder
	flags []string
}

// goldenCases lists testdata/golden: for each <case>.input.yaml the flags are
// those of <case>.flags, one a line, or a cluster's usual ones.
func goldenCases(t *testing.T) []goldenCase {
	t.Helper()
	inputs, err := filepath.Glob(filepath.Join(goldenFolder, "*.input.yaml"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs in %s: %v", goldenFolder, err)
	}
	var cases []goldenCase
	for _, input := range inputs {
		c := goldenCase{input: filepath.Base(input), flags: []string{
			"--cluster-dns=10.96.0.10", "--cluster-domain=cluster.local", "--init-image=registry.example.com/netmode:v1",
		}}
		c.name = strings.TrimSuffix(c.input, ".input.yaml")
		text, err := os.ReadFile(filepath.Join(goldenFolder, c.name+".flags"))
		switch {
		case err == nil:
			c.flags = strings.Fields(string(text))
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// args are the arguments of a command over the case's input.
func (c goldenCase) args(command ...string) []string {
	return append(append(command, "-f", c.input), c.flags...)
}

// TestGolden compares what render and explain write with <case>.golden.yaml,
// which is render's standard output, and <case>.report, which is all the rest.
func TestGolden(t *testing.T) {
	cases := goldenCases(t)
	known := map[string]bool{}
	for _, c := range cases {
		known[c.input], known[c.name+".golden.yaml"], known[c.name+".report"], known[c.name+".flags"] = true, true, true, true
	}
	entries, err := os.ReadDir(goldenFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("%s belongs to no case: delete it", e.Name())
		}
	}
	t.Chdir(goldenFolder)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rendered, explained := netmode(t, c.args("render")...), netmode(t, c.args("explain")...)
			if rendered.code != explained.code {
				t.Errorf("render ends with exit code %d, explain with %d", rendered.code, explained.code)
			}
			if rendered.code != 0 && rendered.out != "" {
				t.Errorf("render was refused, and wrote to its standard output:\n%s", rendered.out)
			}
			report := fmt.Sprintf("== netmode explain: exit code %d\n%s%s\n== netmode render: exit code %d\n%s",
				explained.code, explained.out, explained.err, rendered.code, rendered.err)
			compareGolden(t, c.name+".golden.yaml", rendered.out)
			compareGolden(t, c.name+".report", report)
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatalf("%v: run the test with -update, then read the new file", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
