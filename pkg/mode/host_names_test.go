package mode_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// knownDNS is a cluster whose DNS is known.
var knownDNS = resolv.Settings{
	Facts:         resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "k8s.example"},
	InitContainer: resolv.InitContainer{Image: "netmode:1"},
}

// What pods with names on the host network have in common.
const (
	dnsKept = "warned DNSPolicyKept spec.dnsPolicy: %s stays, and the pod may not resolve Service names: " +
		"set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names"

	prependPatch = `{"op":"replace","path":"/spec/dnsPolicy","value":"None"},{"op":"add","path":"/spec/dnsConfig","value":{"nameservers":["10.96.0.10"],` +
		`"searches":["nimbus.storm.svc.k8s.example","storm.svc.k8s.example","svc.k8s.example","k8s.example"],"options":[{"name":"ndots","value":"5"}]}}`
	envSet    = "changed HostnameEnvSet spec.containers"
	envEach   = "kept HostnameEnvSet spec.containers"
	byPrepend = "changed SearchPrepended spec.dnsPolicy"
	byItself  = "changed SearchPrepended spec.dnsConfig"
	dnsKnown  = "kept ClusterDNSKnown"
)

// inEnv is the operation that gives the only container its pod's hostname.
func inEnv(hostname string) string {
	return `{"op":"add","path":"/spec/containers/0/env","value":[{"name":"NETMODE_HOSTNAME","value":"` + hostname + `"}]},`
}

func kept(policy string) string { return strings.Replace(dnsKept, "%s", policy, 1) }

// withEnv is the member of a pod's spec with one container, whose variables these are.
func withEnv(variables string) string {
	return `"containers":[{"name":"web","ports":[{"containerPort":80}],"env":[` + variables + `]}]`
}

// rewritingBy is the metadata of a pod that asks for a search rewrite.
func rewritingBy(metadata, strategy string) string {
	return strings.Replace(metadata, `"annotations":{`, `"annotations":{"netmode.io/search-rewrite":"`+strategy+`",`, 1)
}

func TestHostNetworkNames(t *testing.T) { runPodRows(t, api.ModeHostNetwork, hostNetworkNames()) }

func TestStatefulSetHeadlessOnHost(t *testing.T) {
	runPodRows(t, api.ModeStatefulSetHeadless, statefulSetHeadlessOnHost())
}

