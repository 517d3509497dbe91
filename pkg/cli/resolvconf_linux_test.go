package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// cannot is the exit code of a program of these tests that the machine will
// not let do its work.
const cannot = 77

func resolvconfPrograms() map[string]func(args []string) int {
	return map[string]func([]string) int{"bind-mount": resolvconfOverBindMount, "without-rights": resolvconfWithoutRights}
}

// TestResolvconfKeepsModeAndOwner: the renamed file is as the old one was.
func TestResolvconfKeepsModeAndOwner(t *testing.T) {
	for _, mode := range []os.FileMode{0o644, 0o640, 0o606, 0o400} {
		path := write(t, "resolv.conf", "search svc\n")
		uid, gid := os.Getuid(), os.Getgid()
		if uid == 0 {
			uid, gid = 1234, 5678
		}
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		before := statOf(t, path)
		if got := netmode(t, "resolvconf", "db.svc", "--file", path); got.code != 0 {
			t.Fatal(got.err)
		}
		after := statOf(t, path)
		if after.Mode != before.Mode || after.Uid != before.Uid || after.Gid != before.Gid {
			t.Errorf("mode %o owner %d:%d became %o %d:%d", before.Mode, before.Uid, before.Gid, after.Mode, after.Uid, after.Gid)
		}
		if after.Ino == before.Ino {
			t.Error("the file was overwritten, not replaced")
		}
	}
}

func statOf(t *testing.T, path string) *syscall.Stat_t {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("no stat of %s", path)
	}
	return stat
}

// TestResolvconfOverBindMount: a pod's resolv.conf is a bind mount, over which
// nothing can be renamed. The mount is made in a mount namespace of its own.
func TestResolvconfOverBindMount(t *testing.T) {
	const domain = "db.default.svc.cluster.local"
	first := strings.Replace(clusterResolvConf, "search ", "search "+domain+" ", 1)
	for name, text := range map[string]string{
		"longer": clusterResolvConf, "shorter": strings.Replace(first, "\noptions", strings.Repeat(" "+domain, 3)+"\noptions", 1),
	} {
		t.Run(name, func(t *testing.T) {
			source, target := write(t, "source", text), write(t, "resolv.conf", "the mount hides this\n")
			if err := os.Chmod(source, 0o604); err != nil { //nolint:gosec // a mode to be kept
				t.Fatal(err)
			}
			before := statOf(t, source)
			code, said := inMountNamespace(t, source, target, "rw", domain)
			if code == cannot {
				return // logged; TestOverwrite tests what would have run here
			}
			if want := domain + " first: put into the search list of " + target + "\n" + domain + " first: in place already in the search list of " + target + "\n"; code != 0 || said != want {
				t.Fatalf("exit code %d: %s", code, said)
			}
			if got := readFile(t, source); got != first {
				t.Errorf("the mounted file holds\n%s\nwant\n%s", got, first)
			}
			after := statOf(t, source)
			if after.Ino != before.Ino || after.Mode != before.Mode || after.Uid != before.Uid {
				t.Errorf("the mounted file became another: %+v, %+v", before, after)
			}
			wantAlone(t, source)
			wantAlone(t, target)
			if got := readFile(t, target); got != "the mount hides this\n" {
				t.Errorf("below the mount is %q", got)
			}
		})
	}
}

func TestResolvconfOverReadOnlyMount(t *testing.T) {
	source, target := write(t, "source", clusterResolvConf), write(t, "resolv.conf", "")
	code, said := inMountNamespace(t, source, target, "ro", "db.svc")
	if code == cannot {
		return
	}
	want := "error: rewriting " + target + ": open " + target + ": read-only file system: run as its owner, with the file writable\n"
	if code != 1 || said != want {
		t.Errorf("exit code %d: %s\nwant %s", code, said, want)
	}
	if got := readFile(t, source); got != clusterResolvConf {
		t.Errorf("the file holds %q", got)
	}
	wantAlone(t, target)
}

