package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrors reads what is printed when a command cannot do its work. Each has a row.
func TestErrors(t *testing.T) {
	folder := t.TempDir()
	loop := filepath.Join(folder, "loop.yaml")
	if out, err := exec.CommandContext(t.Context(), "ln", "-s", "loop.yaml", loop).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	bad := write(t, "bad.yaml", "apiVersion: v1\nkind: Pod\n\tmetadata: {}\n")
	notes := write(t, "notes.yaml", "- a list\n")
	gate := write(t, "gate.yaml", gatePod)
	tests := map[string]struct{ args, want string }{
		"no manifests":        {"render", "no manifests: name them with -f FILE, -f FOLDER, or -f - for standard input"},
		"no manifests, demo":  {"demo", "no manifests: name them with -f FILE, -f FOLDER, or -f - for standard input"},
		"absent":              {"explain -f " + folder + "/absent.yaml", folder + "/absent.yaml: cannot be read: no such file or directory; check the path"},
		"unreadable":          {"render -f " + loop, loop + ": cannot be read: too many levels of symbolic links; check the path"},
		"bad YAML":            {"render -f " + bad, bad + ":2: found a tab character that violates indentation; look at the indentation of this line and the one above"},
		"no object":           {"render --strict -f " + notes, notes + ":1: the document is a list, not an object; a manifest has apiVersion, kind and metadata at its top level"},
		"bad -o of render":    {"render -o text -f " + gate, `-o "text": use yaml, json or diff`},
		"bad -o of explain":   {"explain -o diff -f " + gate, `-o "diff": use text, json or yaml`},
		"bad --color":         {"render --color=blue -f " + gate, `--color "blue": use auto, always or never`},
		"bad --cluster-dns":   {"render --cluster-dns=dns -f " + gate, `--cluster-dns, --cluster-domain: cluster DNS address "dns": not an IP address: give the clusterIP of the cluster's DNS Service, such as 10.96.0.10`},
		"absent resolv.conf":  {"render --resolv-conf=" + folder + "/none -f " + gate, "--resolv-conf: open " + folder + "/none: no such file or directory: name a file that can be read, or leave the flag out"},
		"bad --namespace":     {"render -n Storm_1 -f " + gate, `--namespace "Storm_1": not the name of a namespace: a lowercase RFC 1123 label must consist of lower case`},
		"empty --namespace":   {"render --namespace= -f " + gate, `--namespace "": not the name of a namespace: `},
		"unknown flag":        {"render --file x", "unknown flag: --file"},
		"unknown command":     {"apply", `unknown command "apply" for "netmode"`},
		"argument left over":  {"render " + gate, `unknown command "` + gate + `" for "netmode render"`},
		"no DOMAIN":           {"resolvconf", "requires at least 1 arg(s), only received 0"},
		"no NAME":             {"wait", "no NAME: give the names to wait for, such as app-0.peers.default.svc.cluster.local"},
		"bad pull policy":     {"render --init-image-pull-policy=Sometimes -f " + gate, `--init-image-pull-policy "Sometimes": use Always, IfNotPresent or Never`},
		"no webhook":          {"demo --webhook " + folder + "/none -f " + gate, "starting " + folder + "/none: fork/exec " + folder + "/none: no such file or directory: name netmode-webhook with --webhook"},
		"a folder of nothing": {"render -f " + t.TempDir(), "no manifests in this directory"},
	}
	tried := map[string]bool{}
	for name, tt := range tests {
		command, _, _ := strings.Cut(tt.args, " ")
		tried[command] = true
		t.Run(name, func(t *testing.T) {
			got := netmode(t, strings.Fields(tt.args)...)
			if got.code != 1 || got.out != "" || !strings.HasPrefix(got.err, "error: ") || !strings.Contains(got.err, tt.want) {
				t.Errorf("exit code %d, standard output %q\ngot  %s\nwant error: %s", got.code, got.out, got.err, tt.want)
			}
		})
	}
	for _, c := range newRoot("netmode", &Streams{}).Commands() {
		if !tried[c.Name()] {
			t.Errorf("no row calls %s", c.Name())
		}
	}
}

