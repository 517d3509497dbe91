package mode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// asking is the metadata of a pod with one more annotation.
func asking(metadata, source string) string {
	return strings.Replace(metadata, `"annotations":{`, `"annotations":{"netmode.io/hostname":"`+source+`",`, 1)
}

// The uid of a request, and what is made of it.
const (
	uid    = "705ab4f5-6393-11e8-b7cc-42010a800002"
	suffix = "6wmnm"
)

const (
	askGenerated = ": set netmode.io/hostname: generated"
	oneOnNode    = ": have a Service for each DaemonSet, or set netmode.io/hostname: generated"
)

// ofNode is the affinity that a DaemonSet's controller writes.
func ofNode(node string) string {
	return `"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[` +
		`{"matchFields":[{"key":"metadata.name","operator":"In","values":["` + node + `"]}]}]}}}`
}

// Where the hostname of a pod comes from that has none.
func TestHostnameSource(t *testing.T) {
	const (
		generated   = "changed HostnameGenerated "
		label       = "Invalid value: "
		alreadyName = `refused HostnameNotGenerated metadata.annotations[netmode.io/hostname]: Invalid value: "generated": the pod is named %s already: ` +
			"remove netmode.io/hostname: the hostname that the pod has, or its name, stays"
		noNode = `refused HostnameNoNode metadata.annotations[netmode.io/hostname]: Invalid value: "node": no DaemonSet makes the pod for one node: ` +
			"remove netmode.io/hostname, or use a DaemonSet"
		noName = "refused NoStableHostname spec.hostname: Required value: the pod has neither a hostname nor a name that peers could know: " +
			"remove netmode.io/hostname, so that a name is generated, or use a StatefulSet, or a Job with completionMode Indexed"
	)
	beginsWith := func(path, value, why string) string {
		return "refused HostnameInvalid " + path + ": " + label + `"` + value + `": the names of pods begin with it, and cannot be hostnames: ` + why + chooseName
	}
	patch := func(name, hostname string) string {
		operations := `{"op":"add","path":"/spec/hostname","value":"` + hostname + `"},{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch
		if name != "" {
			operations = `{"op":"add","path":"/metadata/name","value":"` + name + `"},` + operations
		}
		return "[" + operations
	}
	found := func(about ...string) []string {
		return append(append([]string{named}, about...), append([]string{subdomainSet}, appended...)...)
	}
	spec := `{` + onePort + `}`
	fromStatefulSet := strings.Replace(fromStatefulSet, `"labels"`, `"annotations":{"netmode.io/service":"nimbus"},"labels"`, 1)
	long := strings.Repeat("a", 70)
	surging := &workload.Workload{Kind: "DaemonSet", Name: "nimbus", Template: "spec.template", Surges: true, SurgeField: "spec.updateStrategy"}
	runPodRows(t, api.ModeStatefulSetHeadless, []podRow{
		{line: "a ReplicaSet's pod", metadata: fromReplicaSet, spec: spec, uid: uid,
			patch: patch("nimbus-5d4f-"+suffix, "nimbus-5d4f-"+suffix), want: found(generated+"metadata.name", generated+"spec.hostname")},
		{line: "a DaemonSet's pod", metadata: fromDaemonSet, spec: spec, uid: uid,
			patch: patch("nimbus-"+suffix, "nimbus-"+suffix), want: found(generated+"metadata.name", generated+"spec.hostname")},
		{line: "a Job's pod that is not Indexed, by name", metadata: asking(fromIndexedJob, "generated"), spec: spec, uid: uid,
			patch: patch("nimbus-0-"+suffix, "nimbus-0-"+suffix), want: found(generated+"metadata.name", generated+"spec.hostname")},
		{line: "no name is made offline", metadata: fromReplicaSet, spec: spec,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: found("kept HostnameGenerated spec.hostname")},
		{line: "a long generateName is cut", metadata: strings.Replace(fromDaemonSet, "nimbus-", long, 1), spec: spec, uid: uid,
			patch: patch(long[:58]+suffix, long[:58]+suffix), want: found(generated+"metadata.name", generated+"spec.hostname")},
		{line: "a generateName with dots", metadata: strings.Replace(fromDaemonSet, "nimbus-", "a.b-", 1), spec: spec, uid: uid,
			want: found(beginsWith("metadata.generateName", "a.b-", dotted))},
		{line: "and the workload that makes it", metadata: strings.Replace(fromDaemonSet, "nimbus-", "a.b-", 1), spec: spec,
			workload: &workload.Workload{Kind: "DaemonSet", Name: "a.b"}, want: found(beginsWith("metadata.name", "a.b", dotted))},
		{line: "own, without a name", metadata: asking(fromReplicaSet, "own"), spec: spec, uid: uid, want: found(noName)},
		{line: "generated, and named", metadata: `{"name":"web","annotations":{"netmode.io/service":"nimbus","netmode.io/hostname":"generated"}}`, spec: spec, uid: uid,
			want: found(fmt.Sprintf(alreadyName, "web"))},
		{line: "generated, and a StatefulSet's", metadata: asking(fromStatefulSet, "generated"), spec: `{"hostname":"nimbus-0",` + onePort + `}`, uid: uid,
			want: found(fmt.Sprintf(alreadyName, "nimbus-0"))},
		{line: "generated, and an Indexed Job's, which has a hostname", metadata: asking(fromIndexedJob, "generated"), spec: `{"hostname":"nimbus-0",` + onePort + `}`, uid: uid,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch, want: found(hostnameKept)},

		{line: "node", metadata: asking(fromDaemonSet, "node"), spec: `{` + ofNode("ip-10-0-0-1.ec2.internal") + `,` + onePort + `}`, uid: uid,
			patch: patch("", "ip-10-0-0-1-ec2-internal"), want: found("changed HostnameOfNode spec.hostname")},
		{line: "node, at the DaemonSet", metadata: asking(fromDaemonSet, "node"), spec: spec, workload: surging,
			patch: `[{"op":"add","path":"/spec/subdomain","value":"nimbus"},` + appendPatch,
			want: found("kept HostnameOfNode spec.hostname",
				"warned HostnameSurge spec.updateStrategy: a rolling update runs the old and the new pod of a node at once, and they would share one hostname"+recreate)},
		{line: "node, at a Deployment", metadata: asking(fromReplicaSet, "node"), spec: spec, workload: &workload.Workload{Kind: "Deployment"}, want: found(noNode)},
		{line: "node, of a ReplicaSet's pod that copies the affinity", metadata: asking(fromReplicaSet, "node"), spec: `{` + ofNode("n1") + `,` + onePort + `}`, uid: uid,
			want: found(noNode)},
		{line: "node, without the controller's affinity", metadata: asking(fromDaemonSet, "node"), spec: spec, uid: uid, want: found(noNode)},
		{line: "node, with another term", metadata: asking(fromDaemonSet, "node"), spec: `{` + strings.Replace(ofNode("n1"), `[{"matchFields"`, `[{},{"matchFields"`, 1) + `,` + onePort + `}`,
			uid: uid, want: found(noNode)},
		{line: "node, with several nodes", metadata: asking(fromDaemonSet, "node"), spec: `{` + strings.Replace(ofNode("n1"), `["n1"]`, `["n1","n2"]`, 1) + `,` + onePort + `}`,
			uid: uid, want: found(noNode)},
		{line: "node, and a name that is too long", metadata: asking(fromDaemonSet, "node"), spec: `{` + ofNode(long) + `,` + onePort + `}`, uid: uid,
			want: found(`refused HostnameOfNodeInvalid metadata.annotations[netmode.io/hostname]: Invalid value: "node": the node's name ` + long + " cannot be one: " + tooLong + askGenerated)},
	})
}

// Two requests give two names, and each is a name that the API server could make.
func TestGeneratedNames(t *testing.T) {
	names := map[string]bool{}
	for i := range 1000 {
		row := podRow{uid: fmt.Sprint(uid, i)}
		p := row.decide(t, find(t, api.ModeStatefulSetHeadless), object("Pod", fromReplicaSet, `{`+onePort+`}`))
		name := fmt.Sprint(p.Mutations[0].Value)
		last, ok := strings.CutPrefix(name, "nimbus-5d4f-")
		if !ok || len(last) != 5 || strings.Trim(last, "bcdfghjklmnpqrstvwxz2456789") != "" {
			t.Fatalf("the name %q", name)
		}
		if !p.Has(plan.HostnameGenerated) {
			t.Fatal("no word of it")
		}
		names[name] = true
	}
	if len(names) < 999 {
		t.Errorf("1,000 requests give %d names", len(names))
	}
}
