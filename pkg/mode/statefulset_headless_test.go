package mode_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

const (
	hostnameKept  = "kept HostnameKept spec.hostname"
	dnsUnknown    = "kept ClusterDNSUnknown"
	domainAssumed = "warned ClusterDomainAssumed: the cluster's domain is not known, and cluster.local is assumed: " +
		"start netmode with --cluster-domain if the cluster has another"
	searchAppended = "changed SearchAppended spec.dnsConfig.searches"
	runOne         = ": run one pod, or use netmode.io/mode: statefulset-headless, with no hostname in the pod template"
	recreate       = ": write strategy: {type: Recreate}, or in a DaemonSet maxSurge: 0"

	appendPatch = `{"op":"add","path":"/spec/dnsConfig","value":{"searches":["nimbus.storm.svc.cluster.local"]}}]`
)

// appended is the search rewrite of a pod in a cluster of which nothing is known.
var appended = []string{dnsUnknown, domainAssumed, searchAppended}

func TestStatefulSetHeadlessPod(t *testing.T) {
	runPodRows(t, api.ModeStatefulSetHeadless, statefulSetHeadlessPods())
}

func statefulSetHeadlessPods() []podRow {
	with := func(first []string, more ...[]string) []string {
		all := append([]string{}, first...)
		for _, m := range more {
			all = append(all, m...)
		}
		return all
	}
	const noName = "refused NoStableHostname spec.hostname: Required value: the pod has neither a hostname nor a name that peers could know: " +
		"remove netmode.io/hostname, so that a name is generated, or use a StatefulSet, or a Job with completionMode Indexed"
	bare := func(name string) string {
		return `{"name":"` + name + `","annotations":{"netmode.io/service":"nimbus"}}`
	}
	asking := func(strategy string) string {
		return `{"name":"nimbus-0","annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"` + strategy + `"}}`
	}
	const inPlace = `{"hostname":"nimbus-0","subdomain":"nimbus",` + onePort + `}`
	label63, label64 := strings.Repeat("a", 63), strings.Repeat("a", 64)
	known := resolv.Settings{
		Facts:         resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "k8s.example", NodeSearches: []string{"dc.example"}},
		InitContainer: resolv.InitContainer{Image: "netmode:1"},
	}
	rows := []podRow{
		{line: "a StatefulSet's pod keeps hostname and subdomain, and gets its search list", metadata: fromStatefulSet, spec: inPlace,
			patch: `[` + appendPatch, want: with([]string{namedBySpec, hostnameKept}, appended)},
		{line: "a StatefulSet without serviceName gets its subdomain", metadata: bare("nimbus-0"), spec: `{"hostname":"nimbus-0",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: with([]string{named, hostnameKept, subdomainSet}, appended)},
		{line: "without a hostname the pod's own name becomes it", metadata: bare("worker"), spec: `{` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostname","value":"worker"},{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch,
			want:  with([]string{named, hostnameSet, subdomainSet}, appended)},
		{line: "an Indexed Job's pod has a hostname and only a generateName", metadata: fromIndexedJob, spec: `{"hostname":"nimbus-0",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: with([]string{named, hostnameKept, subdomainSet}, appended)},
		{line: "every problem of the pod's name is named at once, too", metadata: `{"annotations":{"netmode.io/service":"nimbus"}}`, spec: `{` + onePort + `}`,
			want: with([]string{named, noName, subdomainSet}, appended)},
		{line: "a hostname differs from the pod's name, and stays", metadata: bare("worker"), spec: `{"hostname":"other",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: with([]string{named, hostnameKept, subdomainSet}, appended)},
		{line: "a name with dots is refused", metadata: bare("a.b"), spec: `{` + onePort + `}`,
			want: with([]string{named, hostnameInvalid("metadata.name", "a.b", dotted), subdomainSet}, appended)},
		{line: "a name with dots beside a good hostname is fine", metadata: bare("a.b"), spec: `{"hostname":"a-b",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: with([]string{named, hostnameKept, subdomainSet}, appended)},
		{line: "a name of 63 characters is accepted", metadata: bare(label63), spec: `{"subdomain":"nimbus",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostname","value":"` + label63 + `"},` + appendPatch, want: with([]string{named, hostnameSet}, appended)},
		{line: "a name of 64 characters is refused", metadata: bare(label64), spec: `{"subdomain":"nimbus",` + onePort + `}`,
			want: with([]string{named, hostnameInvalid("metadata.name", label64, tooLong)}, appended)},
		{line: "a hostname of 63 characters is accepted", metadata: bare("x"), spec: `{"hostname":"` + label63 + `","subdomain":"nimbus",` + onePort + `}`,
			patch: `[` + appendPatch, want: with([]string{named, hostnameKept}, appended)},
		{line: "a hostname of 64 characters is refused", metadata: bare("x"), spec: `{"hostname":"` + label64 + `","subdomain":"nimbus",` + onePort + `}`,
			want: with([]string{named, hostnameInvalid("spec.hostname", label64, tooLong)}, appended)},
		{line: "a hostname with dots or capitals is refused", metadata: bare("x"), spec: `{"hostname":"Web.x","subdomain":"nimbus",` + onePort + `}`,
			want: with([]string{named, hostnameInvalid("spec.hostname", "Web.x", notLabel)}, appended)},
		{line: "hostnameOverride is refused", metadata: fromStatefulSet, spec: `{"hostnameOverride":"x",` + inPlace[1:],
			want: with([]string{hostnameOverridden, namedBySpec, hostnameKept}, appended)},
		{line: "setHostnameAsFQDN true is refused", metadata: fromStatefulSet, spec: `{"setHostnameAsFQDN":true,` + inPlace[1:],
			want: with([]string{hostnameFQDN, namedBySpec, hostnameKept}, appended)},
		{line: "Windows by os.name is refused", metadata: fromStatefulSet, spec: `{"os":{"name":"windows"},` + inPlace[1:],
			want: with([]string{windowsByOS, namedBySpec, hostnameKept}, appended)},
		{line: "Windows by nodeSelector is refused", metadata: fromStatefulSet, spec: `{"nodeSelector":{"kubernetes.io/os":"windows"},` + inPlace[1:],
			want: with([]string{windowsBySelector, namedBySpec, hostnameKept}, appended)},
		{line: "every problem is named at once", metadata: `{"generateName":"x-","annotations":{"netmode.io/service":"nimbus"}}`,
			spec: `{"hostnameOverride":"x","setHostnameAsFQDN":true,"os":{"name":"windows"},"subdomain":"other","dnsPolicy":"Default",` + onePort + `}`,
			want: []string{hostnameOverridden, hostnameFQDN, windowsByOS, conflict, "kept HostnameGenerated spec.hostname"}},
		{line: "the governing Service's named targetPorts are compared", metadata: fromStatefulSet,
			services: `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"},"ports":[{"port":80,"targetPort":"p"}]}}]`,
			spec:     `{"hostname":"nimbus-0","subdomain":"nimbus","containers":[{"name":"a","ports":[{"name":"p","containerPort":81}]}]}`,
			patch:    `[` + appendPatch,
			want: with([]string{namedBySpec, hostnameKept,
				"warned PortNotTranslated spec.containers: Service nimbus has port 80, and the pod listens on its targetPort p, 81: make port equal to the port that the container listens on"}, appended)},
		{line: "the search rewrite none leaves resolv.conf alone", metadata: asking("none"), spec: inPlace, want: []string{named, hostnameKept, "kept SearchNone"}},
		{line: "auto is prepend where the cluster's DNS is known: the peer domain first", metadata: asking("auto"), spec: `{"dnsPolicy":"ClusterFirst",` + inPlace[1:], search: known,
			patch: `[{"op":"replace","path":"/spec/dnsPolicy","value":"None"},{"op":"add","path":"/spec/dnsConfig","value":{"nameservers":["10.96.0.10"],` +
				`"searches":["nimbus.storm.svc.k8s.example","storm.svc.k8s.example","svc.k8s.example","k8s.example","dc.example"],"options":[{"name":"ndots","value":"5"}]}}]`,
			want: []string{named, hostnameKept, "kept ClusterDNSKnown", "changed SearchPrepended spec.dnsPolicy", "changed SearchPrepended spec.dnsConfig"}},
		{line: "append goes behind the pod's own", metadata: asking("append"), spec: `{"dnsConfig":{"searches":["own.example"]},` + inPlace[1:], search: known,
			patch: `[{"op":"add","path":"/spec/dnsConfig/searches/-","value":"nimbus.storm.svc.k8s.example"}]`, want: []string{named, hostnameKept, searchAppended}},
		{line: "prepend is refused where the cluster's DNS is not known", metadata: asking("prepend"), spec: inPlace,
			want: []string{named, hostnameKept,
				`refused ClusterDNSUnknown metadata.annotations[netmode.io/search-rewrite]: Invalid value: "prepend": the cluster's DNS is not known to netmode: ` +
					"start netmode with --cluster-dns and --cluster-domain, or use netmode.io/search-rewrite: append"}},
		{line: "dnsPolicy Default is refused", metadata: asking("auto"), spec: `{"dnsPolicy":"Default",` + inPlace[1:], search: known,
			want: []string{named, hostnameKept, `refused DNSPolicyDefault spec.dnsPolicy: Invalid value: "Default": the node's DNS does not know the peers' names: ` +
				"remove dnsPolicy, or set netmode.io/search-rewrite: none"}},
		{line: "an init container is refused where PodSecurity is restricted", metadata: asking("init-container"), spec: inPlace, search: known,
			namespaceLabels: map[string]string{api.LabelPodSecurityEnforce: "restricted"},
			want: []string{named, hostnameKept,
				`refused InitContainerRoot metadata.annotations[netmode.io/search-rewrite]: Invalid value: "init-container": ` +
					"the namespace enforces PodSecurity restricted, and the init container must run as root: use netmode.io/search-rewrite: auto"}},
	}
	return append(rows, templateHostnames(with)...)
}

// templateHostnames are workloads whose pods know each other by hostname: it is
// each pod's own, or the template's.
func templateHostnames(with func([]string, ...[]string) []string) []podRow {
	const (
		spec   = `{"hostname":"nimbus","subdomain":"nimbus",` + onePort + `}`
		shared = "warned HostnameShared"
	)
	three := " spec.replicas: 3 pods would share one hostname" + runOne
	surge := "warned HostnameSurge spec.strategy: a rolling update runs the old and the new pod at once, and they would share one hostname" + recreate
	row := func(line, metadata string, w workload.Workload, more ...string) podRow {
		governed := named
		if metadata == fromStatefulSet {
			governed = namedBySpec
		}
		return podRow{line: line, metadata: metadata, spec: spec, workload: &w, patch: `[` + appendPatch, want: with([]string{governed, hostnameKept}, more, appended)}
	}
	return []podRow{
		row("a Deployment's hostname is all its pods'", fromReplicaSet,
			workload.Workload{Kind: "Deployment", Replicas: 3, ReplicasField: "spec.replicas", Surges: true, SurgeField: "spec.strategy"}, shared+three, surge),
		row("and the old and the new pod's", fromReplicaSet,
			workload.Workload{Kind: "Deployment", Replicas: 1, ReplicasField: "spec.replicas", Surges: true, SurgeField: "spec.strategy"}, surge),
		row("one pod after the other is fine", fromReplicaSet, workload.Workload{Kind: "Deployment", Replicas: 1, ReplicasField: "spec.replicas"}),
		row("a DaemonSet's hostname is all its pods'", fromDaemonSet, workload.Workload{Kind: "DaemonSet"},
			shared+": a DaemonSet runs a pod on every node, and they would share one hostname"+runOne),
		row("a Job's hostname is all its pods'", fromIndexedJob, workload.Workload{Kind: "Job", Replicas: 3, ReplicasField: "spec.parallelism"},
			shared+" spec.parallelism: 3 pods would share one hostname"+runOne),
		row("the pods of an Indexed Job have their own", fromIndexedJob, workload.Workload{Kind: "Job", Replicas: 3, ReplicasField: "spec.parallelism", OwnHostnames: true}),
		row("as those of a StatefulSet have", fromStatefulSet, workload.Workload{Kind: "StatefulSet", Replicas: 3, ReplicasField: "spec.replicas", OwnHostnames: true}),
		{line: "without a hostname there is none to share", metadata: fromReplicaSet, spec: `{` + onePort + `}`,
			workload: &workload.Workload{Kind: "Deployment", Replicas: 3, ReplicasField: "spec.replicas"},
			patch:    `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: with([]string{named, "kept HostnameGenerated spec.hostname", subdomainSet}, appended)},
	}
}
