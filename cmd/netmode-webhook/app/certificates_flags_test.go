package app

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestCertificatesHelpMentionsEveryFlag(t *testing.T) {
	t.Parallel()
	code, out, errOut := run(t, "certificates", "--help")
	if code != 0 || errOut != "" {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	flags := 0
	newCertificatesCommand(io.Discard).Flags().VisitAll(func(f *pflag.Flag) {
		flags++
		if !strings.Contains(out, "--"+f.Name+" ") || !strings.Contains(out, f.Usage) {
			t.Errorf("--%s is not in the help:\n%s", f.Name, out)
		}
	})
	if flags < 10 {
		t.Errorf("only %d flags", flags)
	}
	if _, out, _ := run(t, "--help"); !strings.Contains(out, "certificates Make and renew") {
		t.Errorf("the command is not in the help of netmode-webhook:\n%s", out)
	}
}

func TestCertificatesDefaults(t *testing.T) {
	t.Parallel()
	_, out, _ := run(t, "certificates", "--help")
	for _, want := range []string{
		`(default "netmode-system")`, `(default "netmode-webhook-tls")`, `(default "netmode-webhook")`, "(default [netmode])",
		"(default 8760h0m0s)", "(default 2160h0m0s)", `(default ":8080")`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in the help:\n%s", want, out)
		}
	}
}

func TestCertificatesBadFlags(t *testing.T) {
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
	long := strings.Repeat("a", 251)

	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"nothing given, in no pod", nil, []string{"this is no pod with a ServiceAccount: ", "name a file with --kubeconfig"}},
		{"unknown flag", []string{"--standalone"}, []string{"unknown flag: --standalone"}},
		{"argument", []string{"now"}, []string{`unknown command "now" for "netmode-webhook certificates"`}},
		{"namespace", []string{"--namespace=a.b"}, []string{`--namespace "a.b": not a name in Kubernetes: `, "must not contain dots"}},
		{"namespace, empty", []string{"--namespace="}, []string{`--namespace "": not a name in Kubernetes: `}},
		{"service", []string{"--service=Webhook"}, []string{`--service "Webhook": not a name in Kubernetes: `}},
		{"secret", []string{"--secret=a/b"}, []string{`--secret "a/b": not a name in Kubernetes: `}},
		{"secret, no room for -ca", []string{"--secret=" + long}, []string{`--secret "` + long + `": with -ca after it, it is longer than 253 characters: choose a shorter name`}},
		{"secret, too long", []string{"--secret=" + long + "aaa"}, []string{`": not a name in Kubernetes: must be no more than 253 characters`}},
		{"webhook-configuration", []string{"--webhook-configuration=netmode,a_b"}, []string{`--webhook-configuration "a_b": not a name in Kubernetes: `}},
		{"webhook-configuration, empty", []string{"--webhook-configuration="}, []string{"--webhook-configuration is empty: name the webhook configurations that call the Service"}},
		{"webhook-configuration, twice", []string{"--webhook-configuration=a,b", "--webhook-configuration=a"}, []string{`--webhook-configuration "a": given twice: once covers both kinds`}},
		{"leaf-lifetime", []string{"--leaf-lifetime=4m59s"}, []string{"--leaf-lifetime 4m59s: pods could not follow: give at least 5m0s"}},
		{"leaf-lifetime, no duration", []string{"--leaf-lifetime=90d"}, []string{`invalid argument "90d" for "--leaf-lifetime"`}},
		{"ca-lifetime", []string{"--leaf-lifetime=1h", "--ca-lifetime=2h59m"}, []string{"--ca-lifetime 2h59m0s: a certificate of 1h0m0s could outlive it: give at least three times --leaf-lifetime"}},
		{"ca-lifetime, negative", []string{"--ca-lifetime=-1h"}, []string{"--ca-lifetime -1h0m0s: a certificate of 2160h0m0s could outlive it"}},
		{"ops-listen", []string{"--ops-listen=8080"}, []string{`--ops-listen "8080": not HOST:PORT: write for example 127.0.0.1:8080 or :8080`}},
		{"ops-listen, no such port", []string{away, "--ops-listen=127.0.0.1:99999"}, []string{"listen on 127.0.0.1:99999 for health and metrics: ", "choose another address with --ops-listen"}},
		{"ops-listen, taken", []string{away, "--ops-listen=" + address}, []string{"listen on " + address + " for health and metrics: ", "address already in use", "choose another address with --ops-listen"}},
		{"kubeconfig, missing", []string{"--kubeconfig=/nonexistent"}, []string{`--kubeconfig "/nonexistent": `, "no such file", "name a kubeconfig file that can be read"}},
		{"kubeconfig, garbled", []string{"--kubeconfig=" + garbled}, []string{`--kubeconfig "` + garbled + `": `, "name a kubeconfig file that can be read"}},
		{"kubeconfig, empty", []string{"--kubeconfig=" + empty}, []string{`--kubeconfig "` + empty + `": invalid configuration: `}},
		{"log-level", []string{"--log-level=loud"}, []string{`--log-level "loud": use error, info, debug`}},
		{"log-format", []string{"--log-format=xml"}, []string{`--log-format "xml": use json or console`}},
		{"all at once", []string{"--namespace=-", "--service=-", "--secret=-", "--leaf-lifetime=1s", "--ca-lifetime=2s", "--ops-listen=x"}, []string{
			"--namespace", "--service", "--secret", "--leaf-lifetime 1s", "--ca-lifetime 2s", "--ops-listen"}},
	}
	newCertificatesCommand(io.Discard).Flags().VisitAll(func(f *pflag.Flag) {
		for _, tt := range cases {
			if strings.Contains(strings.Join(tt.want, " "), "--"+f.Name) {
				return
			}
		}
		t.Errorf("no case is about --%s", f.Name)
	})
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := run(t, append([]string{"certificates"}, tt.args...)...)
			if code != 1 || out != "" {
				t.Errorf("exit %d, output %q", code, out)
			}
			message, found := strings.CutPrefix(errOut, "netmode-webhook: ")
			if !found {
				t.Errorf("standard error begins with more than the message: %q", errOut)
			}
			for _, want := range tt.want {
				if !strings.Contains(message, want) {
					t.Errorf("message %q, want %q in it", message, want)
				}
			}
		})
	}
}
