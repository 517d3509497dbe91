package engine

import (
	"os"
	"testing"
)

// good is a host on which podman needs nothing special.
func good() Host {
	return Host{
		Root: true, MayRaise: true, CgroupV2: true, OpenFiles: 1 << 20, Processes: 1 << 16,
		Podman: true, Runc: true, Netavark: true, Aardvark: true, Firewall: true,
	}
}

func TestContainersConf(t *testing.T) {
	const network = "[network]\nnetwork_backend = \"netavark\"\n"
	tests := map[string]struct {
		change func(*Host)
		want   string
	}{
		"nothing special": {func(*Host) {}, network},
		"may not raise limits": {
			func(h *Host) { h.MayRaise, h.OpenFiles, h.Processes = false, 20000, 96365 },
			"[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]\n" + network,
		},
		"unlimited": {
			func(h *Host) { h.MayRaise, h.OpenFiles, h.Processes = false, 1<<64-1, 1<<64-1 },
			"[containers]\ndefault_ulimits = [\"nofile=1048576:1048576\", \"nproc=32768:32768\"]\n" + network,
		},
		"cgroup v1": {func(h *Host) { h.CgroupV2 = false }, "[engine]\nruntime = \"runc\"\n" + network},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host := good()
			test.change(&host)
			if got := host.containersConf(); got != test.want {
				t.Errorf("have\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestCheckHost(t *testing.T) {
	tests := map[string]struct {
		change func(*Host)
		want   string // "" for none
	}{
		"all there":                {func(*Host) {}, ""},
		"no podman":                {func(h *Host) { h.Podman = false }, "podman is not installed: apt-get install podman runc netavark aardvark-dns iptables"},
		"not root on cgroup v1":    {func(h *Host) { h.Root, h.CgroupV2 = false, false }, "podman needs root on a machine with cgroup v1: run the same command with sudo -E"},
		"not root on cgroup v2":    {func(h *Host) { h.Root = false }, ""},
		"no runc on cgroup v1":     {func(h *Host) { h.Runc, h.CgroupV2 = false, false }, "podman needs runc on a machine with cgroup v1, crun refuses it: apt-get install runc"},
		"no runc on cgroup v2":     {func(h *Host) { h.Runc = false }, ""},
		"no netavark":              {func(h *Host) { h.Netavark = false }, "podman cannot give the nodes names in DNS without netavark and aardvark-dns: apt-get install netavark aardvark-dns"},
		"no aardvark-dns":          {func(h *Host) { h.Aardvark = false }, "podman cannot give the nodes names in DNS without netavark and aardvark-dns: apt-get install netavark aardvark-dns"},
		"neither iptables nor nft": {func(h *Host) { h.Firewall = false }, "podman cannot publish a port without iptables: apt-get install iptables"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			host := good()
			test.change(&host)
			got := ""
			if err := host.check(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("have %q, want %q", got, test.want)
			}
		})
	}
}

func TestEffectiveCapabilities(t *testing.T) {
	got, err := effectiveCapabilities([]byte("Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000001fffeffffff\n"))
	if err != nil || got&(1<<capSysResource) != 0 || got&(1<<21) == 0 {
		t.Errorf("have %x, %v; want bit 21 (CAP_SYS_ADMIN) without bit 24 (CAP_SYS_RESOURCE)", got, err)
	}
	for _, status := range []string{"", "Name:\tx\n", "CapEff:\tnone\n"} {
		if got, err := effectiveCapabilities([]byte(status)); err == nil {
			t.Errorf("%q: have %x, want an error", status, got)
		}
	}
}

func TestReadHost(t *testing.T) {
	host, err := readHost()
	if err != nil {
		t.Fatal(err)
	}
	if host.Root != (os.Geteuid() == 0) || host.OpenFiles == 0 || host.Processes == 0 {
		t.Errorf("have %+v", host)
	}
}

func TestFound(t *testing.T) {
	if !found("sh") {
		t.Error("sh was not found")
	}
	if found("no-such-program-anywhere") {
		t.Error("found a program that is not there")
	}
	t.Setenv("PATH", "")
	if !found("ldconfig") {
		t.Error("ldconfig was not found in sbin, which is not on the PATH")
	}
}
