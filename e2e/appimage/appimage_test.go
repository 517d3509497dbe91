package appimage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/e2e/progress"
)

// source is a copy of what the image is made from.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fakeEngine holds these images, and notes what else it is asked.
func fakeEngine(held map[string]bool, did *[]string) Engine {
	return func(_ context.Context, args ...string) (string, error) {
		switch args[0] {
		case "image":
			if !held[args[len(args)-1]] {
				return "", errors.New("no such image")
			}
			return "id", nil
		case "images":
			var all []string
			for name := range held {
				if strings.HasPrefix(name, args[len(args)-1]+":") {
					all = append(all, name)
				}
			}
			return strings.Join(all, "\n"), nil
		}
		*did = append(*did, args[0]+" "+args[len(args)-1])
		return "", nil
	}
}

func names(t *testing.T, dir string) (below, above string) {
	t.Helper()
	below, err := hash(dir, isPackages)
	if err != nil {
		t.Fatal(err)
	}
	above, err = hash(dir, isImage)
	if err != nil {
		t.Fatal(err)
	}
	return packagesRepository + ":" + below, Repository + ":" + above
}

// An image that is there is used, and one of other inputs is replaced.
func TestImage(t *testing.T) {
	dir := source(t)
	below, above := names(t, dir)
	const older = Repository + ":older"
	for name, test := range map[string]struct {
		held map[string]bool
		want []string
	}{
		"there":     {map[string]bool{below: true, above: true, older: true}, nil},
		"not there": {map[string]bool{below: true, older: true}, []string{"build " + dir, "rmi " + older}},
	} {
		t.Run(name, func(t *testing.T) {
			var did []string
			b := &Builder{Source: dir, Log: progress.New(nil, ""), Getenv: func(string) string { return t.TempDir() }}
			got, err := b.Image(t.Context(), fakeEngine(test.held, &did))
			if err != nil || got != above {
				t.Errorf("have %s (%v), want %s", got, err, above)
			}
			if diff := cmp.Diff(test.want, did); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An entrypoint makes another image on the same packages; what installs them makes both anew, and a
// Go file neither.
func TestHash(t *testing.T) {
	for file, want := range map[string][2]bool{
		filepath.Join("files", "docker-entrypoint.sh"): {false, true},
		"Containerfile":    {false, true},
		script:             {true, true},
		"appimage.go":      {false, false},
		"appimage_test.go": {false, false},
	} {
		dir := source(t)
		below, above := names(t, dir)
		write(t, filepath.Join(dir, file), "another")
		newBelow, newAbove := names(t, dir)
		if got := [2]bool{newBelow != below, newAbove != above}; got != want {
			t.Errorf("%s: packages and image changed: %t, want %t", file, got, want)
		}
	}
}
