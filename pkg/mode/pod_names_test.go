package mode_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// longNamed is a StatefulSet with a name that has room for the hostnames of its pods,
// and none for its revisions.
var longNamed = workload.Workload{
	Kind: "StatefulSet", Name: "a-name-of-some-fifty-three-letters-all-of-them-counted", Template: "spec.template", OwnHostnames: true,
	LastHostname: "a-name-of-some-fifty-three-letters-all-of-them-counted-0", HostnamesField: "spec.replicas",
}

const longNameTold = "warned StatefulSetNameLong metadata.name: the name has 54 characters, and with more than 52 Kubernetes cannot make the pods of most revisions: " +
	"their label controller-revision-hash would be too long: choose a name of at most 52 characters"

func hostNetworkPodNames() []podRow {
	return []podRow{{
		line: "the name of a StatefulSet leaves no room for its revision", workload: &longNamed,
		spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","containers":[{"ports":[{"containerPort":80}]}]}`,
		want: []string{longNameTold, "warned NodeHostname spec.hostNetwork: hostname(1) in the pod is the node's name"},
	}}
}

func statefulSetHeadlessPodNames() []podRow {
	return []podRow{{
		line: "the name of a StatefulSet leaves no room for its revision", workload: &longNamed,
		spec: `{"hostname":"a-0","subdomain":"s","dnsConfig":{"searches":["s.storm.svc.cluster.local"]}}`,
		want: []string{longNameTold, "kept GoverningServiceNamed spec.subdomain", "kept HostnameKept spec.hostname", "kept SearchInPlace spec"},
	}}
}

func TestPodNames(t *testing.T) {
	runPodRows(t, api.ModeHostNetwork, hostNetworkPodNames())
	runPodRows(t, api.ModeStatefulSetHeadless, statefulSetHeadlessPodNames())
}
