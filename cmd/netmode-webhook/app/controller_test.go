package app

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// controllerCommands are the programs that keep something in order, with what their
// help must have: the first line of all, and the defaults.
func controllerCommands() map[string][]string {
	return map[string][]string{
		"certificates": {
			"certificates Make and renew", `(default "netmode-system")`, `(default "netmode-webhook-tls")`, `(default "netmode-webhook")`,
			"(default [netmode])", "(default 8760h0m0s)", "(default 2160h0m0s)", `(default ":8080")`,
		},
		"policies": {"policies     Have the API server enforce", `(default "netmode-system")`, `(default ":8080")`},
	}
}

func TestControllerHelp(t *testing.T) {
	t.Parallel()
	_, all, _ := run(t, "--help")
	for name, want := range controllerCommands() {
		code, out, errOut := run(t, name, "--help")
		if code != 0 || errOut != "" {
			t.Fatalf("%s: exit %d, %q", name, code, errOut)
		}
		checkHelp(t, out, subcommand(t, name).Flags(), 5)
		if !strings.Contains(all, want[0]) {
			t.Errorf("%q is not in the help of netmode-webhook:\n%s", want[0], all)
		}
		for _, text := range want[1:] {
			if !strings.Contains(out, text) {
				t.Errorf("%s: %s is not in the help:\n%s", name, text, out)
			}
		}
	}
}

// TestControllerBadFlags: of the flags that all of them have.
func TestControllerBadFlags(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	address := taken.Addr().String()
	away := "--kubeconfig=" + noAPIServer(t)
	garbled, empty := filepath.Join(t.TempDir(), "garbled"), filepath.Join(t.TempDir(), "empty")
	write(t, garbled, []byte("\tx"))
	write(t, empty, nil)
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing given, in no pod", nil, []string{"this is no pod with a ServiceAccount: ", "name a file with --kubeconfig"}},
		{"argument", []string{"now"}, []string{`unknown command "now" for "netmode-webhook `}},
		{"ops-listen", []string{"--ops-listen=8080"}, []string{`--ops-listen "8080": not HOST:PORT: write for example 127.0.0.1:8080 or :8080`}},
		{"ops-listen, no such port", []string{away, "--ops-listen=127.0.0.1:99999"}, []string{"listen on 127.0.0.1:99999 for health and metrics: ", "choose another address with --ops-listen"}},
		{"ops-listen, taken", []string{away, "--ops-listen=" + address}, []string{"listen on " + address + " for health and metrics: ", "address already in use", "choose another address with --ops-listen"}},
		{"kubeconfig, missing", []string{"--kubeconfig=/nonexistent"}, []string{`--kubeconfig "/nonexistent": `, "no such file", "name a kubeconfig file that can be read"}},
		{"kubeconfig, garbled", []string{"--kubeconfig=" + garbled}, []string{`--kubeconfig "` + garbled + `": `, "name a kubeconfig file that can be read"}},
		{"kubeconfig, empty", []string{"--kubeconfig=" + empty}, []string{`--kubeconfig "` + empty + `": invalid configuration: `}},
		{"log-level", []string{"--log-level=loud"}, []string{`--log-level "loud": use error, info, debug`}},
		{"log-format", []string{"--log-format=xml"}, []string{`--log-format "xml": use json or console`}},
	} {
		for name := range controllerCommands() {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				checkRefused(t, append([]string{name}, tt.args...), tt.want)
			})
		}
	}
}

// checkRefused runs netmode-webhook, which must say all that is wanted in one
// message, and nothing else.
func checkRefused(t *testing.T, args, want []string) {
	t.Helper()
	if log := refusal(t, args, want); log != "" {
		t.Errorf("standard error begins with more than the message: %q", log)
	}
}

func subcommand(t *testing.T, name string) *cobra.Command {
	t.Helper()
	command, _, err := newCommand(io.Discard).Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return command
}
