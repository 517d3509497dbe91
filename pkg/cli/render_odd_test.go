package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const deletePatch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n$patch: delete\n"

// A folder that holds patches of kustomize, and files that are no objects at all:
// the objects are rendered, the others come out as they are.
func TestFolderWithPatchesIsRendered(t *testing.T) {
	text := deletePatch + "---\n" + gatePod + "---\n- op: remove\n  path: /spec\n---\nresources: [web.yaml]\n---\nname: x\nkind: chart\n"
	path := write(t, "all.yaml", text)
	got := netmode(t, "render", "-f", path)
	if diff := cmp.Diff(strings.Replace(text, gatePod, renderedGate(), 1), got.out); diff != "" || got.code != 0 {
		t.Errorf("exit code %d (-want +got):\n%s", got.code, diff)
	}
	for _, want := range []string{
		":1: note: left as it is: a patch ($patch), not an object\n",
		":18: note: left as it is: the document is a list, not an object\n",
		":21: note: left as it is: apiVersion and kind: missing\n",
		":23: note: left as it is: apiVersion: missing\n",
	} {
		if !strings.Contains(got.err, path+want) {
			t.Errorf("want %q in\n%s", want, got.err)
		}
	}
}

// A patch of kustomize that only names a Deployment and its replicas.
func TestPatchWithoutTemplateIsLeft(t *testing.T) {
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"
	path := write(t, "replicas.yaml", text)
	const cause = "spec.template: Required value: a Deployment has one\n"
	want := result{0, text, path + ":1: note: left as it is: Deployment/web has no pod template, as a patch: " + cause}
	if diff := cmp.Diff(want, netmode(t, "render", "-f", path), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = result{1, "", "error: " + path + ":1: Deployment/web: " + cause}
	if diff := cmp.Diff(want, netmode(t, "render", "--strict", "-f", path), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// With --strict the same documents are refused, each by its line and cure.
func TestStrictRefusesWhatIsNoObject(t *testing.T) {
	for text, want := range map[string]string{
		deletePatch:   ":1: a patch ($patch), not an object; let kustomize apply it: kustomize build . | netmode render -f -\n",
		"- a\n":       ":1: the document is a list, not an object; a manifest has apiVersion, kind and metadata at its top level\n",
		"kind: Pod\n": ":1: apiVersion: missing; a Kubernetes object has both apiVersion and kind\n",
	} {
		path := write(t, "odd.yaml", text)
		if diff := cmp.Diff(result{1, "", "error: " + path + want}, netmode(t, "render", "--strict", "-f", path), cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// kubectl get pods -o json without kinds in its items, as client-go writes them.
func TestItemsOfAPodListArePods(t *testing.T) {
	path := write(t, "pods.json", `{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a","annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[]}}]}`)
	if got := netmode(t, "render", "-f", path); got.code != 0 || !strings.Contains(got.out, `"hostNetwork":true`) || strings.Contains(got.out, `"kind":"Pod"`) {
		t.Errorf("exit code %d, %s\n%s", got.code, got.err, got.out)
	}
}

// A chart that was not rendered is called what it is, and the cure works on what
// helm makes of it.
func TestTemplateOfHelmIsNamed(t *testing.T) {
	path := write(t, "web.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  {{- with .Values.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n")
	want := result{1, "", "error: " + path + ":5: a Helm (or Go) template, not YAML yet; render it first: helm template CHART | netmode render -f -\n"}
	if diff := cmp.Diff(want, netmode(t, "render", "-f", path), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := netmodeWith(t, strings.NewReader("---\n# Source: web.yaml\n"+gatePod), "render", "-f", "-"); got.code != 0 {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}
