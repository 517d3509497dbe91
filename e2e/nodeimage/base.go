package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/e2e/command"
)

// suite is the Debian release that a node runs on.
const suite = "bookworm"

// packages are what a node needs beside Kubernetes: an init system, a container runtime, the
// CNI plugins, and the programs that kind, kubeadm, kubelet and kube-proxy call.
func packages() []string {
	return []string{
		"systemd", "containerd", "runc", "containernetworking-plugins",
		"nftables", "iptables", "iproute2", "conntrack", "ethtool", "socat",
		"kmod", "mount", "util-linux", "procps", "ca-certificates",
	}
}

// unwanted is what goes from the packages' files, as patterns: caches and manuals, and what
// systemd would start that a container has no use for (consoles, devices, timers).
func unwanted() []string {
	return []string{
		"var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*", "var/log/*.log",
		"usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*",
		"etc/systemd/system/*.wants/*",
		"lib/systemd/system/multi-user.target.wants/*",
		"lib/systemd/system/basic.target.wants/*",
		"lib/systemd/system/local-fs.target.wants/*",
		"lib/systemd/system/sockets.target.wants/*udev*",
		"lib/systemd/system/sockets.target.wants/*initctl*",
		"lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
		"lib/systemd/system/sysinit.target.wants/systemd-binfmt.service",
		"etc/machine-id", "etc/hostname", "etc/resolv.conf",
	}
}

// baseHash names the part that base returns.
func baseHash() string {
	return sumOf("base", slices.Concat([]string{runtime.GOARCH, suite}, packages(), unwanted())...)
}

// base returns the folder that holds a node's Debian packages: base.tar, all their files, and
// nft.tar, the nft program with the libraries that it loads.
func (b *Builder) base(ctx context.Context) (string, error) {
	return b.part(ctx, baseHash(), "base", func(dir string) error {
		return b.log.Step("installing the node's Debian packages", func() error { return b.bootstrap(ctx, dir) })
	})
}

// bootstrap fills the folder of base.
func (b *Builder) bootstrap(ctx context.Context, dir string) (err error) {
	if !b.root {
		return errors.New("debootstrap needs root to make the node image: run the same command with sudo -E, or set NODE_IMAGE to a kind node image")
	}
	root := filepath.Join(dir, "root")
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()

	// In a mount namespace of its own what it mounts goes when it ends, however it ends.
	_, err = b.run.Run(ctx, command.Command{Args: []string{
		"unshare", "--mount", "debootstrap", "--variant=minbase", "--include=" + strings.Join(packages(), ","), suite, root, b.mirror,
	}})
	if err != nil {
		return b.explainBootstrap(err)
	}
	libraries, err := b.run.Run(ctx, command.Command{Args: []string{"chroot", root, "ldd", "/usr/sbin/nft"}})
	if err != nil {
		return err
	}
	if err := removeAll(root, unwanted()); err != nil {
		return err
	}
	_, err = b.run.Run(ctx, command.Command{Args: append([]string{
		"tar", "--dereference", "-C", root, "-cf", filepath.Join(dir, "nft.tar"), "usr/sbin/nft",
	}, loaded(libraries)...)})
	if err != nil {
		return err
	}
	_, err = b.run.Run(ctx, command.Command{Args: []string{
		"tar", "--numeric-owner", "--sort=name", "-C", root, "-cf", filepath.Join(dir, "base.tar"), ".",
	}})
	return err
}

// loaded returns the files, as paths without the leading slash, of ldd's answer.
func loaded(ldd string) []string {
	var files []string
	for field := range strings.FieldsSeq(ldd) {
		if path, ok := strings.CutPrefix(field, "/"); ok && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	return files
}

// removeAll removes what the patterns match under root.
func removeAll(root string, patterns []string) error {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// explainBootstrap puts a cure to how debootstrap fails.
func (b *Builder) explainBootstrap(err error) error {
	said := command.Said(err)
	switch {
	case errors.Is(err, exec.ErrNotFound), strings.Contains(said, "failed to execute debootstrap"):
		return fmt.Errorf("debootstrap is not installed: apt-get install debootstrap (%w)", err)
	case offline(said):
		return fmt.Errorf("%s cannot be reached: connect this machine, or set DEBIAN_MIRROR to a mirror that it reaches (%w)", b.mirror, err)
	case strings.Contains(said, "nodev") || strings.Contains(said, "noexec"):
		return fmt.Errorf("debootstrap cannot work on the cache's file system: export XDG_CACHE_HOME=/var/cache (%w)", err)
	}
	return err
}
