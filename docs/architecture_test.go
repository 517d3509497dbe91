package docs_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	architecture = "docs/architecture.md"
	module       = "github.com/netmode-io/netmode/"
)

var (
	drawnBox   = regexp.MustCompile(`^\s*(\w+)\["([\w/-]+)"\]$`)
	drawnGroup = regexp.MustCompile(`^\s*subgraph (\w+)`)
	drawnArrow = regexp.MustCompile(`^\s*(\w+) --> (\w+)$`)
)

// graph has what each package imports of the others.
type graph map[string][]string

// reaches says whether arrows lead from a package to another, other than the one
// that does at once, if direct is false.
func (g graph) reaches(from, to string, direct bool) bool {
	return slices.ContainsFunc(g[from], func(next string) bool {
		if next == to {
			return direct
		}
		return g.reaches(next, to, true)
	})
}

// picture is what the architecture's diagram draws.
type picture struct {
	arrows graph
	// groups are the packages of each group, in order.
	groups map[string][]string
}

// drawn reads a diagram. Every line of it is understood, or the test fails.
func drawn(t *testing.T, diagram string) picture {
	t.Helper()
	p := picture{arrows: graph{}, groups: map[string][]string{}}
	boxes, group := map[string]string{}, ""
	for line := range strings.Lines(diagram) {
		line = strings.TrimRight(line, "\n")
		box, begins, arrow := drawnBox.FindStringSubmatch(line), drawnGroup.FindStringSubmatch(line), drawnArrow.FindStringSubmatch(line)
		switch word := strings.TrimSpace(line); {
		case word == "" || word == "end" || strings.HasPrefix(word, "flowchart "):
		case box != nil:
			boxes[box[1]] = box[2]
			p.arrows[box[2]] = nil
			p.groups[group] = append(p.groups[group], box[2])
		case begins != nil:
			group = begins[1]
		case len(arrow) > 2 && boxes[arrow[1]] != "" && boxes[arrow[2]] != "":
			from, to := boxes[arrow[1]], boxes[arrow[2]]
			p.arrows[from] = append(p.arrows[from], to)
		default:
			t.Errorf("%s: the picture has a line that is neither a box, nor an arrow between boxes: %q", architecture, line)
		}
	}
	return p
}

// listed are the packages of the module that have code outside tests, with what
// they import of one another.
func listed(t *testing.T) graph {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,GoFiles,Imports", "./...")
	list.Dir = repository
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	packages := graph{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath       string
			GoFiles, Imports []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		packages[name] = nil
		for _, path := range p.Imports {
			if own, ok := strings.CutPrefix(path, module); ok {
				packages[name] = append(packages[name], own)
			}
		}
	}
}

// The picture has every package, and its arrows are the imports, but for those
// that follow from others.
func TestPictureIsTheImports(t *testing.T) {
	var diagrams []string
	for _, b := range blocks(read(t, architecture)) {
		if b.language == "mermaid" {
			diagrams = append(diagrams, b.text)
		}
	}
	if len(diagrams) != 1 {
		t.Fatalf("%s has %d pictures, and must have one", architecture, len(diagrams))
	}
	p, packages := drawn(t, diagrams[0]), listed(t)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(packages)), slices.Sorted(maps.Keys(p.arrows))); diff != "" {
		t.Errorf("packages differ (-go list +picture):\n%s", diff)
	}
	for from, arrows := range p.arrows {
		for _, to := range arrows {
			if !slices.Contains(packages[from], to) {
				t.Errorf("the picture has an arrow from %s to %s, and the one does not import the other", from, to)
			}
		}
	}
	if t.Failed() {
		return // else arrows may go round in a circle, as imports do not
	}
	for from, arrows := range p.arrows {
		for _, to := range arrows {
			if p.arrows.reaches(from, to, false) {
				t.Errorf("the picture has an arrow from %s to %s, which follows from others: take it out", from, to)
			}
		}
	}
	for from, imports := range packages {
		for _, to := range imports {
			if !p.arrows.reaches(from, to, true) {
				t.Errorf("%s imports %s: no arrows of the picture lead there", from, to)
			}
		}
	}

	_, list, _ := strings.Cut(read(t, "pkg/purity_test.go"), "var pure = []string{")
	list, _, _ = strings.Cut(list, "}")
	var pure []string
	for name := range strings.SplitSeq(list, ",") {
		pure = append(pure, "pkg/"+strings.Trim(name, `" `))
	}
	slices.Sort(pure)
	if diff := cmp.Diff(pure, slices.Sorted(slices.Values(p.groups["pure"]))); diff != "" {
		t.Errorf("pure packages differ (-pkg/purity_test.go +picture):\n%s", diff)
	}
}

// The table of rules names those of the code, in their order.
func TestRulesAreTheCode(t *testing.T) {
	code, rule := read(t, "pkg/engine/decision.go"), regexp.MustCompile(`\(\*decision\)\.(\w+)`)
	text := read(t, architecture)
	for object, variable := range map[string]string{"Pod": "podRules", "Service": "serviceRules", "workload": "workloadRules", "another kind, offline": "otherRules"} {
		_, list, _ := strings.Cut(code, "\t"+variable+" ")
		list, _, _ = strings.Cut(list, "\n\n")
		list, _, _ = strings.Cut(list, "\n)")
		var want []string
		for _, match := range rule.FindAllStringSubmatch(list, -1) {
			want = append(want, "`"+match[1]+"`")
		}
		_, row, _ := strings.Cut(text, "\n| "+object+" | ")
		row, _, _ = strings.Cut(row, "\n")
		got := codeSpan.FindAllString(row, -1)
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("rules for a %s differ (-%s +table):\n%s", object, variable, diff)
		}
	}
}

// What the architecture calls by its name in code is declared there.
func TestNamesAreDeclared(t *testing.T) {
	var code strings.Builder
	for _, folder := range []string{"certs", "pkg"} {
		err := filepath.WalkDir(filepath.Join(repository, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(filepath.Clean(path)) //nolint:gosec // G122: the folder is the repository
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := regexp.MustCompile("`(?:[a-z]+|[A-Z][A-Za-z]+)(?:\\.[A-Za-z]+)*\\.([A-Za-z]+)`").FindAllStringSubmatch(read(t, architecture), -1)
	for _, name := range names {
		declared := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |\t)` + name[1] + `[( ]`)
		if !declared.MatchString(code.String()) {
			t.Errorf("%s names %s, and there is no such thing", architecture, name[0])
		}
	}
	if len(names) == 0 {
		t.Errorf("%s names nothing in code", architecture)
	}
}

// Every file that the other documents link to is there.
func TestDocumentsLinkToFiles(t *testing.T) {
	for _, name := range []string{architecture, "docs/security.md", "SECURITY.md", "CHANGELOG.md"} {
		links := link.FindAllStringSubmatch(read(t, name), -1)
		for _, match := range links {
			if _, err := os.Stat(filepath.Join(repository, filepath.Dir(name), match[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			}
		}
	}
}
