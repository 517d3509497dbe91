// Package pkg_test holds the packages of the core to their promise: a decision
// reads no clock and no file, calls nobody, logs nothing and rolls no dice.
package pkg_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/netmode-io/netmode"

// pure are the packages that decide.
var pure = []string{"api", "plan", "mode", "resolv", "workload", "policy", "engine", "patch", "jsonprune"}

// forbidden are import paths; one that ends with "..." stands for itself and
// all below it.
var forbidden = []string{
	"net/http...", "os", "os/exec", "io/fs", "context", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog",
	"github.com/go-logr/...", "go.uber.org/zap...", "k8s.io/client-go/...", "k8s.io/klog...",
}

// impure returns those of the imports that a pure package must not have, in order.
func impure(imports, purePaths []string) []string {
	var bad []string
	for _, path := range imports {
		own := path == module || strings.HasPrefix(path, module+"/")
		switch {
		case own && !slices.Contains(purePaths, path):
			bad = append(bad, path)
		case slices.ContainsFunc(forbidden, func(pattern string) bool { return matches(pattern, path) }):
			bad = append(bad, path)
		}
	}
	return bad
}

func matches(pattern, path string) bool {
	prefix, tree := strings.CutSuffix(pattern, "...")
	if !tree {
		return path == pattern
	}
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestPureImports(t *testing.T) {
	var purePaths, arguments []string
	for _, name := range pure {
		purePaths = append(purePaths, module+"/pkg/"+name)
		arguments = append(arguments, "./"+name)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,GoFiles,Imports"}, arguments...)...) //nolint:gosec // the names are above
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var found []string
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var listed struct {
			ImportPath       string
			GoFiles, Imports []string
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, listed.ImportPath)
		if len(listed.GoFiles) == 0 || len(listed.Imports) == 0 {
			t.Errorf("%s has %d files and %d imports: nothing was checked", listed.ImportPath, len(listed.GoFiles), len(listed.Imports))
		}
		for _, path := range impure(listed.Imports, purePaths) {
			t.Errorf("%s imports %s: decisions take values and return values, so take it to the rim", listed.ImportPath, path)
		}
	}
	slices.Sort(found)
	slices.Sort(purePaths)
	if diff := cmp.Diff(purePaths, found); diff != "" {
		t.Errorf("packages differ (-want +listed):\n%s", diff)
	}
}

// ofClock is what reads no clock of package time: durations.
var ofClock = []string{"Duration", "ParseDuration", "Second", "Minute", "Hour"}

// Files that some platforms leave out are held to the rules as well: there are none.
func TestPureFiles(t *testing.T) {
	for _, name := range pure {
		files, err := filepath.Glob(filepath.Join(name, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", name, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(filepath.Clean(file))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\n//go:build ") || strings.HasPrefix(string(text), "//go:build ") || strings.Contains(string(text), "\nimport \"C\"") {
				t.Errorf("%s is built on some platforms only", file)
			}
			for _, used := range regexp.MustCompile(`\btime\.([A-Z]\w*)`).FindAllStringSubmatch(string(text), -1) {
				if !strings.HasSuffix(file, "_test.go") && !slices.Contains(ofClock, used[1]) {
					t.Errorf("%s uses %s: decisions read no clock", file, used[0])
				}
			}
		}
	}
}

// The checker finds what it is there to find, and nothing else.
func TestImpure(t *testing.T) {
	purePaths := []string{module + "/pkg/api", module + "/pkg/plan"}
	bad := []string{
		"net/http", "net/http/httptest", "os", "os/exec", "io/fs", "context", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog",
		"github.com/go-logr/logr", "github.com/go-logr/zapr", "go.uber.org/zap", "go.uber.org/zap/zapcore",
		"k8s.io/client-go/kubernetes", "k8s.io/client-go/tools/cache", "k8s.io/klog", "k8s.io/klog/v2",
		module, module + "/pkg/server", module + "/pkg/api/internal", module + "/pkg/apis", module + "/certs",
	}
	good := []string{
		"bytes", "crypto/sha256", "embed", "fmt", "net/netip", "net", "slices", "strings", "osier", "timeline.example/time", "logr.example/log",
		"go.uber.org/zapper", "k8s.io/klogger", "k8s.io/apimachinery/pkg/util/validation", "gomodules.xyz/jsonpatch/v2",
		"example.org/" + module + "/pkg/server", module + "-extras/pkg/server", module + "/pkg/api", module + "/pkg/plan",
	}
	if diff := cmp.Diff(bad, impure(slices.Concat(good, bad, good), purePaths)); diff != "" {
		t.Errorf("impure imports differ (-want +got):\n%s", diff)
	}
	if found := impure(nil, purePaths); found != nil {
		t.Errorf("no imports: found %q", found)
	}
}