// inMountNamespace runs netmode resolvconf twice on a bind mount of source over
// target, and returns what it said. Where the machine allows no mounts, it logs
// why and returns cannot.
func inMountNamespace(t *testing.T, source, target, access, domain string) (code int, said string) {
	t.Helper()
	root := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	user := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	attempts := []*syscall.SysProcAttr{user}
	if os.Getuid() == 0 {
		attempts = []*syscall.SysProcAttr{root, user}
	}
	for _, attributes := range attempts {
		cmd := exec.CommandContext(t.Context(), ownBinary(t), source, target, access, domain)
		cmd.Env = append(cmd.Environ(), envProgram+"=bind-mount")
		cmd.SysProcAttr = attributes
		out, err := cmd.CombinedOutput()
		code = cannot
		if cmd.ProcessState != nil {
			code = cmd.ProcessState.ExitCode()
		}
		if code != cannot {
			return code, string(out)
		}
		t.Logf("no mounts with clone flags %#x: %v %s", attributes.Cloneflags, err, out)
	}
	return cannot, ""
}

// resolvconfOverBindMount is the program behind inMountNamespace.
func resolvconfOverBindMount(args []string) int {
	source, target, access, domain := args[0], args[1], args[2], args[3]
	mounts := []struct {
		source, target string
		flags          uintptr
	}{
		{"", "/", syscall.MS_REC | syscall.MS_PRIVATE},
		{source, target, syscall.MS_BIND},
		{"", target, syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY},
	}
	if access == "rw" {
		mounts = mounts[:2]
	}
	for _, m := range mounts {
		if err := syscall.Mount(m.source, m.target, "", m.flags, ""); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "mount %+v: %v", m, err)
			return cannot
		}
	}
	for range 2 {
		if code := Main([]string{"netmode", "resolvconf", domain, "--file", target}, System()); code != 0 {
			return code
		}
	}
	return 0
}

// TestResolvconfWithoutRights runs it as a user who may not write into the
// file's folder.
func TestResolvconfWithoutRights(t *testing.T) {
	run := func(mode os.FileMode) (path string, code int, said string) {
		path = write(t, "resolv.conf", "search svc\n")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		folder := filepath.Dir(path)
		for path, mode := range map[string]os.FileMode{folder: 0o555, filepath.Dir(folder): 0o755} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) }) //nolint:gosec // as it was, to be removed
		cmd := exec.CommandContext(t.Context(), ownBinary(t), path)
		cmd.Env = append(cmd.Environ(), envProgram+"=without-rights")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()                                // the exit code says it
		said, _, _ = strings.Cut(out.String(), "\n") // a covered program complains of its own rights behind it
		return path, cmd.ProcessState.ExitCode(), said
	}

	path, code, said := run(0o444)
	if code == cannot {
		t.Logf("no other user to be: %s", said)
		return
	}
	if want := "error: rewriting " + path + ": open " + path + ": permission denied: run as its owner, with the file writable"; code != 1 || said != want {
		t.Errorf("a file that is read-only: exit code %d: %s\nwant %s", code, said, want)
	}
	if got := readFile(t, path); got != "search svc\n" {
		t.Errorf("it holds %q", got)
	}

	// A file that may be written is overwritten where nothing can be put beside it.
	path, code, said = run(0o666)
	if want := "db.svc first: put into the search list of " + path; code != 0 || said != want {
		t.Errorf("a file in a read-only folder: exit code %d: %s\nwant %s", code, said, want)
	}
	if got := readFile(t, path); got != "search db.svc svc\n" {
		t.Errorf("it holds %q", got)
	}
}

// resolvconfWithoutRights gives up root's rights and runs netmode resolvconf.
func resolvconfWithoutRights(args []string) int {
	const nobody = 65534
	if os.Getuid() == 0 {
		for _, give := range []func() error{
			func() error { return syscall.Setgroups(nil) },
			func() error { return syscall.Setgid(nobody) },
			func() error { return syscall.Setuid(nobody) },
		} {
			if err := give(); err != nil {
				_, _ = fmt.Fprintln(os.Stderr, err)
				return cannot
			}
		}
	}
	return Main([]string{"netmode", "resolvconf", "db.svc", "--file", args[0]}, System())
}
