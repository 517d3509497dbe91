package chart

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/strvals"
	appsv1 "k8s.io/api/apps/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/cmd/netmode-webhook/app"
	"github.com/netmode-io/netmode/e2e/install"
)

// longest is how much of a default fits into the README's table.
const longest = 80

// The README's table is made of values.yaml and its comments.
func TestReadmeTable(t *testing.T) {
	want := []string{"| value | default | meaning |", "|---|---|---|"}
	for _, v := range values(t) {
		if strings.Contains(v.comment, "\n") || !strings.HasSuffix(v.comment, ".") {
			t.Errorf("%s: the comment is no line of whole sentences: %s", v.path, v.comment)
		}
		shown := "`" + standard(t, v.standard) + "`"
		if len(shown) > longest {
			shown = "[values.yaml](values.yaml)"
		}
		want = append(want, "| `"+v.path+"` | "+shown+" | "+v.comment+" |")
	}
	have := regexp.MustCompile(`(?m)^\|.*\|$`).FindAllString(string(read(t, "README.md")), -1)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-values.yaml +README:\n%s\nput this there:\n%s", diff, strings.Join(want, "\n"))
	}
}

// standard is a default in one line.
func standard(t *testing.T, node *yaml.Node) string {
	t.Helper()
	flow := *node
	flow.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&flow)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// What the READMEs set by --set, the chart takes.
func TestReadmeCommands(t *testing.T) {
	c := load(t)
	set := regexp.MustCompile("--set ([^\\s`]+)")
	for _, path := range []string{folder + "/README.md", "../../README.md", "../../README.zh-CN.md"} {
		text, err := os.ReadFile(path) //nolint:gosec // G304: of this repository
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for line := range strings.Lines(string(text)) {
			matches := set.FindAllStringSubmatch(line, -1)
			if len(matches) == 0 {
				continue
			}
			found += len(matches)
			given := map[string]any{}
			for _, match := range matches {
				if err := strvals.ParseInto(match[1], given); err != nil {
					t.Errorf("%s: %v", match[0], err)
				}
			}
			content, err := sigsyaml.Marshal(given)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Render(c, Release{Values: string(content)}); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if found == 0 {
			t.Errorf("%s sets nothing", path)
		}
	}
}

func TestNotes(t *testing.T) {
	c := load(t)
	const restricted, privileged = "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce=privileged"
	for _, tt := range []struct {
		values    string
		want, not []string
	}{
		{"", []string{"netmode devel is in the namespace nets.", "kubectl -n nets rollout status", "ask for a mode are refused", restricted}, []string{"changes and refuses nothing"}},
		{"observeOnly: true", []string{"It changes and refuses nothing", "kubectl -n nets logs"}, []string{"ask for a mode are refused"}},
		{"hostNetwork: {enabled: true}", []string{privileged}, []string{restricted}},
	} {
		notes := render(t, c, Release{Namespace: "nets", Values: tt.values}).Notes
		for _, text := range tt.want {
			if !strings.Contains(notes, text) {
				t.Errorf("%s: no %q in\n%s", tt.values, text, notes)
			}
		}
		for _, text := range append(tt.not, "\n\n\n", "<no value>") {
			if strings.Contains(notes, text) {
				t.Errorf("%s: %q in\n%s", tt.values, text, notes)
			}
		}
	}
}

// The programs take every flag that some value sets.
func TestFlagsExist(t *testing.T) {
	all := render(t, load(t), Release{Values: "{observeOnly: true, excludedNamespaces: [a], policies: {systemNamespaces: [b]}, clusterDNS: [10.96.0.10], clusterDomain: cluster.local, hostNetwork: {enabled: true}, webhook: {clientCA: '-----BEGIN CERTIFICATE-----', clientName: a, maxReviews: 1}}"})
	checked := 0
	objects, err := install.Decode(all.Objects...)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		d, ok := object.(*appsv1.Deployment)
		if !ok {
			continue
		}
		given := d.Spec.Template.Spec.Containers[0].Args
		var subcommand []string
		if !strings.HasPrefix(given[0], "--") {
			subcommand, given = given[:1], given[1:]
		}
		var help, errOut bytes.Buffer
		if code := app.Main(slices.Concat(subcommand, []string{"--help"}), &help, &errOut); code != 0 {
			t.Fatalf("exit code %d: %s", code, errOut.String())
		}
		for _, arg := range given {
			checked++
			name, _, _ := strings.Cut(arg, "=")
			if !regexp.MustCompile(`(?m)^ +` + name + `[ \[]`).MatchString(help.String()) {
				t.Errorf("%s: no flag %s", d.Name, name)
			}
		}
	}
	if checked < 21 {
		t.Errorf("%d flags", checked)
	}
}
