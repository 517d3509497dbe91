// Package appimage makes the container image of the programs that make apps runs: real ones, from
// Debian's packages, without a container registry.
//
// The image lies in the container engine's storage, under a hash of what it is made from: what has
// not changed is not made again. Its entrypoints, in files/, keep the contract that the examples
// expect of the official images.
package appimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/filelock"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

// Repository holds the images that this package makes, and packagesRepository what is below them:
// the packages, so that an entrypoint is changed in seconds.
const (
	Repository         = "localhost/netmode/apps"
	packagesRepository = "localhost/netmode/apps-packages"
)

// suite is the Debian release of the packages.
const suite = "bookworm"

// script installs the packages.
const script = "bootstrap.sh"

// packages are the programs, and what their entrypoints and probes call.
func packages() []string {
	return []string{
		"zookeeper", "netcat-openbsd",
		"openmpi-bin", "python3-mpi4py", "openssh-server", "openssh-client",
		"slurmctld", "slurmd", "slurm-client", "munge",
		"redis-server", "redis-tools",
		"postgresql",
		"mariadb-server", "galera-4", "rsync", "iproute2", "socat", "procps",
	}
}

// Engine runs the container engine that is to hold the image, with these arguments.
type Engine func(ctx context.Context, args ...string) (string, error)

// Builder makes the image.
type Builder struct {
	Source string // the folder appimage of the e2e module
	Log    *progress.Log
	Getenv func(string) string
}

// Image returns the name of the image, which the engine then holds. The first build takes some
// minutes, and root.
func (b *Builder) Image(ctx context.Context, engine Engine) (string, error) {
	below, err := hash(b.Source, isPackages)
	if err != nil {
		return "", err
	}
	above, err := hash(b.Source, isImage)
	if err != nil {
		return "", err
	}
	cache, err := nodeimage.CacheDir(b.Getenv)
	if err != nil {
		return "", err
	}
	unlock, err := filelock.Hold(ctx, filepath.Join(cache, "apps.lock"), func() { b.Log.Say("waiting for another build of the programs' image") })
	if err != nil {
		return "", err
	}
	defer unlock()
	base, name := packagesRepository+":"+below, Repository+":"+above
	err = b.unlessHeld(ctx, engine, base, func() error { return b.install(ctx, engine, cache, base) })
	if err != nil {
		return "", err
	}
	return name, b.unlessHeld(ctx, engine, name, func() error {
		_, err := engine(ctx, "build", "-q", "--build-arg", "BASE="+base, "-t", name, "-f", filepath.Join(b.Source, "Containerfile"), b.Source)
		return err
	})
}

// unlessHeld makes an image that the engine does not hold, and removes those of earlier inputs. One
// that something uses stays.
func (b *Builder) unlessHeld(ctx context.Context, engine Engine, name string, build func() error) error {
	if _, err := engine(ctx, "image", "inspect", "--format", "{{.Id}}", name); err == nil {
		return nil
	}
	if err := b.Log.Step("making "+name, build); err != nil {
		return err
	}
	repository, _, _ := strings.Cut(name, ":")
	tags, err := engine(ctx, "images", "--format", "{{.Repository}}:{{.Tag}}", repository)
	if err != nil {
		return err
	}
	for other := range strings.FieldsSeq(tags) {
		if other != name && strings.HasPrefix(other, repository+":") {
			_, _ = engine(ctx, "rmi", other)
		}
	}
	return nil
}

// install puts the packages into a folder of the cache, and gives the engine an image of it.
func (b *Builder) install(ctx context.Context, engine Engine, cache, name string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("debootstrap needs root to make the programs' image: run the same command with sudo -E")
	}
	dir, err := os.MkdirTemp(cache, ".apps-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	root, archive := filepath.Join(dir, "root"), filepath.Join(dir, "root.tar")
	mirror := b.Getenv("DEBIAN_MIRROR")
	if mirror == "" {
		mirror = "http://deb.debian.org/debian"
	}
	for _, args := range [][]string{
		append([]string{"unshare", "--mount", filepath.Join(b.Source, script), root, mirror, suite}, packages()...),
		{"tar", "--numeric-owner", "-C", root, "-cf", archive, "."},
	} {
		if _, err := (command.Local{}).Run(ctx, command.Command{Args: args}); err != nil {
			return err
		}
	}
	_, err = engine(ctx, "import", archive, name)
	return err
}

// isPackages and isImage choose the files that the image of the packages, and the one above it, are
// made from.
func isPackages(name string) bool { return name == script }
func isImage(name string) bool    { return filepath.Ext(name) != ".go" }

// hash names an image by all that it is made from: the packages, and the chosen files of the folder.
// Each goes in with its name and length.
func hash(source string, chosen func(name string) bool) (string, error) {
	h := sha256.New()
	add := func(name string, mode fs.FileMode, content []byte) {
		_, _ = fmt.Fprintf(h, "%s %t %d\n%s\n", name, mode&0o100 != 0, len(content), content)
	}
	add("packages", 0, []byte(strings.Join(append([]string{runtime.GOARCH, suite}, packages()...), " ")))
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(source, path)
		if err != nil || !chosen(name) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // a file of the repository
		add(name, info.Mode(), content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
