package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/netmode-io/netmode/e2e/command"
)

// binary is a program and the folder of the module that pins it.
type binary struct{ name, module, pkg string }

// binaries are all programs that a node or a test needs.
func binaries() []binary {
	all := []binary{
		{"etcd", "etcd", "go.etcd.io/etcd/server/v3"},
		{"coredns", "coredns", "github.com/coredns/coredns"},
	}
	for _, name := range []string{
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubeadm", "kubectl",
	} {
		all = append(all, binary{name, "kubernetes", "k8s.io/kubernetes/cmd/" + name})
	}
	return all
}

// Binaries returns the folder <cache>/<hash>/bin after it has built the named programs there;
// without names, all of them. It needs neither root nor a container engine.
func (b *Builder) Binaries(ctx context.Context, names ...string) (string, error) {
	wanted, err := selectBinaries(names)
	if err != nil {
		return "", err
	}
	version, err := b.KubernetesVersion()
	if err != nil {
		return "", err
	}
	hash, err := b.binariesHash(version)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.cache, hash, "bin")
	unlock, err := b.lock(ctx, hash)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	for _, w := range wanted {
		if _, err := os.Stat(filepath.Join(dir, w.name)); err == nil {
			continue
		}
		err := b.log.Step("building "+w.name, func() error {
			return b.goBuild(ctx, filepath.Join(b.source, w.module), w.pkg, ldflags(version), filepath.Join(dir, w.name))
		})
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}

// selectBinaries finds the named programs.
func selectBinaries(names []string) ([]binary, error) {
	all := binaries()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	byName := map[string]binary{}
	for _, one := range all {
		known = append(known, one.name)
		byName[one.name] = one
	}
	var wanted []binary
	for _, name := range names {
		one, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("%q is no program of the cluster: choose from %s", name, strings.Join(known, ", "))
		}
		wanted = append(wanted, one)
	}
	return wanted, nil
}

func (b *Builder) binariesHash(version string) (string, error) {
	s := newSum()
	s.text("platform", platform())
	s.text("ldflags", ldflags(version))
	for _, module := range []string{"kubernetes", "etcd", "coredns"} {
		s.text("module", module)
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := s.file(filepath.Join(b.source, module, name)); err != nil {
				return "", err
			}
		}
	}
	return s.String(), nil
}

// ldflags makes the programs of Kubernetes tell their version: kubeadm and the clients look at
// it.
func ldflags(version string) string {
	flags := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags, "-X", pkg+".gitVersion="+version)
		if numbers := strings.Split(strings.TrimPrefix(version, "v"), "."); len(numbers) == 3 {
			flags = append(flags, "-X", pkg+".gitMajor="+numbers[0], "-X", pkg+".gitMinor="+numbers[1])
		}
	}
	return strings.Join(flags, " ")
}

// goBuild builds one static program. The file takes its name only when it is whole.
func (b *Builder) goBuild(ctx context.Context, dir, pkg, flags, output string) error {
	fresh := output + ".new"
	_, err := b.run.Run(ctx, command.Command{
		Args: []string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", fresh, pkg},
		Dir:  dir,
		Env:  []string{"CGO_ENABLED=0", "GOWORK=off"},
	})
	if err != nil {
		return errors.Join(explainBuild(err), os.RemoveAll(fresh))
	}
	return os.Rename(fresh, output)
}

// explainBuild puts a cure to the ways in which a build fails for reasons outside of it.
func explainBuild(err error) error {
	said := command.Said(err)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("go is not on the PATH: export PATH=$PATH:/usr/local/go/bin (%w)", err)
	case offline(said):
		return fmt.Errorf("the Go modules cannot be fetched: connect this machine, or set GOPROXY to a proxy that it reaches (%w)", err)
	case strings.Contains(said, "no space left on device"):
		return fmt.Errorf("the disk is full: go clean -cache frees Go's build cache (%w)", err)
	case strings.Contains(said, "signal: killed"):
		return fmt.Errorf("the build was killed, most likely for want of memory: it needs 4 GiB free, or GOFLAGS=-p=1 (%w)", err)
	}
	return err
}

// offline recognizes how go and debootstrap say that a host cannot be reached.
func offline(said string) bool {
	for _, words := range []string{
		"dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "Temporary failure", "Network is unreachable",
		"connection refused", "Failed getting release file", "Couldn't download", "unable to resolve host",
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}
