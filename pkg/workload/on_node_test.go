package workload_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

func TestOnNode(t *testing.T) {
	const term = `"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}]}`
	for pod, want := range map[string]string{
		`{"spec":{"a":1}}`:           `{"spec":{"a":1,"affinity":{"nodeAffinity":{` + term + `}}}}`,
		`{"spec":{"affinity":null}}`: `{"spec":{"affinity":{"nodeAffinity":{` + term + `}}}}`,
		`{"spec":{"affinity":{"podAffinity":{},"nodeAffinity":{"preferred":[],"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{},{}]}}}}}`: `{"spec":{"affinity":{"nodeAffinity":{"preferred":[],` + term + `},"podAffinity":{}}}}`,
	} {
		got, err := workload.OnNode([]byte(pod), "n1")
		if err != nil || string(got) != want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", pod, got, err, want)
		}
		var view api.Pod
		if err := api.Decode(got, &view, ""); err != nil || view.Spec.DaemonSetNode() != "n1" {
			t.Errorf("the node is %q, %v", view.Spec.DaemonSetNode(), err)
		}
	}
	if got, err := workload.OnNode([]byte(`{"spec":{"affinity":[]}}`), "n1"); err == nil {
		t.Errorf("an affinity that is a list: %s", got)
	}
}
