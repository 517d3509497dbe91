package mode_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

func TestHostnameEnv(t *testing.T) { runPodRows(t, api.ModeStatefulSetHeadless, hostnameEnvPods()) }

// hostnameEnvPods are pods on the host network, served but for their variables.
func hostnameEnvPods() []podRow {
	const (
		metadata = `{"name":"nimbus-0","annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"none"}}`
		ofSet    = `{"name":"nimbus-0","annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"none"},"ownerReferences":[{"kind":"StatefulSet","controller":true}]}`
		ours     = `{"name":"NETMODE_HOSTNAME","value":"nimbus-0"}`
		theirs   = `{"name":"NETMODE_HOSTNAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}`
		other    = `{"name":"A","value":"$(NETMODE_HOSTNAME)"}`
		keeps    = "warned HostnameEnvKept spec.containers[0].env[NETMODE_HOSTNAME]: it stays as its author wrote it: remove the variable, so that netmode writes it"
	)
	spec := func(containers string) string {
		return `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","hostname":"nimbus-0","subdomain":"nimbus",` + containers + `}`
	}
	told := func(found ...string) []string {
		return append(append([]string{named, hostnameKept}, found...), "kept SearchNone", nodeHostname)
	}
	row := func(line, containers, patch string, found ...string) podRow {
		return podRow{line: line, metadata: metadata, uid: uid, spec: spec(containers), patch: patch, want: told(found...)}
	}
	insert := func(pointer string) string { return `{"op":"add","path":"` + pointer + `/env/0","value":` + ours + `}` }
	create := func(pointer string) string { return `{"op":"add","path":"` + pointer + `/env","value":[` + ours + `]}` }
	port := `"ports":[{"containerPort":80}]`
	deployment := row("a template's own hostname is all its pods'", withEnv(other), `[`+insert("/spec/containers/0")+`]`, envSet)
	deployment.uid, deployment.workload = "", &workload.Workload{Kind: "Deployment", Replicas: 1}
	atSet := row("the pods of a StatefulSet get theirs as they are made", withEnv(other), "", envEach)
	atSet.uid, atSet.metadata = "", ofSet
	madeBySet := row("as this one is", withEnv(other), `[`+insert("/spec/containers/0")+`]`, envSet)
	madeBySet.metadata = ofSet
	keptAtSet := row("of their author's variable the StatefulSet's hears", withEnv(ours), "", keeps)
	keptAtSet.uid, keptAtSet.metadata = "", ofSet
	return []podRow{
		row("it comes before the others", withEnv(other+`,{"name":"B"}`), `[`+insert("/spec/containers/0")+`]`, envSet),
		row("or alone", withEnv(""), `[`+insert("/spec/containers/0")+`]`, envSet),
		row("where there is no list", `"containers":[{"name":"a",`+port+`}]`, `[`+create("/spec/containers/0")+`]`, envSet),
		row("or null", `"containers":[{"name":"a","env":null,`+port+`}]`, `[`+create("/spec/containers/0")+`]`, envSet),
		row("in every container but netmode's own", `"initContainers":[{"name":"netmode-resolvconf","command":["/netmode","resolvconf","x"]},{"name":"netmode-wait"},{"name":"plain"},{"name":"side","restartPolicy":"Always","env":[]}],`+
			`"containers":[{"name":"a",`+port+`},{"name":"b","env":[`+other+`]}]`,
			`[`+strings.Join([]string{create("/spec/initContainers/2"), insert("/spec/initContainers/3"), create("/spec/containers/0"), insert("/spec/containers/1")}, ",")+`]`, envSet),
		row("what is there stays", withEnv(ours+`,`+other), ""),
		row("even behind another webhook's", withEnv(other+`,`+ours), ""),
		row("a container that came later gets it", `"containers":[{"name":"late"},{"name":"a","env":[`+ours+`],`+port+`}]`, `[`+create("/spec/containers/0")+`]`, envSet),
		row("its author's stays", withEnv(theirs), "", keeps),
		row("whatever its value", withEnv(`{"name":"NETMODE_HOSTNAME","value":8080}`), "", keeps),
		row("and however often", withEnv(ours+`,`+other+`,{"name":"NETMODE_HOSTNAME","value":"x"}`), "", keeps),
		row("the other containers get it", `"containers":[{"name":"a","env":[`+theirs+`],`+port+`},{"name":"b"}]`, `[`+create("/spec/containers/1")+`]`, keeps, envSet),
		deployment, atSet, madeBySet, keptAtSet,
	}
}

// An init container of netmode's own comes before those whose places are written.
func TestHostnameEnvBesideAnInitContainer(t *testing.T) {
	row := podRow{
		line:     "an init container",
		metadata: `{"name":"nimbus-0","annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"init-container"}}`, search: knownDNS,
		spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirst","initContainers":[{"name":"mine"}],` + onePort + `}`,
	}
	m, raw := find(t, api.ModeStatefulSetHeadless), object("Pod", row.metadata, row.spec)
	p := row.decide(t, m, raw)
	pod := decode[api.Pod](t, applied(t, raw, p))
	var has []string
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		for _, v := range c.Env {
			has = append(has, c.Name+" "+v.Name+"="+string(v.Value))
		}
	}
	if got := strings.Join(has, ", "); got != "mine NETMODE_HOSTNAME=nimbus-0, web NETMODE_HOSTNAME=nimbus-0" || pod.Spec.InitContainers[0].Name != "netmode-resolvconf" {
		t.Errorf("%s in %+v", got, pod.Spec.InitContainers)
	}
}
