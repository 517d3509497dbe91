package cli

import (
	"strings"
	"testing"
)

// TestObjectsThatDoNotDecode: the message names the file, the line, the object
// and the field, and says in words what stands there and what must.
func TestObjectsThatDoNotDecode(t *testing.T) {
	pod := func(spec string) string {
		return "# first\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: " + spec + "\n"
	}
	template := func(kind, spec string) string {
		return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: a}\nspec: " + spec + "\n"
	}
	tests := map[string]struct{ text, want string }{
		"containers a map":    {pod("{containers: {name: x}}"), "2: Pod/a: spec.containers: is an object, and must be a list"},
		"containers a word":   {pod("{containers: x}"), "2: Pod/a: spec.containers: is a string, and must be a list"},
		"container a word":    {pod("{containers: [x]}"), "2: Pod/a: spec.containers[0]: is a string, and must be an object"},
		"spec a list":         {pod("[]"), "2: Pod/a: spec: is a list, and must be an object"},
		"port a word":         {pod("{containers: [{}, {ports: [{containerPort: http}]}]}"), "2: Pod/a: spec.containers[1].ports[0].containerPort: is a string, and must be a whole number"},
		"port too large":      {pod("{containers: [{ports: [{containerPort: 99999999999}]}]}"), "2: Pod/a: spec.containers[0].ports[0].containerPort: Invalid value: 99999999999: must be a whole number: value out of range"},
		"hostname a number":   {pod("{hostname: 7}"), "2: Pod/a: spec.hostname: is a number, and must be a string: put quotes around it"},
		"hostNetwork a word":  {pod(`{hostNetwork: "true"}`), "2: Pod/a: spec.hostNetwork: is a string, and must be true or false"},
		"override a boolean":  {pod("{hostnameOverride: yes}"), "2: Pod/a: spec.hostnameOverride: is true, and must be a string: put quotes around it"},
		"annotation a number": {"apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {netmode.io/mode: 5}}\n", "1: Service/s: metadata.annotations[netmode.io/mode]: is a number, and must be a string: put quotes around it"},
		"targetPort":          {"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, targetPort: [1]}]}\n", "1: Service/s: spec.ports[0].targetPort: is a list, and must be a whole number"},
		"namespace's labels":  {"apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: [a]}\n", "1: Namespace/ns: metadata.labels: is a list, and must be an object"},
		"replicas":            {template("Deployment", "{replicas: many}"), "1: Deployment/a: spec.replicas: is a string, and must be a whole number"},
		"template a list":     {template("Deployment", "{template: []}"), "1: Deployment/a: spec.template: is a list, and must be an object"},
		"template missing":    {template("StatefulSet", "{replicas: 1}"), "1: StatefulSet/a: spec.template: Required value: a StatefulSet has one"},
		"template's labels":   {template("DaemonSet", "{template: {metadata: {labels: {a: 1}}}}"), "1: DaemonSet/a: spec.template.metadata.labels.a: is a number, and must be a string: put quotes around it"},
		"template's pods":     {template("ReplicaSet", "{template: {spec: {initContainers: [{name: [x]}]}}}"), "1: ReplicaSet/a: spec.template.spec.initContainers[0].name: is a list, and must be a string"},
		"CronJob's pods": {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {spec: {template: {metadata: {annotations: [a]}}}}}\n",
			"1: CronJob/a: spec.jobTemplate.spec.template.metadata.annotations: is a list, and must be an object"},
		"the second item": {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- apiVersion: v1\n  kind: Pod\n  metadata: {generateName: b-}\n  spec: {containers: {}}\n",
			"5: Pod/b-: spec.containers: is an object, and must be a list"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, "x.yaml", tt.text)
			want := result{code: 1, err: "error: " + path + ":" + tt.want + "\n"}
			for _, command := range []string{"render", "explain", "demo"} {
				if got := netmode(t, command, "--strict", "-f", path); got != want {
					t.Errorf("%s\ngot  %+v\nwant %+v", command, got, want)
				}
			}
		})
	}
}

// TestEveryObjectIsJudged: one bad object does not hide another.
func TestEveryObjectIsJudged(t *testing.T) {
	path := write(t, "x.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: []\n---\napiVersion: v1\nkind: List\nitems: 5\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: []\n")
	got := netmode(t, "render", "-f", path)
	for _, want := range []string{"x.yaml:10: Service/s: spec: is a list", "x.yaml:8: items: is not a list"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("want %q in\n%s", want, got.err)
		}
	}
}
