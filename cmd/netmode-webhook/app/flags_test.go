package app

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netmode-io/netmode/pkg/version"
)

func TestHelpMentionsEveryFlag(t *testing.T) {
	code, out, errOut := run(t, "--help")
	if code != 0 || errOut != "" {
		t.Fatalf("exit %d, %q", code, errOut)
	}
	checkHelp(t, out, newCommand(io.Discard).Flags(), 15)
	for _, want := range []string{"https://LISTEN/mutate", "curl --cacert", "--standalone --listen 127.0.0.1:8443"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the help:\n%s", want, out)
		}
	}
}

// checkHelp: the help tells of every flag, and there are at least as many.
func checkHelp(t *testing.T, help string, flags *pflag.FlagSet, least int) {
	t.Helper()
	found := 0
	flags.VisitAll(func(f *pflag.Flag) {
		found++
		if !strings.Contains(strings.ReplaceAll(help, "[=true|false]", " "), "--"+f.Name+" ") || !strings.Contains(help, f.Usage) {
			t.Errorf("--%s is not in the help:\n%s", f.Name, help)
		}
	})
	if found < least {
		t.Errorf("only %d flags", found)
	}
}

func TestVersion(t *testing.T) {
	if code, out, errOut := run(t, "--version"); code != 0 || out != "netmode-webhook version "+version.Version+"\n" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
}

