package mode_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// manifests are a cluster that knows the DaemonSets of one namespace, too.
type manifests struct {
	neighbours
	pods []api.Pod
}

func (m manifests) DaemonSets(in string) []api.Pod {
	if in != namespace {
		return nil
	}
	return m.pods
}

// Which other DaemonSets would have two pods of one name on a node.
func TestDaemonSetsBehindOneService(t *testing.T) {
	daemonSet := func(name, annotations, spec string) api.Pod {
		return decode[api.Pod](t, `{"metadata":{"labels":{"app":"nimbus"},"annotations":{`+annotations+`},"ownerReferences":[{"kind":"DaemonSet","name":"`+name+`","controller":true}]},"spec":`+spec+`}`)
	}
	const (
		peers  = `"netmode.io/mode":"statefulset-headless",`
		onHost = `"netmode.io/mode":"hostnetwork",`
		node   = `"netmode.io/hostname":"node"`
		names  = `"netmode.io/service":"nimbus"`
	)
	for name, tt := range map[string]struct {
		annotations, spec string
		shares            bool
	}{
		"by annotation":                {peers + node + `,` + names, `{}`, true},
		"by subdomain":                 {peers + node, `{"subdomain":"nimbus"}`, true},
		"by selector":                  {peers + node, `{}`, true},
		"on the host network":          {onHost + names, `{}`, true},
		"on the host network by hand":  {peers + names, `{"hostNetwork":true}`, true},
		"another Service":              {peers + node + `,"netmode.io/service":"other"`, `{}`, false},
		"another subdomain":            {peers + node, `{"subdomain":"other"}`, false},
		"generated names":              {onHost + names + `,"netmode.io/hostname":"generated"`, `{}`, false},
		"no names on the host network": {onHost[:len(onHost)-1], `{}`, false},
		"no node's names":              {peers + names, `{}`, false},
		"a hostname of its own":        {peers + node, `{"hostname":"a"}`, false},
		"another mode":                 {`"netmode.io/mode":"headless",` + node + `,` + names, `{}`, false},
		"no mode":                      {node + `,` + names, `{}`, false},
		"an annotation that is wrong":  {peers + node + `,"netmode.io/search-rewrite":"x"`, `{}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := manifests{around(t, `[`+service("nimbus", `"clusterIP":"None",`+selected)+`]`), []api.Pod{
				daemonSet("nimbus", peers+node+`,`+names, `{}`), daemonSet("z", tt.annotations, tt.spec), daemonSet("b", tt.annotations, tt.spec),
			}}
			p := decideDaemonSet(t, cluster, `{"name":"","generateName":"nimbus-","labels":{"app":"nimbus"},"annotations":{`+peers+node+`,`+names+`},"ownerReferences":[{"kind":"DaemonSet","name":"nimbus","controller":true}]}`)
			const told = "warned HostnameOfNodeShared metadata.name: other DaemonSets give their pods the names of their nodes behind Service nimbus, too: b, z" + oneOnNode
			if got := slices.Contains(describeAll(p), told); got != tt.shares || !got && p.Has(plan.HostnameOfNodeShared) {
				t.Errorf("%q", describeAll(p))
			}
		})
	}
}

func decideDaemonSet(t *testing.T, cluster mode.Snapshot, metadata string) *plan.Plan {
	t.Helper()
	pod := decode[api.Pod](t, object("Pod", metadata, `{}`))
	p := &plan.Plan{Mode: api.ModeStatefulSetHeadless, Source: plan.SourceAnnotation}
	row := podRow{}
	find(t, p.Mode).CheckPod(&mode.PodCase{
		Pod: &pod, Namespace: namespace, Intent: asks(t, pod.Metadata), Snapshot: cluster, Search: &row.search, Plan: p,
		Workload: &workload.Workload{Kind: "DaemonSet", Name: "nimbus"},
	})
	return p
}
