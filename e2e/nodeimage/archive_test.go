package nodeimage

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// untar reads an archive: headers and contents by name, in no order.
func untar(t *testing.T, r io.Reader) (map[string]*tar.Header, map[string]string) {
	t.Helper()
	headers, contents := map[string]*tar.Header{}, map[string]string{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if headers[header.Name] != nil {
			t.Errorf("%s is there twice", header.Name)
		}
		headers[header.Name], contents[header.Name] = header, string(content)
	}
}

func TestWriteLayer(t *testing.T) {
	host := filepath.Join(t.TempDir(), "program")
	writeText(t, host, "binary")
	entries := []entry{
		{path: "tmp/", mode: 0o1777},
		{path: "bin/program", from: host, mode: 0o755},
		{path: "bin/link", link: "program"},
		{path: "etc/text", text: "words", mode: 0o644},
		{path: "etc/empty", mode: 0o600},
	}
	var first, second bytes.Buffer
	for _, w := range []io.Writer{&first, &second} {
		if err := writeLayer(w, entries); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("equal entries made different layers")
	}
	headers, contents := untar(t, &first)
	for name, want := range map[string]struct {
		kind    byte
		mode    int64
		content string
		link    string
	}{
		"tmp/":        {tar.TypeDir, 0o1777, "", ""},
		"bin/program": {tar.TypeReg, 0o755, "binary", ""},
		"bin/link":    {tar.TypeSymlink, 0o777, "", "program"},
		"etc/text":    {tar.TypeReg, 0o644, "words", ""},
		"etc/empty":   {tar.TypeReg, 0o600, "", ""},
	} {
		h := headers[name]
		if h == nil || h.Typeflag != want.kind || h.Mode != want.mode || h.Linkname != want.link || h.Uid != 0 || contents[name] != want.content {
			t.Errorf("%s: have %+v with %q", name, h, contents[name])
		}
	}
}

func TestWriteLayerMissingFile(t *testing.T) {
	err := writeLayer(io.Discard, []entry{{path: "bin/program", from: "/no/such/file"}})
	if errorText(err) != "layer entry bin/program: open /no/such/file: no such file or directory" {
		t.Errorf("have %v", err)
	}
}

func TestWriteArchive(t *testing.T) {
	dir := t.TempDir()
	shared, own := filepath.Join(dir, "shared"), filepath.Join(dir, "own")
	writeText(t, shared, "shared layer")
	writeText(t, own, "own layer")
	var out bytes.Buffer
	err := writeArchive(&out, []image{
		{tag: "localhost/a:1", layers: []string{shared, own}, start: start{Entrypoint: []string{"/a"}, StopSignal: "SIGRTMIN+3"}},
		{tag: "localhost/b:1", layers: []string{shared}, start: start{Cmd: []string{"/b"}, Env: []string{"PATH=/bin"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, contents := untar(t, &out)
	if len(contents) != 2+2+1 {
		t.Errorf("have %d files, want 2 layers, 2 configurations and the manifest", len(contents))
	}
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal([]byte(contents["manifest.json"]), &manifest); err != nil || len(manifest) != 2 {
		t.Fatalf("have %s, %v", contents["manifest.json"], err)
	}
	if a := manifest[0]; a.RepoTags[0] != "localhost/a:1" || contents[a.Layers[0]] != "shared layer" || contents[a.Layers[1]] != "own layer" {
		t.Errorf("first image: have %+v", a)
	}
	if b := manifest[1]; len(b.Layers) != 1 || b.Layers[0] != manifest[0].Layers[0] {
		t.Errorf("second image: have %+v", b)
	}
	var config struct {
		OS     string
		Config start
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal([]byte(contents[manifest[0].Config]), &config); err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Config.Entrypoint[0] != "/a" || config.Config.StopSignal != "SIGRTMIN+3" ||
		len(config.RootFS.DiffIDs) != 2 || config.RootFS.DiffIDs[0] != "sha256:"+strings.TrimSuffix(manifest[0].Layers[0], ".tar") {
		t.Errorf("configuration: have %+v", config)
	}
}

func TestWriteArchiveMissingLayer(t *testing.T) {
	err := writeArchive(io.Discard, []image{{tag: "localhost/a:1", layers: []string{"/no/such/layer"}}})
	if errorText(err) != "image localhost/a:1: open /no/such/layer: no such file or directory" {
		t.Errorf("have %v", err)
	}
}

func TestWriteFileReportsItsWriter(t *testing.T) {
	failed := errors.New("failed")
	path := filepath.Join(t.TempDir(), "file")
	if err := writeFile(path, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("have %v", err)
	}
	if err := writeFile(filepath.Join(path, "below"), func(io.Writer) error { return nil }); err == nil {
		t.Error("wrote below a file")
	}
}
