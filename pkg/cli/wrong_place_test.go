package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

const misplacedRollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
  annotations: {netmode.io/mode: hostnetwork}
spec: {template: {spec: {containers: [{name: c}]}}}
`

// What is asked in the wrong place is told, changes nothing, and is no refusal. The
// cure, followed, is told of no more, and does what was meant.
func TestCuresOfWrongPlaces(t *testing.T) {
	const pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: storm}\nspec: {containers: [{name: c}]}\n"
	const onTemplate = "spec: {template: {metadata: {annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c}]}}}"
	for name, tt := range map[string]struct{ text, told, from, to, then string }{
		"an annotation of a Namespace": {
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: storm, annotations: {netmode.io/mode: hostnetwork}}\n" + pod,
			":1: warning: Namespace/storm: metadata.annotations[netmode.io/mode]: it asks for nothing, since it is an annotation: write it as a label of the Namespace, with the same key (NamespaceAnnotation)\n",
			"annotations: {", "labels: {", "hostNetwork: true",
		},
		"the same told to its pods": {
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: storm, annotations: {netmode.io/mode: hostnetwork}}\n" + pod,
			":5: warning: Pod/a: namespace.metadata.annotations[netmode.io/mode]: it asks for nothing, since it is an annotation: write it as a label of the Namespace, with the same key (NamespaceAnnotation)\n",
			"annotations: {", "labels: {", "hostNetwork: true",
		},
		"a pod's annotation on a Namespace": {
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: storm, annotations: {netmode.io/search-rewrite: none}}\n" + pod,
			":1: warning: Namespace/storm: metadata.annotations[netmode.io/search-rewrite]: it means nothing on this Namespace: write it in the metadata of a pod template, or on a Pod, a Service or a workload (AnnotationMisplaced)\n",
			"annotations: {netmode.io/search-rewrite: none}}\n" + pod, "labels: {netmode.io/mode: headless}}\n" +
				strings.Replace(pod, "namespace: storm", "namespace: storm, annotations: {netmode.io/mode: statefulset-headless, netmode.io/service: a, netmode.io/search-rewrite: none}", 1), "subdomain: a",
		},
		"a kind with a pod template": {
			misplacedRollout,
			":1: warning: Rollout/web: metadata.annotations[netmode.io/mode]: it means nothing on this Rollout itself, whose pods are made of spec.template: write it in the metadata of a pod template, or on a Pod, a Service or a workload (AnnotationMisplaced)\n",
			"  annotations: {netmode.io/mode: hostnetwork}\nspec: {template: {spec: {containers: [{name: c}]}}}", onTemplate,
			":1: note: Rollout/web: spec.template.metadata.annotations: netmode serves the pods of this template when they are made, and nothing of that is shown here (NotRendered)\n",
		},
		"a kind of another time": {
			"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: web, annotations: {netmode.io/mode: hostnetwork}}\nspec: {template: {spec: {containers: [{name: c}]}}}\n",
			":1: warning: Deployment/web: apiVersion: Kubernetes serves extensions/v1beta1 no more, so nobody reads the annotations of netmode: write apps/v1, or batch/v1 for a Job or a CronJob (APIVersionOld)\n",
			"extensions/v1beta1", "apps/v1", "hostNetwork: true",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "odd.yaml", tt.text)
			for _, flags := range [][]string{nil, {"--strict"}} {
				got := netmode(t, append([]string{"render", "-f", path}, flags...)...)
				if got.code != 0 || got.out != tt.text || !strings.Contains(got.err, path+tt.told) {
					t.Errorf("%v: exit code %d, want it as it was, and told\n%s\n%s\n%s", flags, got.code, path+tt.told, got.err, got.out)
				}
			}
			cured := strings.Replace(tt.text, tt.from, tt.to, 1)
			path = write(t, "cured.yaml", cured)
			got := netmode(t, "render", "-f", path)
			if cured == tt.text || got.code != 0 || strings.Contains(got.err, tt.told) || !strings.Contains(got.out+got.err, tt.then) {
				t.Errorf("exit code %d, want %s\n%s\n%s", got.code, tt.then, got.err, got.out)
			}
		})
	}
}

// explain has the same finding and its cure, as data too.
func TestExplainOfWrongPlaces(t *testing.T) {
	got := netmodeWith(t, strings.NewReader(misplacedRollout), "explain", "-o", "json", "-f", "-")
	var all []explanation
	if err := json.Unmarshal([]byte(got.out), &all); err != nil || got.code != 0 || len(all) != 1 || len(all[0].Rules) != 1 {
		t.Fatalf("exit code %d, %v\n%s", got.code, err, got.out)
	}
	rule := all[0].Rules[0]
	if all[0].Decision != "unchanged" || rule.Verdict != "warned" || rule.Reason != "AnnotationMisplaced" || rule.Field != "metadata.annotations[netmode.io/mode]" ||
		!strings.HasSuffix(rule.Text, ": write it in the metadata of a pod template, or on a Pod, a Service or a workload") {
		t.Errorf("%+v", all[0])
	}
}

// An object that does not decode is its API server's to refuse, and is told of as far
// as it goes.
func TestWrongPlaceOfWhatDoesNotDecode(t *testing.T) {
	text := "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x, labels: [], annotations: {netmode.io/publish-not-ready-addresses: true}}\n"
	got := netmodeWith(t, strings.NewReader(text), "render", "-f", "-")
	if got.code != 0 || got.out != text || !strings.Contains(got.err, "metadata.annotations[netmode.io/publish-not-ready-addresses]: it means nothing on this Thing: ") {
		t.Errorf("exit code %d, %s", got.code, got.err)
	}
}