// TestHelp: the program is called as its users call it, in the examples too.
func TestHelp(t *testing.T) {
	for program, name := range map[string]string{
		"/usr/local/bin/netmode": "netmode", "renamed": "netmode", "": "netmode",
		"/home/u/.krew/bin/kubectl-netmode": "kubectl netmode", "kubectl-netmode.exe": "kubectl netmode",
	} {
		run := func(args ...string) string {
			var out, errOut bytes.Buffer
			if code := Main(append([]string{program}, args...), Streams{Out: &out, Err: &errOut}); code != 0 {
				t.Errorf("%s %v: exit code %d: %s", program, args, code, errOut.String())
			}
			return out.String()
		}
		for _, want := range []string{
			"Usage:\n  " + name + " [command]", "help for " + name + "\n", `Use "` + name + " [command] --help\"",
		} {
			if help := run("--help"); !strings.Contains(help, want) {
				t.Errorf("%s: want %q in\n%s", program, want, help)
			}
		}
		if help := run("render", "--help"); !strings.Contains(help, "\n  "+name+" render -f app.yaml | kubectl apply -f -\n") ||
			!strings.Contains(help, "Usage:\n  "+name+" render -f ") {
			t.Errorf("%s: another name in\n%s", program, help)
		}
		if got, want := run("--version"), name+" version "; !strings.HasPrefix(got, want) {
			t.Errorf("%s: version is %q, want %q first", program, got, want)
		}
	}
	// The process's own arguments are not Main's.
	defer func(args []string) { os.Args = args }(os.Args) //nolint:reassign // cobra reads them
	os.Args = []string{"netmode", "nonsense"}             //nolint:reassign // cobra reads them
	for _, args := range [][]string{nil, {}, {"netmode"}} {
		if code := Main(args, Streams{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}); code != 0 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// TestColor: colours come when asked for, and never into a pipe or a file.
func TestColor(t *testing.T) {
	path := write(t, "gate.yaml", gatePod+"---\n"+refusedPod)
	for _, command := range []string{"render -o diff", "explain"} {
		run := func(color string) result {
			return netmode(t, strings.Fields(command+" -f "+path+" --color="+color)...)
		}
		plain, colored := run("never"), run("always")
		if run("auto") != plain {
			t.Errorf("%s: a buffer got colours", command)
		}
		t.Setenv("NO_COLOR", "1")
		if run("always") != colored {
			t.Errorf("%s: NO_COLOR went before --color=always", command)
		}
		if strings.Contains(plain.out+plain.err, "\x1b") {
			t.Errorf("%s: colours in spite of never:\n%+v", command, plain)
		}
		for _, red := range []string{"\x1b[31mrefused", "\x1b[32m"} {
			if !strings.Contains(colored.out+colored.err, red) {
				t.Errorf("%s: no %q in\n%+v", command, red, colored)
			}
		}
		// Apart from the colours, both say the same in the same columns.
		if got := withoutColor(colored.out); got != plain.out {
			t.Errorf("%s: with colours, the text is\n%s\nand without\n%s", command, got, plain.out)
		}
		if got := withoutColor(colored.err); got != plain.err {
			t.Errorf("%s: with colours, standard error is\n%s\nand without\n%s", command, got, plain.err)
		}
	}
	if got := netmode(t, "render", "--color=always"); !strings.HasPrefix(got.err, "\x1b[31merror:\x1b[0m no manifests") {
		t.Errorf("got %q", got.err)
	}
}

func withoutColor(text string) string {
	return strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[36m", "").Replace(text)
}

// TestProcess runs netmode as a process in a pipe: what it ends with, and on
// which stream it says what.
func TestProcess(t *testing.T) {
	tests := map[string]struct {
		text string
		code int
		want result
	}{
		"fine":    {gatePod, 0, result{out: renderedGate(), err: "<stdin>" + gateWarning}},
		"refused": {refusedPod, 1, result{err: "<stdin>:1: " + refusedMessage + "1 object refused; the cluster would not create what they ask for\n"}},
		"broken":  {"{", 1, result{err: "error: <stdin>:1: "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), ownBinary(t), "render", "-f", "-")
			cmd.Env = append(cmd.Environ(), envProgram+"=netmode")
			cmd.Stdin = strings.NewReader(tt.text)
			var out, errOut bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errOut
			_ = cmd.Run() // the exit code says it
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if out.String() != tt.want.out || !strings.HasPrefix(errOut.String(), tt.want.err) {
				t.Errorf("standard output\n%s\nwant\n%s\nstandard error\n%s\nwant at its beginning\n%s", out.String(), tt.want.out, errOut.String(), tt.want.err)
			}
		})
	}
}
