package nodeimage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/progress"
)

// staticProgram builds a program that needs no library, to stand for busybox.
func staticProgram(t *testing.T, b *Builder) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "busybox")
	if err := b.goBuild(t.Context(), filepath.Join(b.source, "pause"), ".", "-s -w", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTestImages(t *testing.T) {
	run := fakeRunner(func(c command.Command) (string, error) {
		if c.Args[len(c.Args)-1] == "--list" {
			return "busybox\nsh\nnslookup\n", nil
		}
		return command.Local{}.Run(t.Context(), c)
	})
	b, err := New(run, progress.New(nil, ""), func(string) string { return t.TempDir() })
	if err != nil {
		t.Fatal(err)
	}
	b.busybox = staticProgram(t, b)
	archives, err := b.TestImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		tag   string
		files []string
		not   string
	}{
		"busybox.tar":   {BusyboxImage, []string{"bin/busybox", "bin/sh", "bin/nslookup", "etc/passwd", "tmp/"}, "peercheck"},
		"peercheck.tar": {PeercheckImage, []string{"peercheck", "etc/passwd", "tmp/"}, "bin/sh"},
	}
	for _, path := range archives {
		f, err := os.Open(path) //nolint:gosec // in the test's own folder
		if err != nil {
			t.Fatal(err)
		}
		_, contents := untar(t, f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		w := want[filepath.Base(path)]
		if !strings.Contains(contents["manifest.json"], w.tag) {
			t.Errorf("%s does not name %s", path, w.tag)
		}
		for name, content := range contents {
			if !strings.HasSuffix(name, ".tar") {
				continue
			}
			headers, _ := untar(t, strings.NewReader(content))
			for _, file := range w.files {
				if headers[file] == nil {
					t.Errorf("%s: no %s", w.tag, file)
				}
			}
			if headers[w.not] != nil {
				t.Errorf("%s: has %s", w.tag, w.not)
			}
		}
	}
}

func TestTestImagesNeedStaticBusybox(t *testing.T) {
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "text"), "#!/bin/sh\n")
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"): "the test images need a static busybox, and there is none: apt-get install busybox-static",
		filepath.Join(dir, "text"):    "the test images need a static busybox, and there is none: apt-get install busybox-static",
		"/bin/sh":                     "the test images need a static busybox, and /bin/sh is a dynamic one: apt-get install busybox-static",
	} {
		b := newBuilder(t, nil, nil)
		b.busybox = path
		if _, err := b.TestImages(t.Context()); !strings.HasPrefix(errorText(err), want) {
			t.Errorf("%s: have %v\nwant %s", path, err, want)
		}
	}
}
