package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/manifest"
)

const (
	gatePod = `apiVersion: v1
kind: Pod
metadata:
  name: gate
  annotations:
    netmode.io/mode: hostnetwork
spec:
  containers:
  - name: gate
    image: registry.example.com/gate:1
    ports: [{containerPort: 8086}]
`
	gateStatus  = "    netmode.io/status: '{\"mode\":\"hostnetwork\",\"source\":\"annotation\",\"reasons\":[\"HostNetworkSet\",\"DNSPolicySet\",\"NodeHostname\"]}'\n"
	gateSpec    = "  hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet\n"
	gateWarning = ":1: warning: Pod/gate: spec.hostNetwork: hostname(1) in the pod is the node's name (NodeHostname)\n"
	refusedPod  = `apiVersion: v1
kind: Pod
metadata:
  generateName: typo-
  annotations: {netmode.io/mode: hostnet}
spec: {}
`
	plainPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: plain}\n"
)

var refusedMessage = `refused: Pod/typo-: metadata.annotations[netmode.io/mode]: Unsupported value: "hostnet": ` + apitest.SupportedModes() + " (AnnotationInvalid)\n"

func renderedGate() string {
	return strings.Replace(gatePod, "spec:\n", gateStatus+"spec:\n", 1) + gateSpec
}

func TestRenderDiff(t *testing.T) {
	path := write(t, "gate.yaml", gatePod+"---\n"+refusedPod+"---\n"+plainPod+"# no newline behind this")
	got := netmode(t, "render", "-f", path, "-o", "diff")
	want := "--- " + path + "\n+++ " + path + ` (rendered)
@@ -4,11 +4,14 @@
   name: gate
   annotations:
     netmode.io/mode: hostnetwork
+` + gateStatus + ` spec:
   containers:
   - name: gate
     image: registry.example.com/gate:1
     ports: [{containerPort: 8086}]
+  hostNetwork: true
+  dnsPolicy: ClusterFirstWithHostNet
 ---
 apiVersion: v1
 kind: Pod
`
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("diff differs (-want +got):\n%s", diff)
	}
	wantErr := path + gateWarning + path + ":13: " + refusedMessage + "1 object refused; the cluster would not create what they ask for\n"
	if diff := cmp.Diff(wantErr, got.err); diff != "" {
		t.Errorf("standard error differs (-want +got):\n%s", diff)
	}
	if got.code != 1 {
		t.Errorf("exit code %d", got.code)
	}
}

func TestRenderDiffOfLastLine(t *testing.T) {
	path := write(t, "gate.yaml", strings.TrimSuffix(gatePod, "\n"))
	got := netmode(t, "render", "-f", path, "-o", "diff")
	const want = `   - name: gate
     image: registry.example.com/gate:1
-    ports: [{containerPort: 8086}]
\ No newline at end of file
+    ports: [{containerPort: 8086}]
+  hostNetwork: true
+  dnsPolicy: ClusterFirstWithHostNet
\ No newline at end of file
`
	if !strings.HasSuffix(got.out, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", got.out, want)
	}
}

