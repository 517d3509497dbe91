package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const examples = "../../deploy/examples"

// demo runs the demo with the program as its webhook. Nothing may stay behind:
// no temporary folder, and nobody who listens.
func demo(t *testing.T, program string, args ...string) result {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(envProgram, program)
	got := netmode(t, append([]string{"demo", "--webhook", ownBinary(t)}, args...)...)
	wantNothingLeft(t, got.out)
	return got
}

var servesAt = regexp.MustCompile(`serves at https://(.*),`)

func wantNothingLeft(t *testing.T, out string) {
	t.Helper()
	entries, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
	address := servesAt.FindStringSubmatch(out)
	if address == nil {
		return
	}
	var d net.Dialer
	if conn, err := d.DialContext(context.Background(), "tcp", address[1]); err == nil {
		_ = conn.Close()
		t.Errorf("somebody still listens at %s", address[1])
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestDemo(t *testing.T) {
	got := demo(t, "netmode-webhook", "-f", examples)
	if got.code != 0 || got.err != "" {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if !strings.HasPrefix(got.out, "netmode-webhook serves at https://127.0.0.1:") {
		t.Errorf("it begins\n%s", got.out[:80])
	}
	var all []explanation
	if err := json.Unmarshal([]byte(netmode(t, "explain", "-o", "json", "-f", examples).out), &all); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, e := range all {
		what := e.Kind + "/" + e.Name
		if e.Kind != "Pod" && e.Kind != "Service" {
			what += ", first pod"
		}
		if e.Decision == "patched" {
			changed++
		}
		if headline := what + "  " + e.File + ":"; !strings.Contains(got.out, "\n"+headline) {
			t.Errorf("%s is not shown", headline)
		}
	}
	summary := regexp.MustCompile(fmt.Sprintf(`^%d objects sent in [0-9.]+m?s: %d changed, %d left alone, 0 refused$`, len(all), changed, len(all)-changed))
	if !summary.MatchString(lastLine(got.out)) || changed == 0 {
		t.Errorf("the last line is %q, want %s", lastLine(got.out), summary)
	}
	for _, line := range []string{
		"+    - kafka-peers.default.svc.cluster.local", "+    - 10.96.0.10", "+  hostNetwork: true", "-  dnsPolicy: ClusterFirst",
		"  HostnameSet  The pod's hostname is the name that others know it by.", "left alone",
		"  Warning: netmode: spec.hostNetwork: hostname(1) in the pod is the node's name (NodeHostname)",
	} {
		if !strings.Contains(got.out, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
}

func TestDemoShowsRefusals(t *testing.T) {
	path := write(t, "x.yaml", refusedPod+"---\n"+gatePod+"---\n"+plainPod+"---\napiVersion: v1\nkind: ConfigMap\n")
	got := demo(t, "netmode-webhook", "-f", path)
	if got.code != 0 || got.err != "" {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	for _, want := range []string{
		"\nPod/typo-  " + path + ":1\nrefused: metadata.annotations[netmode.io/mode]: Unsupported value: \"hostnet\": ",
		"\nPod/gate  " + path + ":8\n@@ ",
		"\nPod/plain  " + path + ":20\nleft alone\n",
		"\n3 objects sent in ",
	} {
		if !strings.Contains(got.out, want) {
			t.Errorf("want %q in\n%s", want, got.out)
		}
	}
	if want := ": 1 changed, 1 left alone, 1 refused"; !strings.HasSuffix(lastLine(got.out), want) {
		t.Errorf("the last line is %q", lastLine(got.out))
	}
}

func TestDemoOfNothing(t *testing.T) {
	got := demo(t, "netmode-webhook", "-f", write(t, "x.yaml", "# nothing\n"))
	if got.code != 0 || !strings.HasPrefix(lastLine(got.out), "0 objects sent in ") {
		t.Errorf("%+v", got)
	}
}

// TestDemoPassesItsFlagsOn: the webhook decides as the flags of the demo say.
func TestDemoPassesItsFlagsOn(t *testing.T) {
	pod := write(t, "pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: peer-0\n  namespace: storm\n  annotations:\n"+
		"    netmode.io/mode: statefulset-headless\n    netmode.io/service: peers\n    netmode.io/search-rewrite: STRATEGY\nspec: {containers: [{name: c}]}\n")
	resolvConf, err := filepath.Abs("testdata/node.resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ strategy, flags, want string }{
		"defaults":        {"prepend", "", "+    - 10.96.0.10\n"},
		"domain":          {"prepend", "--cluster-domain=k8s.example.com", "+    - peers.storm.svc.k8s.example.com\n"},
		"nameserver":      {"prepend", "--cluster-dns=192.0.2.53,192.0.2.54 --cluster-domain=x.example.com", "+    - 192.0.2.53\n+    - 192.0.2.54\n"},
		"resolv.conf":     {"prepend", "--resolv-conf=" + resolvConf, "+    - corp.example.com\n"},
		"image":           {"init-container", "--init-image=registry.example.com/n:1 --init-image-pull-policy=Always", "+    image: registry.example.com/n:1\n+    imagePullPolicy: Always\n"},
		"pull secrets":    {"init-container", "--init-image-pull-secret=a,b", "+  imagePullSecrets:\n+  - name: a\n+  - name: b\n"},
		"own namespace":   {"append", "--own-namespace=storm", "left alone\n"},
		"none of a pod's": {"prepend", "--resolv-conf=" + write(t, "resolv.conf", "nameserver 192.0.2.1\n"), "the cluster's DNS is not known to netmode"},
	}
	text := readFile(t, pod)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, "pod.yaml", strings.Replace(text, "STRATEGY", tt.strategy, 1))
			got := demo(t, "netmode-webhook", append(strings.Fields(tt.flags), "-f", path)...)
			if got.code != 0 || !strings.Contains(got.out, tt.want) {
				t.Errorf("exit code %d, %s\nwant %q in\n%s", got.code, got.err, tt.want, got.out)
			}
		})
	}
}

// stopAt calls stop once it is given a text.
type stopAt struct {
	bytes.Buffer
	text string
	stop context.CancelFunc
}

func (s *stopAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// TestDemoInterrupted stops the demo midway, as Ctrl-C does.
func TestDemoInterrupted(t *testing.T) {
	for _, text := range []string{"serves at", "Service/kafka-peers"} {
		t.Run(text, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			t.Setenv(envProgram, "netmode-webhook")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out := &stopAt{text: text, stop: stop}
			cmd := newRoot("netmode", &Streams{Out: out, Err: io.Discard})
			cmd.SetArgs([]string{"demo", "--webhook", ownBinary(t), "-f", examples})
			err := cmd.ExecuteContext(ctx)
			if err == nil || !strings.HasSuffix(err.Error(), ": context canceled") || strings.Contains(err.Error(), "cleanly") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(out.String(), "objects sent") {
				t.Errorf("it went on:\n%s", out.String())
			}
			wantNothingLeft(t, out.String())
		})
	}
}

// TestDemoInterruptedAtStart stops the demo while its webhook starts.
func TestDemoInterruptedAtStart(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(envProgram, "never-serving")
	t.Setenv(envTell, listener.Addr().String())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cmd := newRoot("netmode", &Streams{Out: io.Discard, Err: io.Discard})
	cmd.SetArgs([]string{"demo", "--webhook", ownBinary(t), "-f", examples})
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "did not start: context canceled") {
		t.Errorf("got %v", err)
	}
	// The process is gone: its end of the connection is closed.
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the webhook still runs")
	}
	wantNothingLeft(t, "")
}

