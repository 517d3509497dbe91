package nodeimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// entry is one file of a layer: a symbolic link if link is set, a folder if its path ends in a
// slash, else a file with the content of the host's file from, or with the given text.
type entry struct {
	path string
	link string
	from string
	text string
	mode int64
}

// writeLayer writes the entries as an uncompressed layer. Owner and time are always the same,
// so that equal entries make an equal layer.
func writeLayer(w io.Writer, entries []entry) error {
	archive := tar.NewWriter(w)
	for _, e := range entries {
		if err := writeEntry(archive, e); err != nil {
			return fmt.Errorf("layer entry %s: %w", e.path, err)
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, e entry) error {
	header := &tar.Header{Name: e.path, Mode: e.mode, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch {
	case e.link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.link, 0o777
		return archive.WriteHeader(header)
	case e.path[len(e.path)-1] == '/':
		header.Typeflag = tar.TypeDir
		return archive.WriteHeader(header)
	case e.from == "":
		header.Typeflag, header.Size = tar.TypeReg, int64(len(e.text))
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.WriteString(archive, e.text)
		return err
	}
	header.Typeflag = tar.TypeReg
	return copyFile(archive, header, e.from)
}

// copyFile adds the content of a file under a header, whose size it sets.
func copyFile(archive *tar.Writer, header *tar.Header, path string) error {
	f, err := os.Open(path) //nolint:gosec // a file that this package built
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}

// image is a container image: uncompressed layers, lowest first, and how it starts.
type image struct {
	tag    string
	layers []string // tar files
	start  start
}

// start is the part of an image's configuration that this package sets, in the form of the OCI
// image specification.
type start struct {
	Entrypoint []string `json:",omitempty"`
	Cmd        []string `json:",omitempty"`
	Env        []string `json:",omitempty"`
	StopSignal string   `json:",omitempty"`
}

// writeArchive writes images in the form of docker save, which docker, podman and containerd
// load alike. A layer that two images share is written once.
func writeArchive(w io.Writer, images []image) error {
	archive := tar.NewWriter(w)
	written := map[string]bool{}
	var manifest []map[string]any
	for _, i := range images {
		var names, digests []string
		for _, path := range i.layers {
			digest, err := fileDigest(path)
			if err != nil {
				return fmt.Errorf("image %s: %w", i.tag, err)
			}
			names, digests = append(names, digest+".tar"), append(digests, "sha256:"+digest)
			if written[digest] {
				continue
			}
			written[digest] = true
			if err := copyFile(archive, &tar.Header{Name: digest + ".tar", Mode: 0o644, Typeflag: tar.TypeReg}, path); err != nil {
				return fmt.Errorf("image %s: %w", i.tag, err)
			}
		}
		config, err := json.Marshal(map[string]any{
			"architecture": runtime.GOARCH, "os": "linux", "created": time.Unix(0, 0).UTC(), "config": i.start,
			"rootfs": map[string]any{"type": "layers", "diff_ids": digests},
		})
		if err != nil {
			return err
		}
		digest := sha256.Sum256(config)
		name := hex.EncodeToString(digest[:]) + ".json"
		if err := writeEntry(archive, entry{path: name, text: string(config), mode: 0o644}); err != nil {
			return err
		}
		manifest = append(manifest, map[string]any{"Config": name, "RepoTags": []string{i.tag}, "Layers": names})
	}
	content, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := writeEntry(archive, entry{path: "manifest.json", text: string(content), mode: 0o644}); err != nil {
		return err
	}
	return archive.Close()
}

// fileDigest is the SHA-256 of a file's content, in hexadecimal digits.
func fileDigest(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // a file that this package built
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeFile makes a file and lets write fill it.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path) //nolint:gosec // in the cache or a temporary folder
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return write(f)
}

// fill is a template without a language: it replaces each {{.Key}}.
func fill(text []byte, values map[string]string) string {
	for key, value := range values {
		text = bytes.ReplaceAll(text, []byte("{{."+key+"}}"), []byte(value))
	}
	return string(text)
}
