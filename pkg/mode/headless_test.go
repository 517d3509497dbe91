package mode_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// What rows of both headless modes have in common.
const (
	named         = "kept GoverningServiceNamed metadata.annotations[netmode.io/service]"
	namedBySpec   = "kept GoverningServiceNamed spec.subdomain"
	hostnameSet   = "changed HostnameSet spec.hostname"
	subdomainSet  = "changed SubdomainSet spec.subdomain"
	hostNetworkOn = "refused HostNetworkInUse spec.hostNetwork: Invalid value: true: the pod would have its node's name and address: " +
		"remove hostNetwork, or use netmode.io/mode: hostnetwork"
	hostnameOverridden = `refused HostnameOverride spec.hostnameOverride: Invalid value: "x": replaces the pod's hostname and drops its subdomain: ` +
		"remove hostnameOverride, or remove netmode.io/mode"
	hostnameFQDN = "refused HostnameIsFQDN spec.setHostnameAsFQDN: Invalid value: true: hostname(1) would be the full name, which peers do not know the pod by: " +
		"remove setHostnameAsFQDN"
	windowsByOS       = `refused WindowsPod spec.os.name: Invalid value: "windows": the mode works on Linux nodes only: remove the mode from pods for Windows`
	windowsBySelector = `refused WindowsPod spec.nodeSelector[kubernetes.io/os]: Invalid value: "windows": the mode works on Linux nodes only: remove the mode from pods for Windows`

	notLabel = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character " +
		"(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
	tooLong    = "must be no more than 63 characters"
	dotted     = "must not contain dots"
	chooseName = ": choose a shorter or simpler name"
)

// Pods as their controllers make them, each asking for the governing Service
// nimbus.
const (
	fromReplicaSet = `{"generateName":"nimbus-5d4f-","labels":{"app":"nimbus"},"annotations":{"netmode.io/service":"nimbus"},` +
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"nimbus-5d4f","controller":true}]}`
	fromDaemonSet = `{"generateName":"nimbus-","annotations":{"netmode.io/service":"nimbus"},` +
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"nimbus","controller":true}]}`
	fromStatefulSet = `{"name":"nimbus-0","generateName":"nimbus-","labels":{"app":"nimbus"},` +
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"nimbus","controller":true}]}`
	fromIndexedJob = `{"generateName":"nimbus-0-","annotations":{"netmode.io/service":"nimbus"},` +
		`"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"nimbus","controller":true}]}`

	headlessPatch = `[{"op":"add","path":"/spec/hostname","value":"nimbus"},{"op":"add","path":"/spec/subdomain","value":"nimbus"}]`
)

func hostnameInvalid(path, value, why string) string {
	return "refused HostnameInvalid " + path + `: Invalid value: "` + value + `": cannot be a hostname: ` + why + chooseName
}

func serviceInvalid(value, why string) string {
	return `refused GoverningServiceInvalid spec.subdomain: Invalid value: "` + value + `": no Service can have this name: ` + why +
		": write the bare name of the headless Service (a StatefulSet must be created anew for that)"
}

const onWindows = `{"matchExpressions":[{"key":"a","operator":"Exists"},{"key":"kubernetes.io/os","operator":"In","values":["windows"]}]}`

func windowsBy(path string) string {
	return "refused WindowsPod spec." + path + `: Invalid value: "windows": the mode works on Linux nodes only: remove the mode from pods for Windows`
}

func TestHeadlessPod(t *testing.T) { runPodRows(t, api.ModeHeadless, headlessPods()) }

