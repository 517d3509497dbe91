// Package nodeimage makes what a test cluster runs on, without a container registry: the
// binaries of Kubernetes, etcd and CoreDNS from their Go modules, a kind node image around them
// on Debian's packages, and the small images that test pods use.
//
// All of it is kept under $XDG_CACHE_HOME/netmode/e2e (~/.cache/netmode/e2e), each part in a
// folder named by a hash of what it is made from, so that an unchanged input builds nothing:
//
//	<hash>/bin/kube-apiserver, etcd, kubectl, …   one hash for all binaries
//	<hash>/base/base.tar, nft.tar                 the node's Debian packages
//	<hash>/images/busybox.tar, peercheck.tar      the test images, as docker-archives
//
// The node image itself lies in the container engine's storage. Removing the cache is safe at
// any time.
package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/filelock"
	"github.com/netmode-io/netmode/e2e/progress"
)

// Runner runs a program, as command.Local does.
type Runner interface {
	Run(ctx context.Context, c command.Command) (string, error)
}

// Builder makes the parts, or finds them made.
type Builder struct {
	cache   string // the cache's folder
	source  string // the folder nodeimage of the e2e module
	mirror  string // where Debian's packages come from
	busybox string // the machine's own busybox
	root    bool
	client  *http.Client
	run     Runner
	log     *progress.Log
}

// New returns a Builder that keeps its parts in CacheDir(getenv), for a working folder anywhere
// in netmode's repository. It reads DEBIAN_MIRROR beside what CacheDir reads.
func New(run Runner, log *progress.Log, getenv func(string) string) (*Builder, error) {
	cache, err := CacheDir(getenv)
	if err != nil {
		return nil, err
	}
	working, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	source, err := findSource(working)
	if err != nil {
		return nil, err
	}
	b := &Builder{
		cache: cache, source: source, mirror: getenv("DEBIAN_MIRROR"), busybox: "/bin/busybox",
		root: os.Geteuid() == 0, client: http.DefaultClient, run: run, log: log,
	}
	if b.mirror == "" {
		b.mirror = "http://deb.debian.org/debian"
	}
	return b, nil
}

// CacheDir returns the folder where everything that takes long to make is kept.
func CacheDir(getenv func(string) string) (string, error) {
	base := getenv("XDG_CACHE_HOME")
	if base == "" {
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("neither XDG_CACHE_HOME nor HOME is set: export XDG_CACHE_HOME=/path/of/a/folder")
		}
		base = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(base) {
		return "", fmt.Errorf("XDG_CACHE_HOME=%s is no absolute path: export XDG_CACHE_HOME=$PWD/%s", base, base)
	}
	return filepath.Join(base, "netmode", "e2e"), nil
}

// findSource goes up from a folder of the repository to the folder nodeimage.
func findSource(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		for _, candidate := range []string{filepath.Join(dir, "nodeimage"), filepath.Join(dir, "e2e", "nodeimage")} {
			if _, err := os.Stat(filepath.Join(candidate, "kubernetes", "go.mod")); err == nil {
				return candidate, nil
			}
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("e2e/nodeimage is neither in %s nor above it: run this in a clone of netmode", from)
		}
	}
}

// KubernetesVersion returns the version that the cluster runs, such as "v1.37.2".
func (b *Builder) KubernetesVersion() (string, error) {
	path := filepath.Join(b.source, "kubernetes", "go.mod")
	content, err := os.ReadFile(path) //nolint:gosec // a file of the repository
	if err != nil {
		return "", err
	}
	file, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", err
	}
	for _, require := range file.Require {
		if require.Mod.Path == "k8s.io/kubernetes" {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s requires no k8s.io/kubernetes: go get k8s.io/kubernetes@v1.37.2 there", path)
}

// part returns the folder of one part of the cache. If it is not there, make fills a new folder
// which then takes its name: a part that is there is whole.
func (b *Builder) part(ctx context.Context, hash, kind string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(b.cache, hash, kind)
	unlock, err := b.lock(ctx, hash)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "."+kind+"-")
	if err != nil {
		return "", err
	}
	if err := fill(fresh); err != nil {
		return "", errors.Join(err, os.RemoveAll(fresh))
	}
	return dir, os.Rename(fresh, dir)
}

// lock holds the folder of a hash.
func (b *Builder) lock(ctx context.Context, hash string) (func(), error) {
	dir := filepath.Join(b.cache, hash)
	return filelock.Hold(ctx, filepath.Join(dir, "lock"), func() { b.log.Say("waiting for another build in %s", dir) })
}

// platform is what every binary depends on beside its modules.
func platform() string {
	return strings.Join([]string{runtime.Version(), runtime.GOOS, runtime.GOARCH}, " ")
}
