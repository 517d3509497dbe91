package resolv_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/resolv"
)

// shells are /bin/sh, which every machine has, and those others that are here.
func shells(t *testing.T) [][]string {
	t.Helper()
	all := [][]string{{"/bin/sh"}}
	for _, other := range [][]string{{"busybox", "sh"}, {"bash"}, {"dash"}, {"mksh"}} {
		if path, err := exec.LookPath(other[0]); err == nil {
			all = append(all, append([]string{path}, other[1:]...))
		}
	}
	return all
}

// machine stands for a container: a resolv.conf, a directory for /tmp, and the
// directory that commands start in.
type machine struct {
	t     *testing.T
	shell []string
	file  string
	temp  string
	dir   string
}

func newMachine(t *testing.T, shell []string, text string) machine {
	t.Helper()
	m := machine{t: t, shell: shell, file: filepath.Join(t.TempDir(), "resolv.conf"), temp: t.TempDir(), dir: t.TempDir()}
	m.write(text)
	for _, name := range []string{"one", "two"} { // for an asterisk to find
		if err := os.WriteFile(filepath.Join(m.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m machine) write(text string) {
	m.t.Helper()
	if err := os.WriteFile(m.file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) read() string {
	m.t.Helper()
	text, err := os.ReadFile(m.file)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// hook runs the hook that the strategy writes for a container whose own hook is
// the command, in the machine's shell and with its paths, and returns the exit
// code and what was printed. The prefix is run by the shell before the script.
func (m machine) hook(prefix, domains string, env []string, command ...string) (code int, output string) {
	m.t.Helper()
	text := script(m.t)
	for from, to := range map[string]string{"=/etc/resolv.conf\n": "='" + m.file + "'\n", "=/tmp/": "='" + m.temp + "'/"} {
		if strings.Count(text, from) != 1 {
			m.t.Fatalf("the script does not name %q once", from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	args := slices.Concat(m.shell[1:], []string{"-c", prefix + text, "netmode-post-start", domains}, command)
	cmd := exec.CommandContext(m.t.Context(), m.shell[0], args...) //nolint:gosec // to run the script is the test
	cmd.Dir = m.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TEMP=" + m.temp}, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// eachShell runs a test in every shell, on a machine with the text in its resolv.conf.
func eachShell(t *testing.T, text string, test func(t *testing.T, m machine)) {
	t.Helper()
	for _, shell := range shells(t) {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			test(t, newMachine(t, shell, text))
		})
	}
}

// checkAgrees runs the hook on a file and compares with Put. The shell ends the
// last line of what it writes, Put leaves it as it is.
func (m machine) checkAgrees(text string, domains resolv.Domains) {
	m.t.Helper()
	m.write(text)
	want, changed := domains.Put([]byte(text))
	code, output := m.hook("", strings.Join(domains.Words(), " "), nil)
	got := m.read()
	same := got == string(want)
	if changed {
		same = strings.TrimSuffix(got, "\n") == strings.TrimSuffix(string(want), "\n") && strings.HasSuffix(got, "\n")
	}
	if !same {
		m.t.Errorf("of %q and %v Put makes\n%q, and the script\n%q", text, domains.Words(), want, got)
	}
	if code != 0 || output != "" {
		m.t.Errorf("%q: exit code %d, output %q", text, code, output)
	}
	if rest, err := os.ReadDir(m.temp); err != nil || len(rest) > 0 {
		m.t.Errorf("%q: left in the directory for temporary files: %v, %v", text, rest, err)
	}
}

func TestScriptAgreesWithPut(t *testing.T) {
	eachShell(t, "", func(t *testing.T, m machine) {
		for name, tt := range resolvConfs {
			t.Run(name, func(t *testing.T) {
				m.t = t
				for _, domains := range []resolv.Domains{
					{First: []string{peer}},
					{First: []string{peer, "svc.b"}, Behind: "a", Then: []string{"b", "late.example"}},
				} {
					m.checkAgrees(tt.text, domains)
					m.checkAgrees(m.read(), domains)
				}
			})
		}
	})
}

// randomFile has lines that are made of what the rules are about.
func randomFile(random *rand.Rand) string {
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	var text strings.Builder
	for range random.IntN(6) {
		text.WriteString(pick("search", "search", "search", "domain", "nameserver", "options", "#search", " search", "searches", ""))
		for range random.IntN(5) {
			text.WriteString(pick(" ", " ", "\t", "  ", " \t "))
			text.WriteString(pick(peer, peer, "a", "b.example", "db", "db-prod", peer+".", "x"+peer, "10.96.0.10", "*", "$1", "\\n", "#", "-n", "'"))
		}
		text.WriteString(pick("\n", "\n", "\n", " \n", "\t\n"))
	}
	whole := text.String()
	if random.IntN(3) == 0 {
		whole = strings.TrimSuffix(whole, "\n")
	}
	return whole
}

// randomDomains are some of what such files list, each once.
func randomDomains(random *rand.Rand) resolv.Domains {
	all := []string{peer, "a", "b.example", "db", "db-prod", "x" + peer, "new.example", "behind.example", "svc.x"}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	first, then := random.IntN(4), random.IntN(3)
	if first+then == 0 {
		first = 1
	}
	return resolv.Domains{First: all[:first], Behind: all[8-random.IntN(2)*6], Then: all[first : first+then]}
}

func TestScriptAgreesOnRandomFiles(t *testing.T) {
	eachShell(t, "", func(t *testing.T, m machine) {
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same files in every run
		changes := 0
		for range 120 {
			text := randomFile(random)
			domains := resolv.Domains{First: []string{peer}}
			if random.IntN(2) == 0 {
				domains = randomDomains(random)
			}
			m.checkAgrees(text, domains)
			if _, changed := domains.Put([]byte(text)); changed {
				changes++
			}
			if t.Failed() {
				return
			}
		}
		if changes < 60 || changes == 120 {
			t.Errorf("%d of 120 files were to change", changes)
		}
	})
}

const podFile = "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local\noptions ndots:5\n"

// When the rewrite cannot be done, the file stays whole, and the container is
// not killed for it.
func TestScriptNeverHarms(t *testing.T) {
	long := podFile + strings.Repeat("# a comment that makes the file larger than the limit\n", 40)
	tests := []struct {
		name, text, prefix string
		temp               func(m machine) string
		env                []string
	}{
		{"no /tmp", podFile, "", func(m machine) string { return filepath.Join(m.temp, "absent") }, nil},
		{"no /tmp, no search line", "nameserver 10.96.0.10\n", "", func(m machine) string { return filepath.Join(m.temp, "absent") }, nil},
		{"/tmp is a file", podFile, "", func(m machine) string { return m.file }, nil},
		{"the temporary file cannot be written", podFile, "mkdir \"$TEMP/.netmode-resolv.conf.$$\"\n", nil, nil},
		{"/tmp is full", long, "trap '' XFSZ; ulimit -f 1\n", nil, nil},
		{"neither cat nor rm", podFile, "", nil, []string{"PATH=/nonexistent"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, tt.text, func(t *testing.T, m machine) {
				if tt.temp != nil {
					m.temp = tt.temp(m)
				}
				code, output := m.hook(tt.prefix, peer, tt.env)
				if code != 0 {
					t.Errorf("exit code %d, output %q", code, output)
				}
				want := tt.text
				if strings.Contains(m.shell[0], "busybox") && tt.env != nil {
					want = strings.Replace(want, "search ", "search "+peer+" ", 1) // it needs no PATH for its own cat
				}
				if diff := cmp.Diff(want, m.read()); diff != "" {
					t.Errorf("the file changed (-before +after):\n%s", diff)
				}
				// Nor does it keep the container's own hook from running.
				if code, output := m.hook(tt.prefix, peer, tt.env, "/bin/sh", "-c", "exit 7"); code != 7 {
					t.Errorf("the container's hook: exit code %d, output %q", code, output)
				}
			})
		})
	}
}

// The same machine without anything in the way is rewritten: the cases above
// are no accident of the test.
func TestScriptRewrites(t *testing.T) {
	eachShell(t, podFile, func(t *testing.T, m machine) {
		want := strings.Replace(podFile, "search ", "search "+peer+" ", 1)
		for range 2 { // a container may start again
			if code, output := m.hook("", peer, nil); code != 0 || m.read() != want {
				t.Errorf("exit code %d, output %q, file\n%s", code, output, m.read())
			}
		}
	})
}

func TestScriptWithoutFile(t *testing.T) {
	eachShell(t, "", func(t *testing.T, m machine) {
		if err := os.Remove(m.file); err != nil {
			t.Fatal(err)
		}
		if code, output := m.hook("", peer, nil); code != 0 {
			t.Errorf("exit code %d, output %q", code, output)
		}
		if _, err := os.Stat(m.file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file without nameservers was made: %v", err)
		}
	})
}

// A file that is right already is not opened for writing: a running program
// may be reading it.
func TestScriptLeavesARightFileAlone(t *testing.T) {
	eachShell(t, "search\t"+peer+"  a\n", func(t *testing.T, m machine) {
		m.temp = filepath.Join(m.temp, "absent") // any attempt would print an error
		if code, output := m.hook("", peer, nil); code != 0 || output != "" {
			t.Errorf("exit code %d, output %q", code, output)
		}
	})
}

// The container's own hook runs after the rewrite, as it was written, and its
// exit code is the hook's.
func TestScriptRunsTheOwnHook(t *testing.T) {
	tests := []struct {
		name    string
		command []string
		code    int
		output  string
	}{
		{"nothing", nil, 0, ""},
		{"exit code", []string{"/bin/sh", "-c", "exit 42"}, 42, ""},
		{"signal", []string{"/bin/sh", "-c", "kill -TERM $$"}, -1, ""},
		{"arguments", []string{"/bin/sh", "-c", `printf '<%s>' "$0" "$@"`, "a b", "*", "", "$HOME", `\n`, "it's", `"q"`, "-n", "ü", "new\nline"}, 0, `<a b><*><><$HOME><\n><it's><"q"><-n><ü><new` + "\nline>"},
		{"globs are the hook's own again", []string{"/bin/sh", "-c", "echo *"}, 0, "one two\n"},
		{"a program by name", []string{"echo", "*", "-"}, 0, "* -\n"},
		{"it sees the rewritten file", []string{"/bin/sh", "-c", `while read -r l; do case $l in search*) echo "$l";; esac; done <"$FILE"`}, 0, "search " + peer + " default.svc.cluster.local svc.cluster.local\n"},
		{"no such program", []string{"/nonexistent/hook"}, 127, "?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, podFile, func(t *testing.T, m machine) {
				code, output := m.hook("", peer, []string{"FILE=" + m.file}, tt.command...)
				if code != tt.code || (tt.output != "?" && output != tt.output) {
					t.Errorf("exit code %d, want %d, output %q, want %q", code, tt.code, output, tt.output)
				}
				if resolv.Parse([]byte(m.read())).Searches[0] != peer {
					t.Errorf("not rewritten: %s", m.read())
				}
			})
		})
	}
}

// What the tests run is what the strategy writes.
func TestScriptIsTheHook(t *testing.T) {
	_, spec := postStartCase(`{"containers":[{"lifecycle":{"postStart":{"exec":{"command":["a","b"]}}}}]}`).run(t)
	want := []string{"/bin/sh", "-c", script(t), "netmode-post-start", "peers.default.svc.cluster.local", "a", "b"}
	if diff := cmp.Diff(want, podSpec(t, spec).Containers[0].Lifecycle.PostStart.Exec.Command); diff != "" {
		t.Errorf("command differs (-want +got):\n%s", diff)
	}
}
