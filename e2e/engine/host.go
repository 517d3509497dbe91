package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Host is what podman's settings depend on.
type Host struct {
	Root      bool   // effective user 0
	MayRaise  bool   // holds CAP_SYS_RESOURCE: may raise limits
	CgroupV2  bool   // the unified hierarchy alone
	OpenFiles uint64 // hard limits of this process
	Processes uint64
	Podman    bool // programs that were found
	Runc      bool
	Netavark  bool
	Aardvark  bool
	Firewall  bool // iptables or nft, for the ports that podman publishes
}

// capSysResource is CAP_SYS_RESOURCE's bit (capabilities(7)).
const capSysResource = 24

// readHost looks at this machine.
func readHost() (Host, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return Host{}, err
	}
	capabilities, err := effectiveCapabilities(status)
	if err != nil {
		return Host{}, err
	}
	h := Host{
		Root:     os.Geteuid() == 0,
		MayRaise: capabilities&(1<<capSysResource) != 0,
		Podman:   found("podman"),
		Runc:     found("runc"),
		Netavark: found("netavark"),
		Aardvark: found("aardvark-dns"),
		Firewall: found("iptables") || found("nft"),
	}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		h.CgroupV2 = true
	}
	for limit, value := range map[int]*uint64{unix.RLIMIT_NOFILE: &h.OpenFiles, unix.RLIMIT_NPROC: &h.Processes} {
		var r unix.Rlimit
		if err := unix.Getrlimit(limit, &r); err != nil {
			return Host{}, fmt.Errorf("limit %d of this process: %w", limit, err)
		}
		*value = r.Max
	}
	return h, nil
}

// effectiveCapabilities reads the line CapEff of /proc/<pid>/status (proc_pid_status(5)).
func effectiveCapabilities(status []byte) (uint64, error) {
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, errors.New("/proc/self/status: no line CapEff")
}

// found looks for a program on the PATH, in sbin, which a plain user's PATH may lack, and where
// podman keeps its helpers (helper_binaries_dir of containers.conf(5)).
func found(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	for _, dir := range []string{
		"/usr/sbin", "/sbin", "/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman", "/usr/lib/podman",
	} {
		if info, err := os.Stat(filepath.Join(dir, program)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// check says what podman lacks here, and the cure.
func (h Host) check() error {
	switch {
	case !h.Podman:
		return errors.New("podman is not installed: apt-get install podman runc netavark aardvark-dns iptables")
	case !h.Root && !h.CgroupV2:
		return errors.New("podman needs root on a machine with cgroup v1: run the same command with sudo -E")
	case !h.CgroupV2 && !h.Runc:
		return errors.New("podman needs runc on a machine with cgroup v1, crun refuses it: apt-get install runc")
	case !h.Netavark || !h.Aardvark:
		return errors.New("podman cannot give the nodes names in DNS without netavark and aardvark-dns: apt-get install netavark aardvark-dns")
	case !h.Firewall:
		return errors.New("podman cannot publish a port without iptables: apt-get install iptables")
	}
	return nil
}

// containersConf returns what must differ from podman's defaults here, in the form of
// containers.conf(5).
func (h Host) containersConf() string {
	var b strings.Builder
	if !h.MayRaise {
		// podman sets limits of its own, and may not set them above ours.
		fmt.Fprintf(&b, "[containers]\ndefault_ulimits = [\"nofile=%[1]d:%[1]d\", \"nproc=%[2]d:%[2]d\"]\n",
			min(h.OpenFiles, maxOpenFiles), min(h.Processes, maxProcesses))
	}
	if !h.CgroupV2 {
		// crun refuses a hybrid hierarchy.
		b.WriteString("[engine]\nruntime = \"runc\"\n")
	}
	// The older CNI backend has no DNS, and a worker finds the control plane by its name.
	b.WriteString("[network]\nnetwork_backend = \"netavark\"\n")
	return b.String()
}

// What stands for "unlimited", and for what podman cannot parse. podman lowers its
// own limit of processes to 32,768 where the kernel has no more process IDs.
const (
	maxOpenFiles = 1 << 20
	maxProcesses = 1 << 15
)