func headlessPods() []podRow {
	set := []string{named, hostnameSet, subdomainSet}
	taken := func(hostname string) string {
		return `refused HostnameTaken spec.hostname: Invalid value: "` + hostname + `": differs from the governing Service nimbus: ` +
			"remove hostname, or make it equal to the Service's name"
	}
	const statefulSet = `refused PodHasOwnName metadata.annotations[netmode.io/mode]: Invalid value: "headless": the pods of a StatefulSet have names of their own: ` +
		"use netmode.io/mode: statefulset-headless"
	label63, label64 := strings.Repeat("a", 63), strings.Repeat("a", 64)
	rows := []podRow{
		{line: "hostname and subdomain become the governing Service", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "a bare pod keeps its name, and its hostname is the Service's", metadata: `{"name":"bare","annotations":{"netmode.io/service":"nimbus"}}`,
			spec: `{` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "a DaemonSet's pod can be served", metadata: fromDaemonSet, spec: `{` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "empty members are replaced", metadata: fromReplicaSet, spec: `{"hostname":"","subdomain":"",` + onePort + `}`,
			patch: `[{"op":"replace","path":"/spec/hostname","value":"nimbus"},{"op":"replace","path":"/spec/subdomain","value":"nimbus"}]`, want: set},
		{line: "null members are made", metadata: fromReplicaSet,
			spec:  `{"hostname":null,"subdomain":null,"hostNetwork":null,"setHostnameAsFQDN":null,"hostnameOverride":null,` + onePort + `}`,
			patch: headlessPatch, want: set},
		{line: "a hostname that is the Service's is kept", metadata: fromReplicaSet, spec: `{"hostname":"nimbus",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"}]`, want: []string{named, subdomainSet}},
		{line: "a subdomain that is the Service's is kept", metadata: fromReplicaSet, spec: `{"subdomain":"nimbus",` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostname","value":"nimbus"}]`, want: []string{named, hostnameSet}},
		{line: "a pod that has it all is left alone", metadata: fromReplicaSet, spec: `{"hostname":"nimbus","subdomain":"nimbus",` + onePort + `}`, want: []string{named}},
		{line: "another hostname is refused", metadata: fromReplicaSet, spec: `{"hostname":"other",` + onePort + `}`,
			want: []string{named, taken("other"), subdomainSet}},
		{line: "an Indexed Job's pod has a hostname of its own, and is refused", metadata: fromIndexedJob, spec: `{"hostname":"nimbus-0",` + onePort + `}`,
			want: []string{named, taken("nimbus-0"), subdomainSet}},
		{line: "an Indexed Job's pod is told of the mode for it, once",
			metadata: strings.Replace(fromIndexedJob, `"annotations"`, `"labels":{"batch.kubernetes.io/job-completion-index":"0"},"annotations"`, 1), spec: `{"hostname":"nimbus-0",` + onePort + `}`,
			want: []string{`refused PodHasOwnName metadata.annotations[netmode.io/mode]: Invalid value: "headless": the pods of an Indexed Job have names of their own: ` +
				"use netmode.io/mode: statefulset-headless", named, subdomainSet}},
		{line: "a StatefulSet's pod is refused, once", metadata: fromStatefulSet, spec: `{"hostname":"nimbus-0","subdomain":"nimbus",` + onePort + `}`,
			want: []string{statefulSet, namedBySpec}},
		{line: "a StatefulSet that only owns the pod does not control it",
			metadata: `{"name":"x","annotations":{"netmode.io/service":"nimbus"},"ownerReferences":[{"kind":"StatefulSet","name":"a"},{"kind":"ReplicaSet","name":"b","controller":true}]}`,
			spec:     `{` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "hostNetwork true is refused", metadata: fromReplicaSet, spec: `{"hostNetwork":true,` + onePort + `}`, want: append([]string{hostNetworkOn}, set...)},
		{line: "hostNetwork false is accepted", metadata: fromReplicaSet, spec: `{"hostNetwork":false,` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "hostnameOverride is refused", metadata: fromReplicaSet, spec: `{"hostnameOverride":"x",` + onePort + `}`, want: append([]string{hostnameOverridden}, set...)},
		{line: "setHostnameAsFQDN true is refused", metadata: fromReplicaSet, spec: `{"setHostnameAsFQDN":true,` + onePort + `}`, want: append([]string{hostnameFQDN}, set...)},
		{line: "setHostnameAsFQDN false is accepted", metadata: fromReplicaSet, spec: `{"setHostnameAsFQDN":false,` + onePort + `}`, patch: headlessPatch, want: set},
		{line: "Windows by os.name is refused", metadata: fromReplicaSet, spec: `{"os":{"name":"windows"},` + onePort + `}`, want: append([]string{windowsByOS}, set...)},
		{line: "Windows by nodeSelector is refused", metadata: fromReplicaSet, spec: `{"nodeSelector":{"kubernetes.io/os":"windows"},` + onePort + `}`,
			want: append([]string{windowsBySelector}, set...)},
		{line: "Windows by the deprecated label is refused", metadata: fromReplicaSet, spec: `{"nodeSelector":{"beta.kubernetes.io/os":"windows"},` + onePort + `}`,
			want: append([]string{windowsBy("nodeSelector[beta.kubernetes.io/os]")}, set...)},
		{line: "Windows by HostProcess is refused", metadata: fromReplicaSet, spec: `{"securityContext":{"windowsOptions":{"hostProcess":true}},` + onePort + `}`,
			want: append([]string{windowsBy("securityContext.windowsOptions.hostProcess")}, set...)},
		{line: "Windows by every term of a required affinity is refused", metadata: fromReplicaSet,
			spec: `{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[` + onWindows + `,` + onWindows + `]}}},` + onePort + `}`,
			want: append([]string{windowsBy("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")}, set...)},
		{line: "an affinity that Linux nodes may satisfy is served", metadata: fromReplicaSet, patch: headlessPatch,
			spec: `{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[` + onWindows + `,{"matchExpressions":[{"key":"a","operator":"Exists"}]}]}}},` + onePort + `}`,
			want: set},
		{line: "the refusal names the field that says Windows", metadata: fromReplicaSet, spec: `{"os":{},"nodeSelector":{"kubernetes.io/os":"windows"},` + onePort + `}`,
			want: append([]string{windowsBySelector}, set...)},
		{line: "every problem is named at once", metadata: fromStatefulSet,
			spec: `{"hostNetwork":true,"hostnameOverride":"x","setHostnameAsFQDN":true,"os":{"name":"windows"},"hostname":"nimbus-0","subdomain":"nimbus",` + onePort + `}`,
			want: []string{hostNetworkOn, hostnameOverridden, hostnameFQDN, windowsByOS, statefulSet, namedBySpec}},
		{line: "a Service's name of 63 characters can be a hostname", metadata: `{"name":"x","annotations":{"netmode.io/service":"` + label63 + `"}}`, spec: `{` + onePort + `}`,
			patch: `[{"op":"add","path":"/spec/hostname","value":"` + label63 + `"},{"op":"add","path":"/spec/subdomain","value":"` + label63 + `"}]`, want: set},
		{line: "a subdomain of 64 characters is refused", spec: `{"subdomain":"` + label64 + `",` + onePort + `}`,
			want: []string{serviceInvalid(label64, tooLong)}},
		{line: "a subdomain with dots is refused", spec: `{"subdomain":"a.b",` + onePort + `}`,
			want: []string{serviceInvalid("a.b", dotted)}},
		{line: "a hostname that equals the Service and is no label is refused", spec: `{"hostname":"Nimbus","subdomain":"Nimbus",` + onePort + `}`,
			want: []string{serviceInvalid("Nimbus", notLabel)}},
		{line: "more than one replica is warned of at the workload", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Kind: "Deployment", Name: "nimbus", Replicas: 3, ReplicasField: "spec.replicas", SurgeField: "spec.strategy"},
			want:     append(append([]string{}, set...), "warned HostnameShared spec.replicas: 3 pods would share one hostname"+runOne)},
		{line: "a surge is warned of at the workload", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Kind: "Deployment", Name: "nimbus", Replicas: 1, ReplicasField: "spec.replicas", Surges: true, SurgeField: "spec.strategy"},
			want: append(append([]string{}, set...),
				"warned HostnameSurge spec.strategy: a rolling update runs the old and the new pod at once, and they would share one hostname"+recreate)},
		{line: "replicas and surge are both warned of, below their own fields", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Replicas: 2, ReplicasField: "spec.jobTemplate.spec.parallelism", Surges: true, SurgeField: "spec.updateStrategy"},
			want: append(append([]string{}, set...),
				"warned HostnameShared spec.jobTemplate.spec.parallelism: 2 pods would share one hostname"+runOne,
				"warned HostnameSurge spec.updateStrategy: a rolling update runs the old and the new pod at once, and they would share one hostname"+recreate)},
		{line: "a DaemonSet has many pods", metadata: fromDaemonSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Kind: "DaemonSet", Name: "nimbus", SurgeField: "spec.updateStrategy"},
			want:     append(append([]string{}, set...), "warned HostnameShared: a DaemonSet runs a pod on every node, and they would share one hostname"+runOne)},
		{line: "one replica that is recreated is fine", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Kind: "Deployment", Replicas: 1, ReplicasField: "spec.replicas", SurgeField: "spec.strategy"}, want: set},
		{line: "no replica is fine", metadata: fromReplicaSet, spec: `{` + onePort + `}`, patch: headlessPatch,
			workload: &workload.Workload{Kind: "Deployment", ReplicasField: "spec.replicas"}, want: set},
	}
	return append(rows, headlessPodPorts()...)
}