// TestRenderDiffColors: a line that only looks like the header of a file is
// coloured as what it is.
func TestRenderDiffColors(t *testing.T) {
	var out bytes.Buffer
	if err := writeDiff(&Streams{Out: &out, Color: "always"}, "a", "b", "x\n-- old\n", "x\n++ new\n"); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[0m\n x\n\x1b[31m--- old\x1b[0m\n\x1b[32m+++ new\x1b[0m\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderNothingToChange(t *testing.T) {
	text := "# odd,   but mine\r\n" + plainPod + "---\n# nothing\n---\n{\"apiVersion\": \"v1\",   \"kind\": \"ConfigMap\"}"
	path := write(t, "plain.yaml", text)
	for output, want := range map[string]string{
		"yaml": text,
		"diff": "",
		"json": "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Pod\",\n  \"metadata\": {\n    \"name\": \"plain\"\n  }\n}\n{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\"\n}\n",
	} {
		if diff := cmp.Diff(result{0, want, ""}, netmode(t, "render", "-f", path, "-o", output), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("-o %s (-want +got):\n%s", output, diff)
		}
	}
}

// TestRenderJSON compares -o json with the YAML of the golden files.
func TestRenderJSON(t *testing.T) {
	cases := goldenCases(t)
	t.Chdir(goldenFolder)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := netmode(t, c.args("render", "-o", "json")...)
			var values []any
			for decoder := json.NewDecoder(strings.NewReader(got.out)); ; {
				var v any
				err := decoder.Decode(&v)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, v)
			}
			if diff := cmp.Diff(documents(t, readFile(t, c.name+".golden.yaml")), values); diff != "" {
				t.Errorf("-o json differs from -o yaml (-yaml +json):\n%s", diff)
			}
		})
	}
}

// documents reads a stream; what is empty is left out.
func documents(t *testing.T, text string) []any {
	t.Helper()
	f, err := manifest.Read("stream", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var values []any
	for _, d := range f.Documents {
		if d.Empty() {
			continue
		}
		var v any
		if err := yaml.Unmarshal(d.JSON(), &v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// TestUntouchedDocuments: in a stream, what no rule touched stays byte for byte.
func TestUntouchedDocuments(t *testing.T) {
	cases := goldenCases(t)
	t.Chdir(goldenFolder)
	untouched := 0
	for _, c := range cases {
		input, err := manifest.Read(c.input, []byte(readFile(t, c.input)))
		if err != nil {
			t.Fatal(err)
		}
		golden, err := manifest.Read(c.input, []byte(readFile(t, c.name+".golden.yaml")))
		if err != nil {
			t.Fatal(err)
		}
		if len(golden.Documents) != len(input.Documents) {
			if text := golden.Bytes(); len(text) > 0 {
				t.Errorf("%s: %d documents became %d", c.name, len(input.Documents), len(golden.Documents))
			}
			continue
		}
		for i, d := range input.Documents {
			written := append(bytes.Clone(d.Bytes()), golden.Documents[i].Bytes()...)
			if bytes.Contains(written, []byte("netmode.io/status")) || bytes.Contains(written, []byte("netmode.io/copied")) {
				continue
			}
			untouched++
			if diff := cmp.Diff(string(d.Bytes()), string(golden.Documents[i].Bytes())); diff != "" {
				t.Errorf("%s: document %d differs (-input +golden):\n%s", c.name, i, diff)
			}
		}
	}
	if untouched < 20 {
		t.Errorf("only %d untouched documents", untouched)
	}
}

func TestRenderSeveralFiles(t *testing.T) {
	bare := strings.TrimSuffix(plainPod, "\n")
	tests := map[string]struct {
		files []string
		want  string
		pods  int
	}{
		"a line between":          {[]string{plainPod, plainPod}, plainPod + "---\n" + plainPod, 2},
		"no newline at the end":   {[]string{bare, bare}, plainPod + "---\n" + bare, 2},
		"its own line":            {[]string{plainPod, "---\n" + plainPod}, plainPod + "---\n" + plainPod, 2},
		"its own without newline": {[]string{bare, "---\n" + bare}, plainPod + "---\n" + bare, 2},
		"its own and a comment":   {[]string{bare, "# c\n\n--- # d\n" + bare}, plainPod + "# c\n\n--- # d\n" + bare, 2},
		"a directive":             {[]string{plainPod, "%YAML 1.1\n---\n" + plainPod}, plainPod + "...\n%YAML 1.1\n---\n" + plainPod, 2},
		"byte order mark":         {[]string{plainPod, "\ufeff---\n" + plainPod}, plainPod + "---\n" + plainPod, 2},
		"comments first":          {[]string{"# only a comment", plainPod}, "# only a comment\n---\n" + plainPod, 1},
		"comments last":           {[]string{plainPod, "# only a comment\n"}, plainPod + "---\n# only a comment\n", 1},
		"an empty one":            {[]string{plainPod, "", plainPod}, plainPod + "---\n---\n" + plainPod, 2},
		"JSON":                    {[]string{plainPod, `{"apiVersion":"v1","kind":"Pod"}`, plainPod}, plainPod + "---\n" + `{"apiVersion":"v1","kind":"Pod"}` + "\n---\n" + plainPod, 3},
		"a changed one":           {[]string{gatePod, plainPod}, renderedGate() + "---\n" + plainPod, 2},
		"CRLF":                    {[]string{"a: b\r\napiVersion: v1\r\nkind: Pod\r\n", plainPod}, "a: b\r\napiVersion: v1\r\nkind: Pod\r\n---\n" + plainPod, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for i, text := range tt.files {
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.yaml", i)), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := netmode(t, "render", "-f", folder)
			if diff := cmp.Diff(tt.want, got.out); diff != "" {
				t.Errorf("stream differs (-want +got):\n%s", diff)
			}
			// What kubectl is given holds the objects of every file.
			if n := len(documents(t, got.out)); n != tt.pods {
				t.Errorf("the stream holds %d objects, want %d", n, tt.pods)
			}
		})
	}
}

func TestRenderStandardInput(t *testing.T) {
	got := netmodeWith(t, strings.NewReader(gatePod), "render", "-f", "-")
	want := result{0, renderedGate(), manifest.Stdin + gateWarning}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderFolders(t *testing.T) {
	folder := t.TempDir()
	below := filepath.Join(folder, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.yaml": plainPod, "below/b.yml": gatePod, "c.txt": "no manifest"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := netmode(t, "render", "-f", folder); got.out != plainPod {
		t.Errorf("without -R:\n%s", got.out)
	}
	if got := netmode(t, "render", "-R", "-f", folder); got.out != plainPod+"---\n"+renderedGate() {
		t.Errorf("with -R:\n%s", got.out)
	}
}

// TestNamespaces: objects without a namespace take --namespace.
func TestNamespaces(t *testing.T) {
	text := strings.Replace(gatePod, "hostnetwork\n", "statefulset-headless\n    netmode.io/service: peers\n", 1)
	for args, want := range map[string]string{"": "peers.default.svc.cluster.local", "-n=storm": "peers.storm.svc.cluster.local"} {
		got := netmodeWith(t, strings.NewReader(text), append([]string{"render", "-f", "-"}, strings.Fields(args)...)...)
		if !strings.Contains(got.out, "- "+want+"\n") {
			t.Errorf("%q: want %s in\n%s", args, want, got.out)
		}
	}
	if got := netmodeWith(t, strings.NewReader(gatePod), "render", "-f", "-", "-n", "kube-system"); got.out != gatePod {
		t.Errorf("kube-system was touched:\n%s", got.out)
	}
}

// TestServiceTwice: a Service that is in two inputs is one Service.
func TestServiceTwice(t *testing.T) {
	service := write(t, "peers.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: peers}\nspec: {clusterIP: None, selector: {app: peer}}\n")
	pod := write(t, "peer.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: peer-0, labels: {app: peer}, annotations: {netmode.io/mode: statefulset-headless}}\nspec: {}\n")
	got := netmode(t, "explain", "-f", service, "-f", pod, "-f", service)
	if want := "peers governs the pod: it is the only headless Service that selects it"; got.code != 0 || !strings.Contains(got.out, want) {
		t.Errorf("want %q in\n%s%s", want, got.out, got.err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestOutputLost: a result that could not be written is a failure.
func TestOutputLost(t *testing.T) {
	path := write(t, "gate.yaml", gatePod)
	for _, args := range []string{"render -o yaml", "render -o json", "render -o diff", "explain -o text", "explain -o json", "explain -o yaml"} {
		var errOut bytes.Buffer
		code := Main(append([]string{"netmode"}, strings.Fields(args+" -f "+path)...), Streams{Out: fullDisk{}, Err: &errOut})
		if code != 1 || !strings.Contains(errOut.String(), "error: writing the ") || !strings.HasSuffix(errOut.String(), ": no space left on device\n") {
			t.Errorf("%s: exit code %d, %s", args, code, errOut.String())
		}
	}
}