func TestDemoWebhookDoesNotStart(t *testing.T) {
	path := write(t, "gate.yaml", gatePod)
	cure := ": name a netmode-webhook of version devel with --webhook; this one said: "
	for program, want := range map[string]string{
		"silent":      " did not start: it ended before it served" + cure + "nothing\n",
		"complaining": " did not start: exit status 3" + cure + "I am no webhook\nand take no --standalone\n",
	} {
		if got := demo(t, program, "-f", path); got.code != 1 || got.out != "" || got.err != "error: "+ownBinary(t)+want {
			t.Errorf("%s: got %+v\nwant %s", program, got, want)
		}
	}

	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	got := netmode(t, "demo", "--webhook", ownBinary(t), "-f", path)
	if got.code != 1 || !strings.HasSuffix(got.err, "no such file or directory: set TMPDIR to a folder that can be written\n") {
		t.Errorf("without a folder for temporary files: %+v", got)
	}
}

// TestDemoFindsTheWebhook: beside the program, or else in PATH.
func TestDemoFindsTheWebhook(t *testing.T) {
	folder, path := t.TempDir(), t.TempDir()
	program := filepath.Join(folder, "netmode")
	data, err := os.ReadFile(ownBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	manifests := write(t, "gate.yaml", gatePod)
	run := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), program, "demo", "-f", manifests)
		cmd.Env = append(cmd.Environ(), "PATH="+path)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	want := `error: starting netmode-webhook: exec: "netmode-webhook": executable file not found in $PATH: name netmode-webhook with --webhook` + "\n"
	if out, err := run(); err == nil || out != want {
		t.Errorf("with no webhook: %v, %s", err, out)
	}
	for _, place := range []string{path, folder} {
		webhook := filepath.Join(place, "netmode-webhook")
		if err := os.Symlink(program, webhook); err != nil {
			t.Fatal(err)
		}
		if out, err := run(); err != nil || !strings.HasSuffix(lastLine(out), ": 1 changed, 0 left alone, 0 refused") {
			t.Errorf("with %s: %v, %s", webhook, err, out)
		}
		if err := os.Remove(webhook); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDemoOfPolicies: the real webhook refuses what a policy forbids, and gives
// the default of another.
func TestDemoOfPolicies(t *testing.T) {
	for _, args := range [][]string{
		{"-f", examples + "/policies"},
		{"-f", examples + "/policies/pods.yaml", "--policy", examples + "/policies/policies.yaml"},
	} {
		got := demo(t, "netmode-webhook", args...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%q: exit code %d: %s", args, got.code, got.err)
		}
		for _, want := range []string{
			"refused: metadata.annotations[netmode.io/mode]: Invalid value: \"hostnetwork\": policy web allows headless or statefulset-headless",
			`"source":"policy","policy":"storm","service":"workers"`,
			"  PolicyDefault  The pod asks for no mode and takes the one that a NetworkModePolicy gives.\n",
			"3 changed, 0 left alone, 1 refused",
		} {
			if !strings.Contains(got.out, want) {
				t.Errorf("%q: no %q in\n%s", args, want, got.out)
			}
		}
	}
	// A namespace that no manifest tells of has the labels of the flag.
	pod := write(t, "pod.yaml", strings.Replace(plainPod, "{name: plain}", "{name: plain, namespace: other}", 1))
	policy := write(t, "policy.yaml", hostOnly)
	got := demo(t, "netmode-webhook", "-f", pod, "--policy", policy, "--namespace-labels", "team=batch,netmode.io/policy=enabled")
	if !strings.Contains(got.out, `"source":"policy","policy":"host-only"`) {
		t.Errorf("no default in\n%s%s", got.out, got.err)
	}
	// Without the label for it, the policy gives nothing.
	got = demo(t, "netmode-webhook", "-f", pod, "--policy", policy, "--namespace-labels", "team=batch")
	for _, want := range []string{
		"\nPod/plain  " + pod + ":1\nleft alone\n  PolicyNamespaceUnlabelled  A NetworkModePolicy selects the namespace, and gives its pods no mode: ",
		": 0 changed, 1 left alone, 0 refused\n",
	} {
		if got.code != 0 || !strings.Contains(got.out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", got.code, want, got.out, got.err)
		}
	}
}

// TestDemoOfAudit: only the demo's reader is told what an Audit policy finds, also
// where there is nothing else to tell.
func TestDemoOfAudit(t *testing.T) {
	pods := write(t, "pods.yaml", plainPod+"spec: {hostNetwork: true}\n---\n"+gatePod+"---\n"+`apiVersion: policy.netmode.io/v1alpha1
kind: NetworkModePolicy
metadata: {name: watch}
spec:
  namespaceSelector: {}
  enforcement: Audit
  requireMode: true
  hostNetwork: {allowUnmanaged: false, portRange: {min: 20000, max: 29999}}
`)
	got := demo(t, "netmode-webhook", "-f", pods, "--namespace-labels", "netmode.io/policy=enabled")
	for _, want := range []string{
		"\nPod/plain  " + pods + ":1\nleft alone\n" +
			"  PolicyModeRequired  A NetworkModePolicy of the namespace requires a mode.\n" +
			"  PolicyHostNetworkUnmanaged  A NetworkModePolicy of the namespace does not allow the host network to pods without mode hostnetwork.\n",
		"  PolicyPortOutOfRange  A NetworkModePolicy of the namespace allows only some ports of a node.\n",
		": 1 changed, 1 left alone, 0 refused\n",
	} {
		if got.code != 0 || got.err != "" || !strings.Contains(got.out, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", got.code, want, got.out, got.err)
		}
	}
}
