package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// What musl needs was seen: a name with as many dots as ndots is never searched there.
func TestSayNdots(t *testing.T) {
	const (
		musl = " are tried as they are first by glibc, and never looked up there by musl (Alpine), where "
		four = "pod.service.namespace.svc needs ndots 4"
		all  = "pod, pod.service, pod.service.namespace and pod.service.namespace.svc are looked up in the search list first"
	)
	for ndots, want := range map[int]string{
		0: "ndots 0: all names" + musl + "pod needs ndots 1, pod.service needs ndots 2, pod.service.namespace needs ndots 3 and " + four,
		1: "ndots 1: pod is looked up in the search list first; names with a dot" + musl + "pod.service needs ndots 2, pod.service.namespace needs ndots 3 and " + four,
		2: "ndots 2: pod and pod.service are looked up in the search list first; names with 2 dots or more" + musl + "pod.service.namespace needs ndots 3 and " + four,
		3: "ndots 3: pod, pod.service and pod.service.namespace are looked up in the search list first; names with 3 dots or more" + musl + four,
		4: "ndots 4: " + all,
		5: "ndots 5: " + all,
	} {
		if got := sayNdots(ndots); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// explain tells of the pod as it will be, with what policies give, where netmode has a
// say in its names.
func TestExplainNdots(t *testing.T) {
	const peers = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {netmode.io/peers: zk"
	const list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {netmode.io/peers: zk}}, spec: {dnsConfig: {options: [{name: ndots, value: \"3\"}]}}}\n"
	for name, tt := range map[string]struct{ pod, want string }{
		"as every pod of a cluster":    {peers + "}}\n", "ndots 5: "},
		"as the pod says":              {peers + "}}\nspec: {dnsConfig: {options: [{name: ndots, value: \"1\"}]}}\n", "ndots 1: "},
		"its own DNS":                  {peers + "}}\nspec: {dnsPolicy: None}\n", "ndots 1: "},
		"an item of a list":            {list, "ndots 3: "},
		"a template":                   {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, annotations: {netmode.io/peers: zk}}\nspec: {template: {spec: {dnsConfig: {options: [{name: ndots, value: \"2\"}]}}}}\n", "ndots 2: "},
		"nothing rewritten":            {peers + ", netmode.io/search-rewrite: none}}\n", ""},
		"refused":                      {peers + "}}\nspec: {dnsPolicy: Default}\n", ""},
		"a number that is none":        {peers + "}}\nspec: {dnsConfig: {options: [{name: ndots, value: x}]}}\n", ""},
		"a mode without a search list": {"apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {netmode.io/mode: hostnetwork}}\n", ""},
	} {
		path := write(t, "pod.yaml", tt.pod)
		text := netmode(t, "explain", "-f", path, "--cluster-dns=10.96.0.10", "--cluster-domain=cluster.local")
		data := netmode(t, "explain", "-f", path, "--cluster-dns=10.96.0.10", "--cluster-domain=cluster.local", "-o", "json")
		var explained []struct{ Ndots string }
		if err := json.Unmarshal([]byte(data.out), &explained); err != nil || len(explained) != 1 {
			t.Fatalf("%s: %v: %+v", name, err, data)
		}
		if got := explained[0].Ndots; !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" || !strings.Contains(text.out, got) {
			t.Errorf("%s: %q, want %q\n%s", name, got, tt.want, text.out)
		}
	}
}
