package offline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/manifest"
)

func read(t *testing.T, text string) []*manifest.File {
	t.Helper()
	file, err := manifest.Read("around.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return []*manifest.File{file}
}

const around = `apiVersion: v1
kind: Service
metadata: {name: a}
spec: {clusterIP: None, selector: {x: z}}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {later: one}}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: other}
---
apiVersion: v1
kind: Namespace
metadata: {name: other, labels: {team: web}, annotations: {linkerd.io/inject: enabled}}
---
apiVersion: policy.netmode.io/v1alpha1
kind: NetworkModePolicy
metadata: {name: web}
spec: {namespaceSelector: {matchLabels: {team: web}}, defaultMode: headless}
---
apiVersion: policy.netmode.io/v1alpha1
kind: NetworkModePolicy
metadata: {name: web}
spec: {namespaceSelector: {matchLabels: {team: web}}, defaultMode: hostnetwork}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: not-looked-at}
`

// Of two documents of one name the later counts, as for kubectl apply.
func TestAddFiles(t *testing.T) {
	m := New(nil)
	if err := m.AddFiles(read(t, around), "home"); err != nil {
		t.Fatal(err)
	}
	services, known := m.Services("home")
	if !known || len(services) != 1 || services[0].Spec.Selector["later"] != "one" {
		t.Errorf("Services %+v, known %t", services, known)
	}
	if _, known := m.Services("web"); known {
		t.Error("a namespace without Services is known")
	}
	if ns, known := m.Namespace("other"); !known || ns.Labels["team"] != "web" || ns.Annotations["linkerd.io/inject"] != "enabled" {
		t.Errorf("Namespace %+v, known %t", ns, known)
	}
	if _, known := m.Namespace("home"); known {
		t.Error("a namespace that no manifest tells of is known")
	}
	if mode, by := m.Policies("other").Default(); by == nil || mode != "hostnetwork" {
		t.Errorf("default %q by %v", mode, by)
	}
	if n := len(m.Policies("home").Policies()); n != 0 {
		t.Errorf("%d policies for a namespace without labels", n)
	}
}

// The pods of DaemonSets have the annotations of both; of two of one name the later counts.
func TestDaemonSets(t *testing.T) {
	daemonSet := func(name, spec string) string {
		return "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: " + name + ", annotations: {netmode.io/hostname: node}}\nspec: " + spec + "\n"
	}
	m := New(nil)
	text := daemonSet("a", "{template: {spec: {hostname: first}}}") + daemonSet("b", "{}") + daemonSet("c", "{template: {spec: []}}") +
		daemonSet("a", "{template: {metadata: {annotations: {netmode.io/mode: hostnetwork}}}}")
	if err := m.AddFiles(read(t, text), "home"); err != nil {
		t.Fatal(err)
	}
	pods := m.DaemonSets("home")
	if len(pods) != 1 || pods[0].Spec.Hostname != "" || pods[0].Metadata.Annotations["netmode.io/hostname"] != "node" || pods[0].Metadata.Annotations["netmode.io/mode"] != "hostnetwork" {
		t.Errorf("%+v", pods)
	}
	if pods := m.DaemonSets("other"); len(pods) > 0 {
		t.Errorf("%+v", pods)
	}
}

func TestAssumedLabels(t *testing.T) {
	m := New(map[string]string{"team": "web"})
	if err := m.AddFiles(read(t, around), "home"); err != nil {
		t.Fatal(err)
	}
	if ns, known := m.Namespace("home"); !known || ns.Labels["team"] != "web" {
		t.Errorf("Namespace %+v, known %t", ns, known)
	}
	if n := len(m.Policies("home").Policies()); n != 1 {
		t.Errorf("%d policies, want 1", n)
	}
}

// Every Namespace has its name for a label, whatever a manifest says.
func TestNameLabel(t *testing.T) {
	policy := func(name, selector string) string {
		return "---\napiVersion: policy.netmode.io/v1alpha1\nkind: NetworkModePolicy\nmetadata: {name: " + name + "}\nspec: {namespaceSelector: " + selector + ", requireMode: true}\n"
	}
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: storm, labels: {kubernetes.io/metadata.name: web, team: storm}}\n" +
		policy("equals", "{matchLabels: {kubernetes.io/metadata.name: storm}}") +
		policy("in", "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [storm, home]}]}") +
		policy("not-in", "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [storm]}]}")
	for _, assumed := range []map[string]string{nil, {"team": "web", "kubernetes.io/metadata.name": "storm"}} {
		m := New(assumed)
		if err := m.AddFiles(read(t, text), "home"); err != nil {
			t.Fatal(err)
		}
		for namespace, want := range map[string]string{"storm": "equals in", "home": "in not-in", "web": "not-in"} {
			var names []string
			for _, p := range m.Policies(namespace).Policies() {
				names = append(names, p.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("assumed %v: namespace %s has the policies %s, want %s", assumed, namespace, got, want)
			}
			ns, known := m.Namespace(namespace)
			if ns.Labels["kubernetes.io/metadata.name"] != namespace || known != (namespace == "storm" || len(assumed) > 0) {
				t.Errorf("assumed %v: namespace %s is %v, known %t", assumed, namespace, ns.Labels, known)
			}
		}
		if ns, _ := m.Namespace("storm"); ns.Labels["team"] != "storm" {
			t.Errorf("the manifest's labels are gone: %v", ns.Labels)
		}
	}
}

// Every error of every file is told at once, with its line and its object.
func TestErrors(t *testing.T) {
	const text = `apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: {}}
---
apiVersion: v1
kind: Namespace
metadata: {name: b, labels: [x]}
---
apiVersion: policy.netmode.io/v1alpha1
kind: NetworkModePolicy
metadata: {name: c}
spec: {defaultMode: hostnet}
`
	err := New(nil).AddFiles(read(t, text), "home")
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		"around.yaml:1: Service/a: spec.ports: is an object, and must be a list",
		"around.yaml:6: Namespace/b: metadata.labels: is a list, and must be an object",
		`around.yaml:10: NetworkModePolicy/c: [spec.namespaceSelector: Required value: write {} to select all namespaces, spec.defaultMode: Unsupported value: "hostnet": ` + apitest.SupportedModes() + "]",
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err = New(nil).AddPolicies(read(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"))
	if err == nil || err.Error() != "around.yaml:1: Pod/a: is neither a NetworkModePolicy nor a Namespace: name it with -f" {
		t.Errorf("have %v", err)
	}
}
