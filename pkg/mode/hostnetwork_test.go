package mode_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// What most rows of mode hostnetwork have in common.
const (
	hostNetworkSet = "changed HostNetworkSet spec.hostNetwork"
	dnsPolicySet   = "changed DNSPolicySet spec.dnsPolicy"
	nodeHostname   = "warned NodeHostname spec.hostNetwork: hostname(1) in the pod is the node's name"
	noDeclaredPort = "warned NoDeclaredPort spec.containers: no port is declared, so the scheduler cannot keep two such pods off one node: " +
		"list every port that the pod listens on under containers[].ports"

	hostNetworkPatch = `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`
	onePort          = `"containers":[{"name":"web","ports":[{"containerPort":80}]}]`
)

// served is what an ordinary pod of mode hostnetwork is told.
var served = []string{hostNetworkSet, dnsPolicySet, nodeHostname}

func TestHostNetworkPod(t *testing.T) { runPodRows(t, api.ModeHostNetwork, hostNetworkPods()) }

func TestHostNetworkPodPorts(t *testing.T) {
	runPodRows(t, api.ModeHostNetwork, hostNetworkPodPorts())
}

func TestHostNetworkService(t *testing.T) {
	runServiceRows(t, api.ModeHostNetwork, hostNetworkServices())
}

// refusedAtFirst is refusedHostNetwork for rules that come before the DNS policy.
func refusedAtFirst(refusals ...string) []string {
	return append(append([]string{hostNetworkSet}, refusals...), dnsPolicySet, nodeHostname)
}

// refusedHostNetwork is a pod that is fine but for the refusals.
func refusedHostNetwork(refusals ...string) []string {
	return append(append([]string{hostNetworkSet, dnsPolicySet}, refusals...), nodeHostname)
}