func TestBadFlags(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	address := taken.Addr().String()
	empty, half, whole := t.TempDir(), t.TempDir(), t.TempDir()
	writeKeyPair(t, whole, issue(t, newAuthority(t)))
	if err := os.WriteFile(filepath.Join(half, "tls.crt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"nothing given", nil, []string{"--cert-dir is missing: name the folder of tls.crt, tls.key and ca.crt, or use --standalone"}},
		{"unknown flag", []string{"--standalon"}, []string{"unknown flag: --standalon"}},
		{"argument", []string{"--standalone", "serve"}, []string{`unknown command "serve"`}},
		{"listen", []string{"--standalone", "--listen=8443"}, []string{`--listen "8443": not HOST:PORT: write for example 127.0.0.1:8443 or :8443`}},
		{"ops-listen", []string{"--standalone", "--ops-listen=localhost"}, []string{`--ops-listen "localhost": not HOST:PORT: write for example`}},
		{"listen, no such port", []string{"--standalone", "--listen=127.0.0.1:99999"}, []string{"listen on 127.0.0.1:99999", "choose another address with --listen"}},
		{"listen, taken", []string{"--standalone", "--listen=" + address}, []string{"listen on " + address + " for AdmissionReviews", "address already in use", "choose another address with --listen"}},
		{"ops-listen, taken", []string{"--standalone", "--listen=127.0.0.1:0", "--ops-listen=" + address}, []string{"listen on " + address + " for health and metrics", "address already in use", "choose another address with --ops-listen"}},
		{"max-body-bytes", []string{"--standalone", "--max-body-bytes=0"}, []string{"--max-body-bytes 0: must be positive"}},
		{"max-body-bytes, no number", []string{"--standalone", "--max-body-bytes=8MB"}, []string{`invalid argument "8MB" for "--max-body-bytes"`}},
		{"max-bytes-in-flight", []string{"--standalone", "--max-bytes-in-flight=33554432"}, []string{"--max-bytes-in-flight 33554432: too little for --max-body-bytes 16777216: give at least 34340864"}},
		{"max-reviews", []string{"--standalone", "--max-reviews=0"}, []string{"--max-reviews 0: must be positive"}},
		{"max-connections", []string{"--standalone", "--max-connections=-1"}, []string{"--max-connections -1: must be positive"}},
		{"client-name without a CA", []string{"--standalone", "--client-name=kube-apiserver"}, []string{`--client-name "kube-apiserver": nothing vouches for names: name the file of the CA with --client-ca-file`}},
		{"client-name, empty", []string{"--standalone", "--client-ca-file=x", "--client-name="}, []string{`--client-name "": is empty: give the common name or a DNS name of the client's certificate`}},
		{"client-ca-file, absent", []string{"--standalone", "--client-ca-file=/nonexistent"}, []string{`--client-ca-file: client CAs "/nonexistent": `, "no such file", "name a file of CA certificates in PEM that can be read"}},
		{"client-ca-file, no PEM", []string{"--standalone", "--client-ca-file=" + filepath.Join(half, "tls.crt")}, []string{"--client-ca-file: client CAs ", "no PEM certificate found: name a file of CA certificates in PEM"}},
		{"shutdown-delay", []string{"--standalone", "--shutdown-delay=-1s"}, []string{"--shutdown-delay -1s", "must not be negative"}},
		{"drain-timeout", []string{"--standalone", "--drain-timeout=-1s"}, []string{"--drain-timeout -1s", "must not be negative"}},
		{"drain-timeout, no duration", []string{"--standalone", "--drain-timeout=10"}, []string{`invalid argument "10" for "--drain-timeout"`, `must be a duration like "30s"`}},
		{"log-level", []string{"--standalone", "--log-level=loud"}, []string{`--log-level "loud": use error, info, debug`}},
		{"log-format", []string{"--standalone", "--log-format=xml"}, []string{`--log-format "xml": use json or console`}},
		{"cluster-dns", []string{"--standalone", "--cluster-dns=x"}, []string{"--cluster-dns", `"x": not an IP address`}},
		{"resolv-conf", []string{"--standalone", "--resolv-conf=/nonexistent"}, []string{"--resolv-conf", "/nonexistent", "name a file that can be read"}},
		{"init-image-pull-policy", []string{"--standalone", "--init-image-pull-policy=Sometimes"}, []string{`--init-image-pull-policy "Sometimes": use Always, IfNotPresent or Never`}},
		{"cert-dir, empty", []string{"--resolv-conf=", "--cert-dir=" + empty}, []string{empty, "tls.crt", "no such file"}},
		{"no cluster", []string{"--resolv-conf=", "--cert-dir=" + whole}, []string{"this is no pod with a ServiceAccount", "name a file with --kubeconfig"}},
		{"manifests beside a cluster", []string{"--cert-dir=" + whole, "--manifests=x,y"}, []string{"--manifests x,y: the cluster itself is asked: use it with --standalone, and without --kubeconfig"}},
		{"manifests, no such file", []string{"--standalone", "--manifests=/nonexistent"}, []string{"--manifests: /nonexistent: cannot be read"}},
		{"kubeconfig", []string{"--standalone", "--kubeconfig=/nonexistent"}, []string{`--kubeconfig "/nonexistent"`, "name a kubeconfig file that can be read"}},
		{"cert-dir, half", []string{"--standalone", "--cert-dir=" + half}, []string{half, "tls.crt without tls.key, ca.crt"}},
		{"three at once", []string{"--listen=x", "--ops-listen=y"}, []string{"--cert-dir is missing", `--listen "x"`, `--ops-listen "y"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			refusal(t, tt.args, tt.want)
		})
	}
}

// refusal runs netmode-webhook, which must end with a message that says all that
// is wanted, and returns what it logged before.
func refusal(t *testing.T, args, want []string) (log string) {
	t.Helper()
	code, out, errOut := run(t, args...)
	if code != 1 || out != "" {
		t.Errorf("exit %d, output %q", code, out)
	}
	log, message, found := strings.Cut(errOut, "netmode-webhook: ")
	if !found {
		t.Fatalf("no message in %q", errOut)
	}
	for _, part := range want {
		if !strings.Contains(message, part) {
			t.Errorf("message %q, want %q in it", message, part)
		}
	}
	return log
}

// What --standalone changes, it changes only where nothing was given.
func TestStandaloneDefaults(t *testing.T) {
	for _, tt := range []struct {
		args                       []string
		resolvConf, ops, wantDelay string
		inCluster                  bool
	}{
		{nil, "/etc/resolv.conf", ":8080", "15s", true},
		{[]string{"--standalone"}, "", "127.0.0.1:0", "0s", false},
		{[]string{"--standalone", "--resolv-conf=/r", "--ops-listen=:1", "--shutdown-delay=2s"}, "/r", ":1", "2s", false},
	} {
		o := newServeOptions()
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.addFlags(flags)
		if err := flags.Parse(tt.args); err != nil {
			t.Fatal(err)
		}
		o.complete(flags)
		if o.decision.ResolvConf != tt.resolvConf || o.opsListen != tt.ops || o.shutdownDelay.String() != tt.wantDelay || o.decision.InCluster != tt.inCluster {
			t.Errorf("%q: %+v, decision %+v", tt.args, o, o.decision)
		}
	}
}
