package nodeimage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/progress"
)

// fakeRunner answers instead of programs.
type fakeRunner func(command.Command) (string, error)

func (f fakeRunner) Run(_ context.Context, c command.Command) (string, error) { return f(c) }

// fails is a program that wrote said and did not end well.
func fails(said string, cause error) fakeRunner {
	return func(c command.Command) (string, error) {
		return "", &command.Error{Args: c.Args, Stderr: said, Err: cause}
	}
}

// newBuilder returns a Builder of a small source tree of its own, on an unreachable registry.
func newBuilder(t *testing.T, run Runner, out io.Writer) *Builder {
	t.Helper()
	source := filepath.Join(t.TempDir(), "e2e", "nodeimage")
	for path, content := range map[string]string{
		"kubernetes/go.mod": "module k\n\nrequire k8s.io/kubernetes v1.37.2\n", "kubernetes/go.sum": "k",
		"etcd/go.mod": "module e\n", "etcd/go.sum": "e", "coredns/go.mod": "module c\n", "coredns/go.sum": "c",
		"files/entrypoint": "#!/bin/bash\n", "files/containerd.toml": "pause = \"{{.Pause}}\"\n",
		"files/kubelet.service": "k\n", "files/cluster-images.service": "i\n",
		"pause/main.go": "package main\n", "node.go": "package nodeimage\n", "../peercheck/main.go": "package main\n",
	} {
		writeText(t, filepath.Join(source, path), content)
	}
	return &Builder{
		cache: t.TempDir(), source: source, mirror: "http://mirror.test", busybox: "/bin/busybox", root: true,
		client: &http.Client{Transport: refusing{}}, run: run, log: progress.New(out, "test"),
	}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

func writeText(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCacheDir(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		want string
		err  string
	}{
		"home":     {map[string]string{"HOME": "/home/me"}, "/home/me/.cache/netmode/e2e", ""},
		"xdg":      {map[string]string{"HOME": "/home/me", "XDG_CACHE_HOME": "/cache"}, "/cache/netmode/e2e", ""},
		"neither":  {nil, "", "neither XDG_CACHE_HOME nor HOME is set: export XDG_CACHE_HOME=/path/of/a/folder"},
		"relative": {map[string]string{"XDG_CACHE_HOME": "c"}, "", "XDG_CACHE_HOME=c is no absolute path: export XDG_CACHE_HOME=$PWD/c"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := CacheDir(func(key string) string { return test.env[key] })
			if got != test.want || errorText(err) != test.err {
				t.Errorf("have %q, %v; want %q, %q", got, err, test.want, test.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNewFindsTheSource(t *testing.T) {
	b, err := New(nil, progress.New(nil, ""), func(string) string { return "/x" })
	if err != nil {
		t.Fatal(err)
	}
	version, err := b.KubernetesVersion()
	if err != nil || !regexp.MustCompile(`^v1\.\d+\.\d+$`).MatchString(version) {
		t.Errorf("have version %q, %v", version, err)
	}
	if b.mirror != "/x" {
		t.Errorf("DEBIAN_MIRROR: have %q", b.mirror)
	}
	// From the root of the repository the same folder is found.
	if got, err := findSource(filepath.Join(b.source, "..", "..")); err != nil || got != b.source {
		t.Errorf("have %q, %v; want %q", got, err, b.source)
	}
	if _, err := findSource("/"); errorText(err) != "e2e/nodeimage is neither in / nor above it: run this in a clone of netmode" {
		t.Errorf("have %v", err)
	}
}

func TestKubernetesVersionMissing(t *testing.T) {
	b := newBuilder(t, nil, nil)
	writeText(t, filepath.Join(b.source, "kubernetes", "go.mod"), "module k\n")
	if _, err := b.KubernetesVersion(); !strings.Contains(errorText(err), "requires no k8s.io/kubernetes: go get k8s.io/kubernetes@") {
		t.Errorf("have %v", err)
	}
}

// Every input that is changed must change the name of what is made from it, and no other may.
func TestHashes(t *testing.T) {
	hashes := func(b *Builder) [2]string {
		binaries, err := b.binariesHash("v1.37.2")
		if err != nil {
			t.Fatal(err)
		}
		own, err := b.OwnImage()
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{binaries, own}
	}
	b := newBuilder(t, nil, nil)
	before := hashes(b)
	if again := hashes(b); again != before {
		t.Fatalf("unchanged: have %q, then %q", before, again)
	}
	if want := regexp.MustCompile(`^localhost/netmode/kind-node:v1\.37\.2-[0-9a-f]{16}$`); !want.MatchString(before[1]) {
		t.Errorf("image %q does not match %s", before[1], want)
	}
	tests := []struct {
		path            string
		binaries, image bool
	}{
		{"kubernetes/go.sum", true, true},
		{"etcd/go.mod", true, true},
		{"coredns/go.sum", true, true},
		{"files/entrypoint", false, true},
		{"pause/main.go", false, true},
		{"node.go", false, true},
		{"node_test.go", false, false},
		{"README.md", false, false},
		{"../peercheck/main.go", false, false},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			b := newBuilder(t, nil, nil)
			writeText(t, filepath.Join(b.source, test.path), "module changed\n")
			after := hashes(b)
			if (after[0] != before[0]) != test.binaries || (after[1] != before[1]) != test.image {
				t.Errorf("binaries changed: %t, want %t; image changed: %t, want %t",
					after[0] != before[0], test.binaries, after[1] != before[1], test.image)
			}
		})
	}
}

func TestSumTellsListsApart(t *testing.T) {
	lists := [][]string{{}, {""}, {"a", "b"}, {"ab"}, {"a b"}, {"b", "a"}, {"a\nx 1 b"}}
	var sums []string
	for _, list := range lists {
		sums = append(sums, sumOf("x", list...))
	}
	for i, one := range sums {
		if j := slices.Index(sums, one); j != i {
			t.Errorf("%q and %q have the same sum", lists[i], lists[j])
		}
	}
}

func TestPart(t *testing.T) {
	b := newBuilder(t, nil, nil)
	failed := errors.New("failed")
	if _, err := b.part(t.Context(), "0123", "kind", func(dir string) error {
		writeText(t, filepath.Join(dir, "half"), "x")
		return failed
	}); !errors.Is(err, failed) {
		t.Errorf("have %v, want the failure", err)
	}
	entries, err := os.ReadDir(filepath.Join(b.cache, "0123"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "lock" {
		t.Errorf("a failure left %v, %v", entries, err)
	}

	filled := 0
	for range 2 {
		dir, err := b.part(t.Context(), "0123", "kind", func(dir string) error {
			filled++
			writeText(t, filepath.Join(dir, "whole"), "x")
			return nil
		})
		if err != nil || dir != filepath.Join(b.cache, "0123", "kind") {
			t.Fatalf("have %q, %v", dir, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "whole")); err != nil {
			t.Error(err)
		}
	}
	if filled != 1 {
		t.Errorf("filled %d times, want once", filled)
	}
}

func TestRegistryAnswers(t *testing.T) {
	registry := httptest.NewTLSServer(http.NotFoundHandler())
	defer registry.Close()
	if err := registryAnswers(t.Context(), &http.Client{Transport: refusing{}}); err == nil {
		t.Error("an unreachable registry answered")
	}
	client := &http.Client{Transport: rewriting{registry.URL, registry.Client().Transport}}
	if err := registryAnswers(t.Context(), client); err != nil {
		t.Errorf("have %v", err)
	}
}

// rewriting sends every request to one server.
type rewriting struct {
	url  string
	next http.RoundTripper
}

func (r rewriting) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Host = strings.TrimPrefix(r.url, "https://")
	return r.next.RoundTrip(request)
}

// It can be used without the rest of the module, as its README says.
func TestImports(t *testing.T) {
	out, err := command.Local{}.Run(t.Context(), command.Command{Args: []string{"go", "list", "-deps", "."}})
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/netmode-io/netmode/"
	var have []string
	for dep := range strings.FieldsSeq(out) {
		if name, ok := strings.CutPrefix(dep, module); ok {
			have = append(have, name)
		}
	}
	slices.Sort(have)
	if want := []string{"e2e/command", "e2e/filelock", "e2e/nodeimage", "e2e/progress"}; !slices.Equal(have, want) {
		t.Errorf("have %q, want %q", have, want)
	}
}
