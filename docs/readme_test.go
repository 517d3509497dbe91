// Package docs_test holds the documents to the program: what the README shows
// is run, and its Chinese twin says the same.
package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

var (
	fence      = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?\n)```$")
	heading    = regexp.MustCompile(`(?m)^(#+) `)
	tableRow   = regexp.MustCompile(`(?m)^\|.*\|$`)
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	shComment  = regexp.MustCompile(`(?m)\s+#.*$`)
	link       = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	repository = ".."
	// helpCommand is a command that a help text lists.
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z]+) {2,}[A-Z]`)
	// fileArgument is a path behind -f or --data-binary @.
	fileArgument = regexp.MustCompile(`(?:-f |--data-binary @)([a-z][^\s]*)`)
)

type block struct{ language, text string }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blocks(text string) []block {
	var all []block
	for _, match := range fence.FindAllStringSubmatch(text, -1) {
		all = append(all, block{match[1], match[2]})
	}
	return all
}

// buildPrograms builds both programs and returns a PATH that finds them first.
func buildPrograms(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/netmode", "./cmd/netmode-webhook")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")
}

// Every console block of the README is a command and what it prints.
func TestConsoleBlocks(t *testing.T) {
	path := buildPrograms(t)
	ran := 0
	for _, b := range blocks(read(t, "README.md")) {
		if b.language != "console" {
			continue
		}
		first, want, _ := strings.Cut(b.text, "\n")
		command, ok := strings.CutPrefix(first, "$ ")
		if !ok {
			t.Fatalf("console block does not begin with a command: %q", first)
		}
		run := exec.CommandContext(t.Context(), "sh", "-c", command)
		run.Dir, run.Env = repository, append(os.Environ(), path)
		got, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s prints something else (-README +program):\n%s", command, diff)
		}
		ran++
	}
	if ran == 0 {
		t.Error("README.md has no console block")
	}
}

// Every command line that the README names exists, with those flags, and it names each command of
// netmode that people call.
func TestCommandsExist(t *testing.T) {
	path := buildPrograms(t)
	checked := 0
	readme := read(t, "README.md")
	showsCommands(t, readme, path)
	for _, b := range blocks(readme) {
		if b.language != "sh" {
			continue
		}
		for line := range strings.Lines(shComment.ReplaceAllString(b.text, "")) {
			words := strings.Fields(line)
			if len(words) == 0 {
				continue
			}
			var probe []string
			switch words[0] {
			case "netmode", "netmode-webhook":
				probe = append(slices.Clone(words), "--help")
			case "make":
				probe = append(slices.Clone(words), "--dry-run")
			default:
				continue
			}
			run := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(probe, " "))
			run.Dir, run.Env = repository, append(os.Environ(), path)
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("README.md names no command")
	}
}

// showsCommands holds the README to the commands that netmode --help lists: init containers call
// resolvconf, and the others people.
func showsCommands(t *testing.T, readme, path string) {
	t.Helper()
	help := exec.CommandContext(t.Context(), "sh", "-c", "netmode --help")
	help.Env = append(os.Environ(), path)
	out, err := help.Output()
	listed := helpCommand.FindAllStringSubmatch(string(out), -1)
	if err != nil || len(listed) == 0 {
		t.Fatalf("%v: netmode --help lists %q", err, listed)
	}
	for _, match := range listed {
		ours := !slices.Contains([]string{"help", "completion", "resolvconf"}, match[1])
		if ours && !regexp.MustCompile(`(?m)^netmode `+match[1]+`\b`).MatchString(readme) {
			t.Errorf("README.md does not show netmode %s", match[1])
		}
	}
}

// The Chinese README has the English one's headings, tables and code.
func TestChineseTwin(t *testing.T) {
	english, chinese := read(t, "README.md"), read(t, "README.zh-CN.md")
	levels := func(text string) []string { return heading.FindAllString(fence.ReplaceAllString(text, ""), -1) }
	if diff := cmp.Diff(levels(english), levels(chinese)); diff != "" {
		t.Errorf("headings (-en +zh):\n%s", diff)
	}
	code := func(text string) []block {
		all := blocks(text)
		for i := range all {
			if all[i].language == "sh" {
				all[i].text = shComment.ReplaceAllString(all[i].text, "")
			}
		}
		return all
	}
	if diff := cmp.Diff(code(english), code(chinese), cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("code blocks (-en +zh):\n%s", diff)
	}
	rows := func(text string) int { return len(tableRow.FindAllString(text, -1)) }
	if rows(english) != rows(chinese) {
		t.Errorf("table rows: %d in English, %d in Chinese", rows(english), rows(chinese))
	}
	spans := func(text string) []string {
		all := codeSpan.FindAllString(fence.ReplaceAllString(text, ""), -1)
		slices.Sort(all)
		return slices.Compact(all)
	}
	if diff := cmp.Diff(spans(english), spans(chinese)); diff != "" {
		t.Errorf("words in code (-en +zh):\n%s", diff)
	}
}

// Every file that the READMEs link to or name in a command is there.
func TestFilesExist(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text := read(t, name)
		var files []string
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			files = append(files, match[1])
		}
		if len(files) == 0 {
			t.Errorf("%s links to nothing", name)
		}
		for _, match := range fileArgument.FindAllStringSubmatch(text, -1) {
			files = append(files, match[1])
		}
		for _, file := range files {
			if _, err := os.Stat(filepath.Join(repository, file)); err != nil {
				t.Errorf("%s names %s: %v", name, file, err)
			}
		}
	}
}

// The tables name every mode, annotation and strategy.
func TestTablesAreComplete(t *testing.T) {
	text := strings.Join(tableRow.FindAllString(read(t, "README.md"), -1), "\n")
	var words []string
	for _, m := range api.Modes() {
		words = append(words, string(m))
	}
	for _, s := range api.SearchRewrites() {
		words = append(words, string(s))
	}
	words = append(words, api.AuthorAnnotations()...)
	for _, w := range words {
		if !strings.Contains(text, "`"+w+"`") {
			t.Errorf("no table of README.md has `%s`", w)
		}
	}
}