func hostNetworkPods() []podRow {
	windows := func(path string) []string {
		return refusedAtFirst("refused WindowsPod " + path + `: Invalid value: "windows": the mode works on Linux nodes only: remove the mode from pods for Windows`)
	}
	security := func(level string) []string {
		return append([]string{}, hostNetworkSet, dnsPolicySet, nodeHostname,
			"warned PodSecurityRejects spec.hostNetwork: namespace storm enforces PodSecurity "+level+", which rejects hostNetwork: "+
				"run the pod in a namespace whose PodSecurity level allows it, or choose another mode")
	}
	sysctl := func(index, name string) string {
		return "refused NetSysctl spec.securityContext.sysctls[" + index + `].name: Invalid value: "` + name + `": would change the node's own network: ` +
			"remove the sysctl and set it on the node, or choose another mode"
	}
	return []podRow{
		{line: "hostNetwork true, and dnsPolicy ClusterFirst becomes ClusterFirstWithHostNet",
			spec: `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, patch: hostNetworkPatch, want: served},
		{line: "unset dnsPolicy becomes ClusterFirstWithHostNet",
			spec:  `{` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"add","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want:  served},
		{line: "empty dnsPolicy and hostNetwork false are replaced",
			spec:  `{"hostNetwork":false,"dnsPolicy":"",` + onePort + `}`,
			patch: `[{"op":"replace","path":"/spec/hostNetwork","value":true},{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want:  served},
		{line: "null members are as good as none",
			spec:  `{"hostNetwork":null,"dnsPolicy":null,"securityContext":null,"hostUsers":null,"hostnameOverride":null,"os":null,"nodeSelector":null,"initContainers":null,` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"add","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want:  served},
		{line: "ClusterFirstWithHostNet is what it should be",
			spec:  `{"dnsPolicy":"ClusterFirstWithHostNet",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostNetwork","value":true}]`,
			want:  []string{hostNetworkSet, nodeHostname}},
		{line: "hostNetwork true with ClusterFirst still gets cluster DNS",
			spec:  `{"hostNetwork":true,"dnsPolicy":"ClusterFirst",` + onePort + `}`,
			patch: `[{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"}]`,
			want:  []string{dnsPolicySet, nodeHostname}},
		{line: "a pod that has it all is left alone",
			spec: `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet",` + onePort + `}`,
			want: []string{nodeHostname}},
		{line: "dnsPolicy None is kept, with a warning",
			spec:  `{"dnsPolicy":"None","dnsConfig":{"nameservers":["10.0.0.9"]},` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostNetwork","value":true}]`,
			want: []string{hostNetworkSet,
				"warned DNSPolicyKept spec.dnsPolicy: None stays, and the pod may not resolve Service names: set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names",
				nodeHostname}},
		{line: "dnsPolicy Default is kept, with a warning",
			spec:  `{"dnsPolicy":"Default",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostNetwork","value":true}]`,
			want: []string{hostNetworkSet,
				"warned DNSPolicyKept spec.dnsPolicy: Default stays, and the pod may not resolve Service names: set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names",
				nodeHostname}},
		{line: "hostUsers false is refused",
			spec: `{"dnsPolicy":"ClusterFirst","hostUsers":false,` + onePort + `}`,
			want: refusedHostNetwork("refused UserNamespace spec.hostUsers: Invalid value: false: a pod in a user namespace cannot use the host network: remove hostUsers: false, or choose another mode")},
		{line: "hostUsers true is accepted",
			spec: `{"dnsPolicy":"ClusterFirst","hostUsers":true,` + onePort + `}`, patch: hostNetworkPatch, want: served},
		{line: "hostnameOverride is refused",
			spec: `{"dnsPolicy":"ClusterFirst","hostnameOverride":"db.example.org",` + onePort + `}`,
			want: refusedAtFirst(`refused HostnameOverride spec.hostnameOverride: Invalid value: "db.example.org": replaces the pod's hostname and drops its subdomain: ` +
				"remove hostnameOverride, or remove netmode.io/mode")},
		{line: "every net sysctl is refused, with dots or slashes",
			spec: `{"dnsPolicy":"ClusterFirst","securityContext":{"sysctls":[{"name":"kernel.shm_rmid_forced","value":"1"},{"name":"net.core.somaxconn","value":"1"},{"name":"net/ipv4/conf/eth0.1/forwarding","value":"1"}]},` + onePort + `}`,
			want: refusedHostNetwork(sysctl("1", "net.core.somaxconn"), sysctl("2", "net/ipv4/conf/eth0.1/forwarding"))},
		{line: "sysctls that only look like net are accepted",
			spec:  `{"dnsPolicy":"ClusterFirst","securityContext":{"sysctls":[{"name":"kernel.sem"},{"name":"netfilter.x"},{"name":"fs/mqueue/net.x"}]},` + onePort + `}`,
			patch: hostNetworkPatch, want: served},
		{line: "Windows by os.name is refused",
			spec: `{"dnsPolicy":"ClusterFirst","os":{"name":"windows"},"nodeSelector":{"kubernetes.io/os":"windows"},` + onePort + `}`,
			want: windows("spec.os.name")},
		{line: "Windows by nodeSelector is refused",
			spec: `{"dnsPolicy":"ClusterFirst","nodeSelector":{"kubernetes.io/os":"windows"},` + onePort + `}`,
			want: windows("spec.nodeSelector[kubernetes.io/os]")},
		{line: "the refusal names the field that says Windows, not an os that says otherwise",
			spec: `{"dnsPolicy":"ClusterFirst","os":{"name":"linux"},"nodeSelector":{"kubernetes.io/os":"windows"},` + onePort + `}`,
			want: windows("spec.nodeSelector[kubernetes.io/os]")},
		{line: "Linux is accepted",
			spec:  `{"dnsPolicy":"ClusterFirst","os":{"name":"linux"},"nodeSelector":{"kubernetes.io/os":"linux"},` + onePort + `}`,
			patch: hostNetworkPatch, want: served},
		{line: "a pod without a declared port is warned",
			spec: `{"dnsPolicy":"ClusterFirst","containers":[{"name":"web"},{"name":"other","ports":[]}]}`, patch: hostNetworkPatch,
			want: []string{hostNetworkSet, dnsPolicySet, noDeclaredPort, nodeHostname}},
		{line: "a plain init container's port is not a port that the pod listens on",
			spec:  `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"i","ports":[{"containerPort":80}]}],"containers":[{"name":"web"}]}`,
			patch: hostNetworkPatch,
			want:  []string{hostNetworkSet, dnsPolicySet, noDeclaredPort, nodeHostname}},
		{line: "a restartable init container's port is one",
			spec:  `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"i","restartPolicy":"Always","ports":[{"containerPort":80}]}],"containers":[{"name":"web"}]}`,
			patch: hostNetworkPatch, want: served},
		{line: "a surge is warned of where ports are declared", patch: hostNetworkPatch,
			workload: &workload.Workload{Kind: "DaemonSet", Surges: true, SurgeField: "spec.updateStrategy"},
			spec:     `{"dnsPolicy":"ClusterFirst",` + onePort + `}`,
			want: []string{hostNetworkSet, dnsPolicySet,
				"warned HostPortsSurge spec.updateStrategy: a rolling update starts a new pod beside the old one, and no node has their ports twice: " +
					"set maxSurge: 0 with maxUnavailable: 1, or have more nodes than pods", nodeHostname}},
		{line: "a surge of pods without ports is not", patch: hostNetworkPatch,
			workload: &workload.Workload{Kind: "Deployment", Surges: true, SurgeField: "spec.strategy"},
			spec:     `{"dnsPolicy":"ClusterFirst","containers":[{"name":"web"}]}`,
			want:     []string{hostNetworkSet, dnsPolicySet, noDeclaredPort, nodeHostname}},
		{line: "nor an update without surge", patch: hostNetworkPatch,
			workload: &workload.Workload{Kind: "Deployment", SurgeField: "spec.strategy"}, spec: `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, want: served},
		{line: "PodSecurity baseline is warned of",
			namespaceLabels: map[string]string{api.LabelPodSecurityEnforce: "baseline"},
			spec:            `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, patch: hostNetworkPatch, want: security("baseline")},
		{line: "PodSecurity restricted is warned of",
			namespaceLabels: map[string]string{api.LabelPodSecurityEnforce: "restricted"},
			spec:            `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, patch: hostNetworkPatch, want: security("restricted")},
		{line: "PodSecurity privileged, and baseline that is only audited, are not",
			namespaceLabels: map[string]string{api.LabelPodSecurityEnforce: "privileged", "pod-security.kubernetes.io/audit": "baseline"},
			spec:            `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, patch: hostNetworkPatch, want: served},
		{line: "every problem is named at once",
			spec: `{"dnsPolicy":"ClusterFirst","hostUsers":false,"hostnameOverride":"x","os":{"name":"windows"},"containers":[{"name":"linkerd-proxy","ports":[{"containerPort":80}]}]}`,
			want: []string{hostNetworkSet,
				`refused HostnameOverride spec.hostnameOverride: Invalid value: "x": replaces the pod's hostname and drops its subdomain: remove hostnameOverride, or remove netmode.io/mode`,
				`refused WindowsPod spec.os.name: Invalid value: "windows": the mode works on Linux nodes only: remove the mode from pods for Windows`,
				dnsPolicySet,
				"refused UserNamespace spec.hostUsers: Invalid value: false: a pod in a user namespace cannot use the host network: remove hostUsers: false, or choose another mode",
				`refused MeshSidecar spec.containers[0].name: Invalid value: "linkerd-proxy": a service mesh was injected already, and its rules would be the node's; ` +
					`linkerd.io/inject: "disabled" among the pod's annotations keeps Linkerd away: turn the mesh's injection off for this pod, or choose another mode`,
				nodeHostname}},
	}
}

func hostNetworkServices() []serviceRow {
	const keeps = "kept NothingToChange"
	return []serviceRow{
		{line: "a Service stays as it is", spec: `{"type":"ClusterIP","ports":[{"port":80,"targetPort":8080}]}`, want: []string{keeps}},
		{line: "whatever its type", spec: `{"type":"NodePort","clusterIP":"10.96.0.7","sessionAffinity":"ClientIP","externalIPs":["192.0.2.1"]}`, want: []string{keeps}},
	}
}