// headlessPodPorts compares the pod's ports with the named targetPorts of the
// governing Service.
func headlessPodPorts() []podRow {
	set := []string{named, hostnameSet, subdomainSet}
	nimbus := func(ports string) string {
		return `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"},"ports":` + ports + `}}]`
	}
	differs := func(port, target, number string) string {
		return "warned PortNotTranslated spec.containers: Service nimbus has port " + port + ", and the pod listens on its targetPort " + target + ", " + number +
			": make port equal to the port that the container listens on"
	}
	const thrift = `{"containers":[{"name":"a"},{"name":"b","ports":[{"name":"ui","containerPort":8080},{"name":"thrift","containerPort":6627}]}]}`
	rows := []podRow{
		{line: "a named targetPort that leads to another number is warned of", spec: thrift, services: nimbus(`[{"port":80,"targetPort":"thrift"}]`),
			want: []string{differs("80", "thrift", "6627")}},
		{line: "each of them is", spec: thrift, services: nimbus(`[{"port":80,"targetPort":"thrift"},{"port":8080,"targetPort":"ui"},{"port":81,"targetPort":"ui"}]`),
			want: []string{differs("80", "thrift", "6627"), differs("81", "ui", "8080")}},
		{line: "one that leads to the same number is fine", spec: thrift, services: nimbus(`[{"port":6627,"targetPort":"thrift"}]`)},
		{line: "numbers are the Service's matter", spec: thrift, services: nimbus(`[{"port":80,"targetPort":6627},{"port":81}]`)},
		{line: "and a template's as well", spec: thrift, services: nimbus(`[{"port":80,"targetPort":6627},{"port":81},{"port":82,"targetPort":82}]`), workload: &workload.Workload{},
			want: []string{"warned PortNotTranslated spec.containers: Service nimbus has port 80, and its targetPort is 6627: make port equal to the port that the container listens on"}},
		{line: "a name that the pod does not have says nothing", spec: thrift, services: nimbus(`[{"port":80,"targetPort":"other"}]`)},
		{line: "a restartable init container's port counts", services: nimbus(`[{"port":80,"targetPort":"p"}]`),
			spec: `{"initContainers":[{"name":"i","restartPolicy":"Always","ports":[{"name":"p","containerPort":81}]}],"containers":[{"name":"a"}]}`,
			want: []string{differs("80", "p", "81")}},
		{line: "a plain init container's does not", services: nimbus(`[{"port":80,"targetPort":"p"}]`),
			spec: `{"initContainers":[{"name":"i","ports":[{"name":"p","containerPort":81}]}],"containers":[{"name":"a"}]}`},
		{line: "a name means the port of the Service's protocol",
			services: nimbus(`[{"name":"dns","protocol":"UDP","port":53,"targetPort":"dns"},{"name":"dns-tcp","protocol":"TCP","port":53,"targetPort":"dns"}]`),
			spec:     `{"containers":[{"name":"tcp","ports":[{"name":"dns","containerPort":1053}]},{"name":"udp","ports":[{"name":"dns","protocol":"UDP","containerPort":53}]}]}`,
			want:     []string{differs("53", "dns", "1053")}},
		{line: "the Services beside the governing one do not count", spec: thrift,
			services: `[{"metadata":{"name":"other"},"spec":{"clusterIP":"None","selector":{"app":"other"},"ports":[{"port":80,"targetPort":"thrift"}]}},` +
				nimbus(`[{"port":6627,"targetPort":"thrift"}]`)[1:]},
	}
	for i := range rows {
		rows[i].metadata, rows[i].patch = fromReplicaSet, headlessPatch
		rows[i].want = append(append([]string{}, set...), rows[i].want...)
	}
	return append(rows, podRow{line: "a Service with a cluster IP translates its ports", metadata: fromReplicaSet, spec: thrift, patch: headlessPatch,
		services: `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"10.96.0.7","selector":{"app":"nimbus"},"ports":[{"port":80,"targetPort":"thrift"}]}}]`,
		want:     []string{named, notHeadless("metadata.annotations[netmode.io/service]"), hostnameSet, subdomainSet}})
}
