package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	evanphx "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/plan"
)

// TestExplainJSON reads -o json of every case: it has every rule that the text
// has, positions that lead to the object, and patches that make the golden file.
func TestExplainJSON(t *testing.T) {
	cases := goldenCases(t)
	t.Chdir(goldenFolder)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text, got := netmode(t, c.args("explain")...), netmode(t, c.args("explain", "-o", "json")...)
			if got.code != text.code {
				t.Errorf("exit code %d, and %d with -o text", got.code, text.code)
			}
			var all []explanation
			decoder := json.NewDecoder(strings.NewReader(got.out))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&all); err != nil {
				t.Fatalf("%v in\n%s", err, got.out)
			}
			rules := 0
			for i := range all {
				rules += len(all[i].Rules)
				checkExplanation(t, c, &all[i])
			}
			if lines := ruleLines(text.out); lines != rules {
				t.Errorf("-o json has %d rules, -o text %d", rules, lines)
			}
			checkPatches(t, c, got.code, all)

			asYAML := netmode(t, c.args("explain", "-o", "yaml")...)
			fromYAML, err := yaml.YAMLToJSON([]byte(asYAML.out))
			if err != nil {
				t.Fatal(err)
			}
			var fromJSON, other any
			for data, to := range map[string]*any{got.out: &fromJSON, string(fromYAML): &other} {
				if err := json.Unmarshal([]byte(data), to); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(fromJSON, other); diff != "" || asYAML.code != got.code {
				t.Errorf("exit code %d, -o yaml differs (-json +yaml):\n%s", asYAML.code, diff)
			}
		})
	}
}

func ruleLines(text string) int {
	lines := 0
	for line := range strings.Lines(text) {
		for _, v := range []plan.Verdict{plan.Passed, plan.Changed, plan.Kept, plan.Warned, plan.Audited, plan.Refused} {
			if strings.HasPrefix(line, fmt.Sprintf("  %-7s  ", v)) {
				lines++
			}
		}
	}
	return lines
}

func checkExplanation(t *testing.T, c goldenCase, e *explanation) {
	t.Helper()
	if e.File != c.input || e.Namespace == "" || e.Name == "" || len(e.Rules) == 0 {
		t.Errorf("incomplete: %+v", e)
	}
	// At the line stands the object, or its first member.
	lines := strings.Split(readFile(t, c.input), "\n")
	if e.Line < 1 || e.Line > len(lines) || !strings.Contains(lines[e.Line-1], "apiVersion") && !strings.HasPrefix(lines[e.Line-1], "{") {
		t.Errorf("%s/%s is said to be at line %d", e.Kind, e.Name, e.Line)
	}
	refused, changed := false, false
	for _, r := range e.Rules {
		refused = refused || r.Verdict == plan.Refused
		changed = changed || r.Verdict == plan.Changed
		if r.Verdict != plan.Passed && (r.Reason.Doc().Reason == "" || r.Text == "") {
			t.Errorf("%s/%s: rule without a known reason or a text: %+v", e.Kind, e.Name, r)
		}
	}
	want := "unchanged"
	switch {
	case refused:
		want = "refused"
	case changed, onlyStatus(t, e.Patch):
		want = "patched"
	}
	if e.Decision != want || (e.Decision == "patched") != (len(e.Patch) > 0) {
		t.Errorf("%s/%s: decision %s, want %s; patch %s", e.Kind, e.Name, e.Decision, want, e.Patch)
	}
}

// onlyStatus says whether nothing but the status is written: the pod has a mode
// that changes nothing.
func onlyStatus(t *testing.T, patch []byte) bool {
	t.Helper()
	if len(patch) == 0 {
		return false
	}
	operations, err := evanphx.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	path, err := operations[0].Path()
	return err == nil && len(operations) == 1 && strings.HasSuffix(path, "/metadata/annotations/netmode.io~1status")
}

// checkPatches applies the patches to the input's documents.
func checkPatches(t *testing.T, c goldenCase, code int, all []explanation) {
	t.Helper()
	if code != 0 {
		return
	}
	f, err := manifest.Read(c.input, []byte(readFile(t, c.input)))
	if err != nil {
		t.Fatal(err)
	}
	var values []any
	for _, d := range f.Documents {
		if d.Empty() {
			continue
		}
		raw, end := d.JSON(), d.Line+strings.Count(string(d.Bytes()), "\n")
		for _, e := range all {
			if e.Line < d.Line || e.Line > end || len(e.Patch) == 0 {
				continue
			}
			operations, err := evanphx.DecodePatch(e.Patch)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err = operations.Apply(raw); err != nil {
				t.Fatal(err)
			}
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	if diff := cmp.Diff(documents(t, readFile(t, c.name+".golden.yaml")), values); diff != "" {
		t.Errorf("the patches make something else (-golden +patched):\n%s", diff)
	}
}

func TestExplainNothing(t *testing.T) {
	path := write(t, "config.yaml", "apiVersion: v1\nkind: ConfigMap\n")
	const note = "note: there is no Pod, Service or workload in the manifests\n"
	for output, want := range map[string]result{"text": {err: note}, "json": {out: "[]\n"}, "yaml": {out: "[]\n"}} {
		if got := netmode(t, "explain", "-o", output, "-f", path); got != want {
			t.Errorf("-o %s: got %+v, want %+v", output, got, want)
		}
	}
}

// TestExplainSaysWhichMode: the headline of an object that was not looked at
// does not say that nobody asked.
func TestExplainSaysWhichMode(t *testing.T) {
	for text, want := range map[string]string{
		gatePod:    "Pod/gate <stdin>:1\n  patched, mode hostnetwork from its annotation\n",
		plainPod:   "Pod/plain <stdin>:1\n  unchanged, no mode asked for\n",
		refusedPod: "Pod/typo- <stdin>:1\n  refused\n",
		strings.Replace(gatePod, "name: gate\n", "name: gate\n  namespace: kube-system\n", 1): "Pod/gate <stdin>:1\n  unchanged\n",
	} {
		if got := netmodeWith(t, strings.NewReader(text), "explain", "-f", "-"); !strings.HasPrefix(got.out, want) {
			t.Errorf("got\n%s\nwant at its beginning\n%s", got.out, want)
		}
	}
}