// hostNetworkNames are pods of mode hostnetwork that name their Service.
func hostNetworkNames() []podRow {
	const (
		bare       = `{"name":"worker-0","annotations":{"netmode.io/service":"nimbus"}}`
		clusterDNS = `"dnsPolicy":"ClusterFirst",`
		inSpec     = `{"op":"add","path":"/spec/hostname","value":"worker-0"},{"op":"add","path":"/spec/subdomain","value":"nimbus"},`
		hostSet    = `[{"op":"add","path":"/spec/hostNetwork","value":true},`
	)
	names := inSpec + inEnv("worker-0")
	list := slices.Concat[[]string]
	given := []string{hostNetworkSet, named, hostnameSet, subdomainSet, envSet}
	asksNone := rewritingBy(bare, "none")
	return []podRow{
		{line: "names, and a DNS policy that is written once", metadata: bare, spec: `{` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: hostSet + names + prependPatch + `]`, want: list(given, []string{dnsKnown, byPrepend, byItself, nodeHostname})},
		{line: "so it is behind ClusterFirstWithHostNet", metadata: bare, spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet",` + onePort + `}`, search: knownDNS,
			patch: `[` + names + prependPatch + `]`, want: []string{named, hostnameSet, subdomainSet, envSet, dnsKnown, byPrepend, byItself, nodeHostname}},
		{line: "append keeps the cluster's DNS by its policy", metadata: rewritingBy(bare, "append"), spec: `{` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: hostSet + names + `{"op":"add","path":"/spec/dnsConfig","value":{"searches":["nimbus.storm.svc.k8s.example"]}},` +
				`{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: list(given, []string{searchAppended, dnsPolicySet, nodeHostname})},
		{line: "an init container rewrites the pod's file, not the node's", metadata: rewritingBy(bare, "init-container"), spec: `{` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: hostSet + names + `{"op":"add","path":"/spec/initContainers","value":[{"name":"netmode-resolvconf","image":"netmode:1","command":["/netmode","resolvconf","nimbus.storm.svc.k8s.example"],` +
				`"resources":{"limits":{"cpu":"50m","memory":"32Mi"},"requests":{"cpu":"50m","memory":"32Mi"}},"securityContext":{"runAsUser":0,"runAsNonRoot":false,"allowPrivilegeEscalation":false,` +
				`"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePolicy":"FallbackToLogsOnError"}]},` +
				`{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: list(given, []string{"changed SearchByInitContainer spec.initContainers", dnsPolicySet, nodeHostname})},
		{line: "none leaves the search list alone", metadata: asksNone, spec: `{` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: hostSet + names + `{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want:  list(given, []string{"kept SearchNone", dnsPolicySet, nodeHostname})},
		{line: "a wait is behind the search rewrite", metadata: waitsFor("worker-1", "netmode.io/service", "nimbus"), spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","hostname":"nimbus-0","subdomain":"nimbus",` + onePort + `}`, search: withImage,
			patch: `[` + inEnv("nimbus-0") + waitPatch(`"5m","worker-1.nimbus.storm.svc.k8s.example"`)[1:], want: []string{named, hostnameKept, envSet, "changed WaitAdded spec.initContainers", "kept SearchNone", nodeHostname}},
		{line: "dnsPolicy None of a person is told of", metadata: bare, spec: `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.1"]},` + onePort + `}`, search: knownDNS,
			patch: hostSet + names + `{"op":"add","path":"/spec/dnsConfig/searches","value":["nimbus.storm.svc.k8s.example"]}]`,
			want:  list(given, []string{"changed SearchPrepended spec.dnsConfig.searches", kept("None"), nodeHostname})},
		{line: "and the one that the search rewrite wrote is not", metadata: bare,
			spec: `{"hostNetwork":true,"hostname":"worker-0","subdomain":"nimbus","dnsPolicy":"None","dnsConfig":{"searches":["nimbus.storm.svc.k8s.example"]},` + withEnv(`{"name":"NETMODE_HOSTNAME","value":"worker-0"}`) + `}`, search: knownDNS,
			want: []string{named, hostnameKept, "kept SearchInPlace spec", nodeHostname}},
		{line: "dnsPolicy Default knows no peers", metadata: bare, spec: `{"dnsPolicy":"Default",` + onePort + `}`, search: knownDNS,
			want: list(given, []string{`refused DNSPolicyDefault spec.dnsPolicy: Invalid value: "Default": the node's DNS does not know the peers' names: ` +
				"remove dnsPolicy, or set netmode.io/search-rewrite: none", kept("Default"), nodeHostname})},
		{line: "and stays where the pod rewrites none", metadata: asksNone, spec: `{"dnsPolicy":"Default",` + onePort + `}`,
			patch: strings.TrimSuffix(hostSet+names, ",") + `]`, want: list(given, []string{"kept SearchNone", kept("Default"), nodeHostname})},
		{line: "setHostnameAsFQDN does nothing on the host network", metadata: asksNone, spec: `{"hostNetwork":true,"dnsPolicy":"Default","setHostnameAsFQDN":true,` + onePort + `}`,
			patch: strings.TrimSuffix(`[`+names, ",") + `]`, want: []string{named, hostnameSet, subdomainSet, envSet, "kept SearchNone", kept("Default"), nodeHostname}},
		{line: "another subdomain is refused", metadata: asksNone, spec: `{` + clusterDNS + `"subdomain":"other",` + onePort + `}`,
			want: []string{hostNetworkSet, conflict, hostnameSet, envSet, dnsPolicySet, nodeHostname}},
		{line: "the Service's named targetPorts are compared", metadata: asksNone, spec: `{` + clusterDNS + `"containers":[{"ports":[{"name":"p","containerPort":81}]}]}`,
			services: `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"},"ports":[{"port":80,"targetPort":"p"}]}}]`,
			patch:    hostSet + names + `{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: []string{hostNetworkSet, named,
				"warned GoverningServiceMismatch metadata.annotations[netmode.io/service]: Service nimbus does not select the pod: make the Service's selector match the pod's labels",
				hostnameSet, subdomainSet,
				"warned PortNotTranslated spec.containers: Service nimbus has port 80, and the pod listens on its targetPort p, 81: make port equal to the port that the container listens on",
				envSet, "kept SearchNone", dnsPolicySet, nodeHostname}},

		{line: "peers, and no names", metadata: `{"name":"worker-0","annotations":{"netmode.io/peers":"other"}}`, spec: `{"hostNetwork":true,` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: `[` + strings.ReplaceAll(prependPatch, "nimbus.", "other.") + `]`, want: []string{dnsKnown, byPrepend, byItself, nodeHostname}},
		{line: "peers in place", metadata: `{"name":"worker-0","annotations":{"netmode.io/peers":"other"}}`, search: knownDNS,
			spec: `{"hostNetwork":true,"dnsPolicy":"None","dnsConfig":{"nameservers":["10.96.0.10"],"searches":["other.storm.svc.k8s.example","storm.svc.k8s.example"]},` + onePort + `}`,
			want: []string{"kept SearchInPlace spec", nodeHostname}},
		{line: "peers behind the own domain", metadata: `{"name":"worker-0","annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"append","netmode.io/peers":"other"}}`, spec: `{` + clusterDNS + onePort + `}`, search: knownDNS,
			patch: hostSet + names + `{"op":"add","path":"/spec/dnsConfig","value":{"searches":["nimbus.storm.svc.k8s.example"]}},` +
				`{"op":"add","path":"/spec/dnsConfig/searches/-","value":"other.storm.svc.k8s.example"},{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: list(given, []string{searchAppended, searchAppended, dnsPolicySet, nodeHostname})},
		{line: "a DaemonSet's pods have their nodes' names", metadata: rewritingBy(fromDaemonSet, "none"), spec: `{` + clusterDNS + ofNode("n1.example") + `,` + onePort + `}`, uid: uid,
			patch: hostSet + `{"op":"add","path":"/spec/hostname","value":"n1-example"},{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + inEnv("n1-example") +
				`{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: []string{hostNetworkSet, named, "changed HostnameOfNode spec.hostname", subdomainSet, envSet, "kept SearchNone", dnsPolicySet, nodeHostname}},
		{line: "which its template does not know", metadata: rewritingBy(fromDaemonSet, "none"), spec: `{` + clusterDNS + onePort + `}`,
			workload: &workload.Workload{Kind: "DaemonSet", Surges: true, SurgeField: "spec.updateStrategy"},
			patch:    hostSet + `{"op":"add","path":"/spec/subdomain","value":"nimbus"},{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: []string{hostNetworkSet, named, "kept HostnameOfNode spec.hostname",
				"warned HostnameSurge spec.updateStrategy: a rolling update runs the old and the new pod of a node at once, and they would share one hostname" + recreate,
				subdomainSet, envEach, "kept SearchNone", dnsPolicySet,
				"warned HostPortsSurge spec.updateStrategy: a rolling update starts a new pod beside the old one, and no node has their ports twice: " +
					"set maxSurge: 0 with maxUnavailable: 1, or have more nodes than pods", nodeHostname}},
		{line: "unless they ask for another", metadata: asking(rewritingBy(fromDaemonSet, "none"), "generated"), spec: `{` + clusterDNS + ofNode("n1") + `,` + onePort + `}`, uid: uid,
			patch: hostSet + `{"op":"add","path":"/metadata/name","value":"nimbus-` + suffix + `"},{"op":"add","path":"/spec/hostname","value":"nimbus-` + suffix + `"},` +
				`{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + inEnv("nimbus-"+suffix) + `{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: []string{hostNetworkSet, named, "changed HostnameGenerated metadata.name", "changed HostnameGenerated spec.hostname", subdomainSet, envSet, "kept SearchNone", dnsPolicySet, nodeHostname}},
		{line: "a node's name that is too long is told of, with what helps", metadata: rewritingBy(fromDaemonSet, "none"), spec: `{` + clusterDNS + ofNode(strings.Repeat("a", 70)) + `,` + onePort + `}`, uid: uid,
			want: []string{hostNetworkSet, named,
				`refused HostnameOfNodeInvalid metadata.annotations[netmode.io/hostname]: Invalid value: "node": the node's name ` + strings.Repeat("a", 70) + " cannot be one: " + tooLong + askGenerated,
				subdomainSet, "kept SearchNone", dnsPolicySet, nodeHostname}},
		{line: "a DaemonSet's pod that is for no node gets a name as others do", metadata: rewritingBy(fromDaemonSet, "none"), spec: `{` + clusterDNS + onePort + `}`, uid: uid,
			patch: hostSet + `{"op":"add","path":"/metadata/name","value":"nimbus-` + suffix + `"},{"op":"add","path":"/spec/hostname","value":"nimbus-` + suffix + `"},` +
				`{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + inEnv("nimbus-"+suffix) + `{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want: []string{hostNetworkSet, named, "changed HostnameGenerated metadata.name", "changed HostnameGenerated spec.hostname", subdomainSet, envSet, "kept SearchNone", dnsPolicySet, nodeHostname}},
	}
}

// statefulSetHeadlessOnHost are pods of mode statefulset-headless that are on their
// node's network by themselves.
func statefulSetHeadlessOnHost() []podRow {
	metadata := rewritingBy(strings.Replace(fromStatefulSet, `"labels"`, `"annotations":{},"labels"`, 1), "none")
	metadata = strings.Replace(metadata, `"none",}`, `"none"}`, 1)
	const peer = `{"hostNetwork":true,"hostname":"nimbus-0","subdomain":"nimbus",`
	served := `"dnsPolicy":"ClusterFirstWithHostNet",`
	told := func(found ...string) []string {
		return slices.Concat([]string{namedBySpec, hostnameKept, envEach, "kept SearchNone"}, found)
	}
	dnsPatch := `[{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`
	return []podRow{
		{line: "the cluster's DNS comes first", metadata: metadata, spec: peer + `"dnsPolicy":"ClusterFirst",` + onePort + `}`, patch: dnsPatch, want: told(dnsPolicySet, nodeHostname)},
		{line: "or the search rewrite writes it", metadata: strings.Replace(metadata, "none", "auto", 1), spec: peer + `"dnsPolicy":"ClusterFirst",` + onePort + `}`, search: knownDNS,
			patch: `[` + prependPatch + `]`, want: []string{namedBySpec, hostnameKept, envEach, dnsKnown, byPrepend, byItself, nodeHostname}},
		{line: "what has it all is left alone", metadata: metadata, spec: peer + served + onePort + `}`, want: told(nodeHostname)},
		{line: "a hostPort is the containerPort", metadata: metadata, spec: peer + served + `"containers":[{"name":"a","ports":[{"containerPort":80,"hostPort":81}]}]}`,
			want: told("refused HostPortMismatch spec.containers[0].ports[0].hostPort: Invalid value: 81: differs from containerPort 80: set hostPort to the containerPort, or leave hostPort out", nodeHostname)},
		{line: "no port twice", metadata: metadata, spec: peer + served + `"containers":[{"name":"a","ports":[{"containerPort":80}]},{"name":"b","ports":[{"containerPort":80}]}]}`,
			want: told("refused HostPortConflict spec.containers[1].ports[0].containerPort: Invalid value: 80: TCP port 80 is taken by spec.containers[0].ports[0]: give one of them another port", nodeHostname)},
		{line: "no user namespace", metadata: metadata, spec: peer + served + `"hostUsers":false,` + onePort + `}`,
			want: told("refused UserNamespace spec.hostUsers: Invalid value: false: a pod in a user namespace cannot use the host network: remove hostUsers: false, or choose another mode", nodeHostname)},
		{line: "no net sysctl", metadata: metadata, spec: peer + served + `"securityContext":{"sysctls":[{"name":"net.core.somaxconn"}]},` + onePort + `}`,
			want: told(`refused NetSysctl spec.securityContext.sysctls[0].name: Invalid value: "net.core.somaxconn": would change the node's own network: remove the sysctl and set it on the node, or choose another mode`, nodeHostname)},
		{line: "no mesh", metadata: metadata, spec: peer + served + `"containers":[{"name":"istio-proxy","ports":[{"containerPort":80}]}]}`,
			want: told(`refused MeshSidecar spec.containers[0].name: Invalid value: "istio-proxy": a service mesh was injected already, and its rules would be the node's; sidecar.istio.io/inject: "false" among the pod's labels keeps Istio away: turn the mesh's injection off for this pod, or choose another mode`, nodeHostname)},
		{line: "nor one to come", metadata: strings.Replace(metadata, `"app":"nimbus"`, `"sidecar.istio.io/inject":"true"`, 1), spec: peer + served + onePort + `}`,
			want: told(`warned MeshInjection metadata.labels[sidecar.istio.io/inject]: "true" asks Istio for a sidecar: a pod that gets it before netmode is called is refused, and one that is on the host network by then is left out of the mesh; `+
				`sidecar.istio.io/inject: "false" among the pod's labels keeps Istio away: turn the mesh's injection off for this pod, or choose another mode`, nodeHostname)},
		{line: "nor rules of its own", metadata: metadata, spec: peer + served + `"initContainers":[{"name":"rules","securityContext":{"privileged":true}}],` + onePort + `}`,
			want: told("warned InitContainerNetAdmin spec.initContainers[0].securityContext.privileged: true lets init container rules write iptables rules and routes, and they would be the node's: "+
				"take NET_ADMIN, ALL or privileged from it, or choose another mode", nodeHostname)},
		{line: "a port is declared", metadata: metadata, spec: peer + served + `"containers":[{"name":"a"}]}`, want: told(noDeclaredPort, nodeHostname)},
		{line: "a surge is told of", metadata: metadata, spec: peer + served + onePort + `}`, workload: &workload.Workload{Kind: "StatefulSet", OwnHostnames: true, Surges: true, SurgeField: "spec.strategy"},
			want: told("warned HostPortsSurge spec.strategy: a rolling update starts a new pod beside the old one, and no node has their ports twice: set maxSurge: 0 with maxUnavailable: 1, or have more nodes than pods", nodeHostname)},
		{line: "and PodSecurity", metadata: metadata, spec: peer + served + onePort + `}`, namespaceLabels: map[string]string{api.LabelPodSecurityEnforce: "baseline"},
			want: told(nodeHostname, "warned PodSecurityRejects spec.hostNetwork: namespace storm enforces PodSecurity baseline, which rejects hostNetwork: "+
				"run the pod in a namespace whose PodSecurity level allows it, or choose another mode")},
		{line: "setHostnameAsFQDN is refused as ever", metadata: metadata, spec: peer + served + `"setHostnameAsFQDN":true,` + onePort + `}`, want: append([]string{hostnameFQDN}, told(nodeHostname)...)},
	}
}
