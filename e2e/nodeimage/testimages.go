package nodeimage

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/netmode-io/netmode/e2e/command"
)

// The images that test pods use. They are in no registry: give imagePullPolicy IfNotPresent or
// Never.
const (
	// BusyboxImage has a shell, and the users root, 1000 (user) and 65534 (nobody).
	BusyboxImage = "localhost/netmode/busybox:e2e"
	// PeercheckImage holds the one static program /peercheck, its entrypoint, and no shell.
	PeercheckImage = "localhost/netmode/peercheck:e2e"
)

// TestImages returns docker-archives of BusyboxImage and PeercheckImage. They need neither root
// nor a container engine, but busybox-static on this machine.
func (b *Builder) TestImages(ctx context.Context) ([]string, error) {
	if err := static(b.busybox); err != nil {
		return nil, err
	}
	peercheck := filepath.Join(filepath.Dir(b.source), "peercheck")
	s := newSum()
	s.text("platform", platform())
	for _, hashed := range []error{s.file(b.busybox), s.sources(peercheck), s.sources(b.source)} {
		if hashed != nil {
			return nil, hashed
		}
	}
	dir, err := b.part(ctx, s.String(), "images", func(dir string) error {
		return b.log.Step("making the test images", func() error {
			return errors.Join(b.busyboxImage(ctx, dir), b.peercheckImage(ctx, dir, peercheck))
		})
	})
	return []string{filepath.Join(dir, "busybox.tar"), filepath.Join(dir, "peercheck.tar")}, err
}

// static says whether the program needs no library, which an image FROM scratch does not have.
func static(path string) error {
	const cure = "apt-get install busybox-static"
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("the test images need a static busybox, and there is none: %s (%w)", cure, err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the test images need a static busybox, and %s is a dynamic one: %s", path, cure)
		}
	}
	return nil
}

func (b *Builder) busyboxImage(ctx context.Context, dir string) error {
	applets, err := b.run.Run(ctx, command.Command{Args: []string{b.busybox, "--list"}})
	if err != nil {
		return err
	}
	entries := append([]entry{{path: "bin/", mode: 0o755}, {path: "bin/busybox", from: b.busybox, mode: 0o755}}, users()...)
	for applet := range strings.FieldsSeq(applets) {
		if applet != "busybox" {
			entries = append(entries, entry{path: "bin/" + applet, link: "busybox"})
		}
	}
	return oneLayer(filepath.Join(dir, "busybox.tar"), BusyboxImage, entries, start{
		Cmd: []string{"/bin/sh"}, Env: []string{"PATH=/bin"},
	})
}

func (b *Builder) peercheckImage(ctx context.Context, dir, source string) error {
	program := filepath.Join(dir, "peercheck")
	if err := b.goBuild(ctx, source, ".", "-s -w", program); err != nil {
		return err
	}
	entries := append([]entry{{path: "peercheck", from: program, mode: 0o755}}, users()...)
	return oneLayer(filepath.Join(dir, "peercheck.tar"), PeercheckImage, entries, start{Entrypoint: []string{"/peercheck"}})
}

// users are the files that name an image's users, and a /tmp for all of them.
func users() []entry {
	return []entry{
		{path: "etc/", mode: 0o755},
		{path: "etc/passwd", mode: 0o644, text: "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"},
		{path: "etc/group", mode: 0o644, text: "root:x:0:\nuser:x:1000:\nnobody:x:65534:\n"},
		{path: "tmp/", mode: 0o1777},
	}
}

// oneLayer writes an archive of one image with one layer.
func oneLayer(path, tag string, entries []entry, s start) error {
	layer := path + ".layer"
	if err := writeFile(layer, func(w io.Writer) error { return writeLayer(w, entries) }); err != nil {
		return err
	}
	err := writeFile(path, func(w io.Writer) error {
		return writeArchive(w, []image{{tag: tag, layers: []string{layer}, start: s}})
	})
	return errors.Join(err, os.Remove(layer))
}
