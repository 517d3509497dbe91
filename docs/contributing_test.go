package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

// listedFile is a file of a recipe; NAME stands for a new one.
var listedFile = regexp.MustCompile("(?m)^ +- `([^`]+)`")

// recipe returns the files that a section of CONTRIBUTING.md lists.
func recipe(t *testing.T, heading string) []string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "CONTRIBUTING.md"), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("CONTRIBUTING.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var files []string
	for _, match := range listedFile.FindAllStringSubmatch(section, -1) {
		files = append(files, match[1])
	}
	if len(files) == 0 {
		t.Errorf("%q lists no file", heading)
	}
	return files
}

// Every file that a recipe lists is there, or some like it.
func TestRecipesNameFiles(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^## (A new .+)$`).FindAllStringSubmatch(read(t, "CONTRIBUTING.md"), -1)
	if len(headings) < 5 {
		t.Errorf("CONTRIBUTING.md has the recipes %q", headings)
	}
	for _, match := range headings {
		heading := match[1]
		for _, file := range recipe(t, heading) {
			found, err := filepath.Glob(filepath.Join(repository, strings.ReplaceAll(file, "NAME", "[a-z]*")))
			if err != nil || len(found) == 0 {
				t.Errorf("%s: %s is not there: %v", heading, file, err)
			}
		}
	}
}

// A file of the product, not of a test, that lists every mode, strategy or field of a policy is in
// the recipe for one more.
func TestRecipesAreComplete(t *testing.T) {
	var modes, strategies []string
	for _, m := range api.Modes() {
		modes = append(modes, string(m))
	}
	for _, s := range api.SearchRewrites() {
		strategies = append(strategies, string(s))
	}
	fields := []string{"podSelector", "defaultMode", "allowedModes", "requireMode", "enforcement", "portRange", "extraSearches"}
	for _, tt := range []struct {
		heading string
		words   []string
		least   int
	}{{"A new mode", modes, 2}, {"A new search strategy", strategies, 5}, {"A new policy field", fields, 3}} {
		listed := recipe(t, tt.heading)
		for _, file := range filesThatName(t, tt.words, 0) {
			if !slices.Contains(listed, file) {
				t.Errorf("%s: %s names all of %q, and the recipe does not list it", tt.heading, file, tt.words)
			}
		}
		// The one that is being added is not everywhere yet.
		if found := filesThatName(t, tt.words, 1); len(found) < tt.least {
			t.Errorf("%s: only %q name %q", tt.heading, found, tt.words)
		}
	}
}

// filesThatName returns the files that hold all words but a few in quotes or as members, or their
// constants.
func filesThatName(t *testing.T, words []string, but int) []string {
	t.Helper()
	var patterns []*regexp.Regexp
	for _, w := range words {
		constant := `\bapi\.(Mode|Search)` + strings.ReplaceAll(regexp.QuoteMeta(w), "-", "") + `\b`
		patterns = append(patterns, regexp.MustCompile(`(?i)["'`+"`"+`]`+regexp.QuoteMeta(w)+`["'`+"`"+`]|\b`+regexp.QuoteMeta(w)+`:|`+constant))
	}
	var found []string
	err := fs.WalkDir(os.DirFS(repository), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if slices.Contains([]string{".git", "bin", "e2e", "examples", "testdata"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular(), strings.HasSuffix(path, "_test.go"), path == "CONTRIBUTING.md":
			return nil
		}
		text := read(t, path)
		missing := 0
		for _, p := range patterns {
			if !p.MatchString(text) {
				missing++
			}
		}
		if missing <= but {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
