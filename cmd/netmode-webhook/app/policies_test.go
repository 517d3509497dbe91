package app

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/spf13/pflag"
)

func TestPoliciesHelpMentionsEveryFlag(t *testing.T) {
	t.Parallel()
	code, out, errOut := run(t, "policies", "--help")
	if code != 0 || errOut != "" {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	flags := 0
	newPoliciesCommand(io.Discard).Flags().VisitAll(func(f *pflag.Flag) {
		flags++
		if !strings.Contains(out, "--"+f.Name+" ") || !strings.Contains(out, f.Usage) {
			t.Errorf("--%s is not in the help:\n%s", f.Name, out)
		}
	})
	if flags < 5 {
		t.Errorf("only %d flags", flags)
	}
	for _, want := range []string{`(default "netmode-system")`, `(default ":8080")`} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in the help:\n%s", want, out)
		}
	}
}

func TestPoliciesBadFlags(t *testing.T) {
	t.Parallel()
	away := "--kubeconfig=" + noAPIServer(t)
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing given, in no pod", nil, []string{"this is no pod with a ServiceAccount: ", "name a file with --kubeconfig"}},
		{"argument", []string{"now"}, []string{`unknown command "now" for "netmode-webhook policies"`}},
		{"own-namespace", []string{"--own-namespace=a.b"}, []string{`--own-namespace "a.b": not the name of a namespace: `}},
		{"ops-listen", []string{"--ops-listen=8080"}, []string{`--ops-listen "8080": not HOST:PORT: write for example 127.0.0.1:8080 or :8080`}},
		{"ops-listen, no such port", []string{away, "--ops-listen=127.0.0.1:99999"}, []string{"listen on 127.0.0.1:99999 for health and metrics: ", "choose another address with --ops-listen"}},
		{"kubeconfig", []string{"--kubeconfig=/nonexistent"}, []string{`--kubeconfig "/nonexistent": `, "name a kubeconfig file that can be read"}},
		{"log-level", []string{away, "--log-level=loud"}, []string{`--log-level "loud": use error, info, debug`}},
		{"log-format", []string{away, "--log-format=xml"}, []string{`--log-format "xml": use json or console`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := run(t, append([]string{"policies"}, tt.args...)...)
			if code != 1 || out != "" {
				t.Errorf("exit %d, output %q", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("message %q, want %q in it", errOut, want)
				}
			}
		})
	}
}

// TestPoliciesWithoutAPIServer: an API server that is away is waited for, and
// keeps nothing from ending.
func TestPoliciesWithoutAPIServer(t *testing.T) {
	t.Parallel()
	w := start(t, "keeping statuses of policies", "policies", "--kubeconfig="+noAPIServer(t), "--ops-listen=127.0.0.1:0")
	w.line(t, "watch broken, opened again soon")
	if code, text := get(t, "http://"+w.ops+"/readyz"); code != http.StatusServiceUnavailable || text != "not ready: starting, or the statuses are not in order; the log says why\n" {
		t.Errorf("readyz: %d %q", code, text)
	}
	if code, _ := get(t, "http://"+w.ops+"/livez"); code != http.StatusOK {
		t.Errorf("livez: %d", code)
	}
	if code := w.terminate(t); code != 0 {
		t.Errorf("exit %d after SIGTERM", code)
	}
}

func TestPoliciesMetrics(t *testing.T) {
	t.Parallel()
	m := newPoliciesMetrics()
	observer := m.observer()
	observer.Written()
	observer.Written()
	observer.Failed(errors.New("x"))
	names := []string{"netmode_policies_status_writes_total", "netmode_policies_failures_total"}
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(`
# HELP netmode_policies_failures_total Rounds that ended with an error and are tried again; the log says why.
# TYPE netmode_policies_failures_total counter
netmode_policies_failures_total 1
# HELP netmode_policies_status_writes_total Statuses of NetworkModePolicies written, because they had changed.
# TYPE netmode_policies_status_writes_total counter
netmode_policies_status_writes_total 2
`), names...); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(m.registry, append(names, "netmode_build_info")...)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
