package manifest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/manifest"
)

// directory makes files, with their own path as the content of key "path".
func directory(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"path": "`+name+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestOpen(t *testing.T) {
	root := directory(t, "b.yaml", "a.yml", "c.json", "d.txt", ".hidden.yaml", "sub/e.yaml", "sub/.f.yaml", ".git/g.yaml", "dir.yaml/h.yaml", "README")
	if err := os.Symlink(filepath.Join(root, "d.txt"), filepath.Join(root, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(root, "sub"), link); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		paths     []string
		recursive bool
		want      []string
	}{
		"directory": {[]string{root}, false, []string{"a.yml", "b.yaml", "c.json", "link.yaml"}},
		"recursive": {[]string{root}, true, []string{"a.yml", "b.yaml", "c.json", "dir.yaml/h.yaml", "link.yaml", "sub/e.yaml"}},
		"files":     {[]string{root + "/d.txt", root + "/.hidden.yaml"}, false, []string{"d.txt", ".hidden.yaml"}},
		"stdin":     {[]string{"-", root + "/c.json"}, false, []string{manifest.Stdin, "c.json"}},
		"link":      {[]string{link}, false, []string{link + "/e.yaml"}},
		"none":      {nil, false, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := manifest.Open(t.Context(), tt.paths, strings.NewReader("in: put\n"), tt.recursive)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range files {
				got = append(got, strings.TrimPrefix(f.Name, root+"/"))
				if f.Name == manifest.Stdin && string(f.Bytes()) != "in: put\n" {
					t.Errorf("read %q from the standard input", f.Bytes())
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files differ (-want +got):\n%s", diff)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOpenRefuses(t *testing.T) {
	empty := directory(t, "sub/a.yaml", "b.txt")
	broken := directory(t, "a.yaml")
	if err := os.WriteFile(broken+"/b.yaml", []byte("a: 1\n---\n- @b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := directory(t, "a.yaml")
	if err := os.Symlink("nowhere", dangling+"/b.yaml"); err != nil {
		t.Fatal(err)
	}
	big := directory(t) + "/big.yaml"
	if err := os.WriteFile(big, bytes.Repeat([]byte("#"), manifest.MaxBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	tests := map[string]struct {
		ctx   context.Context
		paths []string
		stdin io.Reader
		want  string
	}{
		"absent":       {paths: []string{empty + "/x.yaml"}, want: empty + "/x.yaml: cannot be read: no such file or directory; check the path"},
		"no manifests": {paths: []string{empty}, want: empty + ": no manifests in this directory; name a directory that holds *.yaml, *.yml or *.json files, or ask for the directories below it too"},
		"broken":       {paths: []string{broken}, want: broken + "/b.yaml:3: found character that cannot start any token; put quotes around the value"},
		"dangling":     {paths: []string{dangling}, want: dangling + "/b.yaml: cannot be read: no such file or directory; mend or remove the link"},
		"big":          {paths: []string{big}, want: big + ": larger than 16 MiB; split it into smaller files"},
		"stdin twice":  {paths: []string{"-", "-"}, want: `<stdin>: "-" is given twice; give it once`},
		"stdin fails":  {paths: []string{"-"}, stdin: failing{}, want: "<stdin>: cannot be read: unexpected EOF; try again"},
		"stopped":      {ctx: stopped, paths: []string{broken}, want: broken + "/a.yaml: cannot be read: interrupted: context canceled; try again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.ctx == nil {
				tt.ctx = t.Context()
			}
			if tt.stdin == nil {
				tt.stdin = strings.NewReader("")
			}
			_, err := manifest.Open(tt.ctx, tt.paths, tt.stdin, false)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if _, ok := errors.AsType[*manifest.Error](err); !ok {
				t.Errorf("not an *Error: %v", err)
			}
		})
	}
}

// silent gives nothing, as a terminal, and tells when it is read.
type silent struct{ read, done chan struct{} }

func (s silent) Read([]byte) (int, error) {
	close(s.read)
	<-s.done
	return 0, io.EOF
}

func TestOpenStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	in := silent{make(chan struct{}), make(chan struct{})}
	defer close(in.done)
	go func() {
		<-in.read
		stop()
	}()
	if _, err := manifest.Open(ctx, []string{"-"}, in, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
