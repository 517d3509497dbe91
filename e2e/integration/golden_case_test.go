package integration

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/manifest"
)

// goldenCase is one of the command line's golden inputs.
type goldenCase struct {
	name  string
	files []string
	flags []string
	// suffix makes the case's namespaces its own.
	suffix string
}

// goldenCases lists the folder: for each <case>.input.yaml the flags are those of <case>.flags,
// one a line, or usual. The examples of deploy/ are two more.
func goldenCases(t *testing.T, usual []string) []goldenCase {
	t.Helper()
	inputs, err := filepath.Glob(filepath.Join(goldenFolder(), "*.input.yaml"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs in %s: %v", goldenFolder(), err)
	}
	examples := filepath.Join(repository, "deploy", "examples")
	cases := []goldenCase{
		{name: "examples", files: []string{examples}, flags: usual, suffix: suffix()},
		{name: "examples-policies", files: []string{filepath.Join(examples, "policies")}, flags: usual, suffix: suffix()},
	}
	for _, input := range inputs {
		c := goldenCase{files: []string{input}, flags: usual, suffix: suffix()}
		c.name = strings.TrimSuffix(filepath.Base(input), ".input.yaml")
		text, err := os.ReadFile(filepath.Join(goldenFolder(), c.name+".flags"))
		switch {
		case err == nil:
			c.flags = ofWebhook(t, strings.Fields(string(text)))
		case !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

func suffix() string { return "-" + rand.String(5) }

// ofWebhook turns the command line's flags into a webhook's: it reads the resolv.conf of its own
// pod, so the namespace there is netmode's.
func ofWebhook(t *testing.T, args []string) []string {
	t.Helper()
	for i, flag := range args {
		file, ok := strings.CutPrefix(flag, "--resolv-conf=")
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(goldenFolder(), file)) //nolint:gosec // named by a golden case
		if err != nil {
			t.Fatal(err)
		}
		_, domains, ok := bytes.Cut(text, []byte(".svc."))
		if !ok {
			t.Fatalf("%s is not of a pod:\n%s", file, text)
		}
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(path, append([]byte("search "+system+".svc."), domains...), 0o600); err != nil { //nolint:gosec // a temporary folder
			t.Fatal(err)
		}
		args[i] = "--resolv-conf=" + path
	}
	return args
}

// settings are what a webhook with these flags decides by.
func (c *goldenCase) settings(t *testing.T) *engine.Settings {
	t.Helper()
	decision := flags.NewDecision("")
	decision.InCluster = true
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	decision.AddFlags(set)
	if err := set.Parse(c.flags); err != nil {
		t.Fatal(err)
	}
	settings, _, err := decision.Settings()
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// objects reads the case's objects, moved to its namespaces, which the names of domains follow.
func (c *goldenCase) objects(t *testing.T) []manifest.Object {
	t.Helper()
	files, err := manifest.Open(t.Context(), c.files, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	var all []manifest.Object
	for o, err := range manifest.Objects(files...) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *o)
	}
	for i := range all {
		switch all[i].Kind {
		case "Namespace":
			all[i].Name = c.moved(all[i].Name)
			continue
		case api.PolicyKind:
			all[i].Name += c.suffix
			continue
		}
		if all[i].Namespace == "" {
			all[i].Namespace = "default"
		}
		from := all[i].Namespace
		all[i].Namespace = c.moved(from)
		for _, before := range []string{".", `"`} {
			all[i].JSON = bytes.ReplaceAll(all[i].JSON, []byte(before+from+".svc."), []byte(before+all[i].Namespace+".svc."))
		}
	}
	return all
}

// moved is the case's own namespace in the place of the manifests' one. Those that netmode never
// touches stay what they are.
func (c *goldenCase) moved(namespace string) string {
	if isExempt(namespace) {
		return namespace
	}
	return namespace + c.suffix
}

func isExempt(namespace string) bool { return namespace == "kube-system" || namespace == system }

// label tells the case's namespaces from others.
func (c *goldenCase) label() string { return strings.TrimPrefix(c.suffix, "-") }

// bare is a namespace like that one, but for policies: there are none.
func bare(namespace string) string {
	if isExempt(namespace) {
		return namespace
	}
	return namespace + "-bare"
}
