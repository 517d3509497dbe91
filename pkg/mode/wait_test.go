package mode_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// waiting is a pod of the StatefulSet nimbus that needs nothing but the wait.
const waiting = `{"hostname":"nimbus-0","subdomain":"nimbus",` + onePort + `}`

func waitsFor(value string, more ...string) string {
	text := `{"name":"nimbus-0","annotations":{"netmode.io/search-rewrite":"none","netmode.io/wait":"` + value + `"`
	for pair := range slices.Chunk(more, 2) {
		text += `,"` + strings.Join(pair, `":"`) + `"`
	}
	return text + `}}`
}

var withImage = resolv.Settings{
	Facts:         resolv.Facts{Domain: "k8s.example"},
	InitContainer: resolv.InitContainer{Image: "netmode:1"},
}

// waitPatch adds the init container that runs netmode wait with the arguments.
func waitPatch(arguments string) string {
	return `[{"op":"add","path":"/spec/initContainers","value":[{"name":"netmode-wait","image":"netmode:1",` +
		`"command":["/netmode","wait","--timeout",` + arguments + `],` +
		`"resources":{"limits":{"cpu":"50m","memory":"32Mi"},"requests":{"cpu":"50m","memory":"32Mi"}},` +
		`"securityContext":{"runAsUser":65534,"runAsNonRoot":true,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,` +
		`"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePolicy":"FallbackToLogsOnError"}]}]`
}

func waitRows() []podRow {
	const (
		added    = "changed WaitAdded spec.initContainers"
		none     = "kept SearchNone"
		at       = " metadata.annotations[netmode.io/wait]: Invalid value: "
		toShow   = ": set publishNotReadyAddresses: true in the Service"
		hidden   = `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"None","selector":{"a":"b"}}}]`
		shown    = `[{"metadata":{"name":"nimbus"},"spec":{"clusterIP":"None","publishNotReadyAddresses":true,"selector":{"a":"b"}}}]`
		asked    = `[{"metadata":{"name":"nimbus","annotations":{"netmode.io/mode":"statefulset-headless"}},"spec":{"selector":{"a":"b"}}}]`
		mismatch = "warned GoverningServiceMismatch spec.subdomain: Service nimbus does not select the pod: make the Service's selector match the pod's labels"
		capture  = `{"name":"istio-init","args":["istio-iptables","--redirect-dns=true"]}`
		wait0    = `{"name":"netmode-wait","command":["/netmode","wait","--timeout","5m","nimbus-0.nimbus.storm.svc.other.example"]}`
	)
	rest := func(found ...string) []string {
		return append(append([]string{namedBySpec, hostnameKept}, found...), none)
	}
	refused := func(reason, text string) []string { return rest("refused " + reason + at + text) }
	peers := func(change func(*workload.Workload)) *workload.Workload {
		w := workload.Workload{Kind: "StatefulSet", Name: "nimbus", Template: "spec.template", Replicas: 3, ReplicasField: "spec.replicas", OwnHostnames: true}
		change(&w)
		return &w
	}
	inOrder := peers(func(w *workload.Workload) { w.InOrder = true })
	parallel := peers(func(*workload.Workload) {})
	indexed := func(parallelism int32) *workload.Workload {
		return peers(func(w *workload.Workload) {
			w.Kind, w.Replicas, w.ReplicasField, w.Completions = "Job", parallelism, "spec.parallelism", 4
		})
	}
	orderly := `StatefulSet nimbus makes each pod only when the one before is ready, and a pod that waits is not: ` +
		`create the StatefulSet anew with podManagementPolicy: Parallel, or wait for its first pod`
	return []podRow{
		{line: "itself", metadata: waitsFor("self"), spec: waiting, search: withImage,
			patch: waitPatch(`"5m","nimbus-0.nimbus.storm.svc.k8s.example"`), want: rest(added)},
		{line: "a number of addresses, with a time-out", metadata: waitsFor("3", api.AnnotationWaitTimeout, "1h"), spec: waiting, search: withImage,
			patch: waitPatch(`"1h","--addresses","3","nimbus.storm.svc.k8s.example"`), want: rest(added)},
		{line: "names of every form, each once", metadata: waitsFor("self,nimbus-0,b.zk,c.zk.data,d.example.org.", api.AnnotationWaitTimeout, "90s"), spec: waiting, search: withImage,
			patch: waitPatch(`"1m30s","nimbus-0.nimbus.storm.svc.k8s.example","b.zk.storm.svc.k8s.example","c.zk.data.svc.k8s.example","d.example.org"`), want: rest(added)},
		{line: "the domain is assumed", metadata: waitsFor("nimbus-1"), spec: waiting, search: resolv.Settings{InitContainer: resolv.InitContainer{Image: "netmode:1"}},
			patch: waitPatch(`"5m","nimbus-1.nimbus.storm.svc.cluster.local"`), want: rest(domainAssumed, added)},
		{line: "a time-out without a wait", metadata: `{"annotations":{"netmode.io/search-rewrite":"none","netmode.io/wait-timeout":"1m"}}`, spec: waiting,
			want: rest("warned AnnotationUnused metadata.annotations[netmode.io/wait-timeout]: it does nothing without netmode.io/wait: remove it, or choose the mode that it belongs to")},
		{line: "another cluster domain does not undo it", metadata: waitsFor("self"), search: withImage,
			spec: strings.TrimSuffix(waiting, "}") + `,"initContainers":[` + wait0 + `]}`, want: rest("kept WaitInPlace spec.initContainers[0]")},
		{line: "another container of the name", metadata: waitsFor("nimbus-1"), search: withImage,
			spec: strings.TrimSuffix(waiting, "}") + `,"initContainers":[` + wait0 + `]}`,
			want: rest(`refused InitContainerName spec.initContainers[0].name: Invalid value: "netmode-wait": the name belongs to netmode's init container: ` +
				`rename that container, or remove it where it is a copy of netmode's`)},
		{line: "a container of the name", metadata: waitsFor("self"), search: withImage, spec: `{"hostname":"nimbus-0","subdomain":"nimbus","containers":[{"name":"netmode-wait"}]}`,
			want: rest(`refused InitContainerName spec.containers[0].name: Invalid value: "netmode-wait": the name belongs to netmode's init container: ` +
				`rename that container, or remove it where it is a copy of netmode's`)},
		{line: "netmode has no image", metadata: waitsFor("self"), spec: waiting, search: resolv.Settings{Facts: withImage.Facts},
			want: refused("InitContainerImage", `"self": netmode has no image for its init container: start netmode with --init-image, or use netmode.io/search-rewrite: auto and no netmode.io/wait`)},
		{line: "a name that is too long", metadata: waitsFor(strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63)), spec: waiting,
			search: resolv.Settings{Facts: resolv.Facts{Domain: strings.Repeat("d", 63)}, InitContainer: withImage.InitContainer},
			want: refused("AnnotationInvalid", `"`+strings.Repeat("a", 63)+"."+strings.Repeat("b", 63)+"."+strings.Repeat("c", 63)+`": `+
				strings.Repeat("a", 63)+"."+strings.Repeat("b", 63)+"."+strings.Repeat("c", 63)+".svc."+strings.Repeat("d", 63)+" has more than 253 characters")},
		{line: "the Service hides pods that are not ready", metadata: waitsFor("self"), spec: waiting, search: withImage, services: hidden,
			want: append([]string{namedBySpec, mismatch}, refused("WaitNotPublished", `"self": Service nimbus does not show pods before they are ready, and a pod that waits is not`+toShow)[1:]...)},
		{line: "the Service hides pods that are not ready, and all of the StatefulSet wait for one", metadata: waitsFor("nimbus-0.nimbus"), spec: waiting, search: withImage, services: hidden, workload: parallel,
			want: append([]string{namedBySpec, mismatch}, refused("WaitNotPublished", `"nimbus-0.nimbus": Service nimbus does not show pods before they are ready, and a pod that waits is not`+toShow)[1:]...)},
		{line: "the Service hides them, and others are waited for", metadata: waitsFor("master"), spec: waiting, search: withImage, services: hidden,
			patch: waitPatch(`"5m","master.nimbus.storm.svc.k8s.example"`), want: append([]string{namedBySpec, mismatch}, rest(added)[1:]...)},
		{line: "the Service shows them", metadata: waitsFor("2"), spec: waiting, search: withImage, services: shown,
			patch: waitPatch(`"5m","--addresses","2","nimbus.storm.svc.k8s.example"`), want: append([]string{namedBySpec, mismatch}, rest(added)[1:]...)},
		{line: "the Service will show them", metadata: waitsFor("2"), spec: waiting, search: withImage, services: asked,
			patch: waitPatch(`"5m","--addresses","2","nimbus.storm.svc.k8s.example"`), want: append([]string{namedBySpec, mismatch}, rest(added)[1:]...)},
		{line: "all, at a pod", metadata: waitsFor("all"), spec: waiting, search: withImage,
			want: refused("WaitAllUnknown", `"all": no Indexed Job says how many pods that is: wait for a number of addresses, or for names`)},
		{line: "all, in a StatefulSet", metadata: waitsFor("all"), spec: waiting, search: withImage, workload: parallel,
			want: refused("WaitAllUnknown", `"all": no Indexed Job says how many pods that is: wait for a number of addresses, or for names`)},
		{line: "all, and they never run at once", metadata: waitsFor("all"), spec: waiting, search: withImage, workload: indexed(2),
			want: refused("WaitParallelism", `"all": 2 of 4 pods run at once: make parallelism equal to completions, or wait for fewer`)},
		{line: "several, of a StatefulSet that makes one after another", metadata: waitsFor("2"), spec: waiting, search: withImage, workload: inOrder,
			want: refused("WaitInOrder", `"2": `+orderly)},
		{line: "a later one of a StatefulSet that makes one after another", metadata: waitsFor("nimbus-1.nimbus.storm"), spec: waiting, search: withImage, workload: inOrder,
			want: refused("WaitInOrder", `"nimbus-1.nimbus.storm": `+orderly)},
		{line: "the first of them", metadata: waitsFor("nimbus-0"), spec: waiting, search: withImage, workload: inOrder,
			patch: waitPatch(`"5m","nimbus-0.nimbus.storm.svc.k8s.example"`), want: rest(added)},
		{line: "itself, at a template", metadata: waitsFor("self"), spec: waiting, search: withImage, workload: parallel,
			want: rest("kept WaitEachItself spec.initContainers")},
		{line: "for more than there are", metadata: waitsFor("4"), spec: waiting, search: withImage, workload: parallel,
			patch: waitPatch(`"5m","--addresses","4","nimbus.storm.svc.k8s.example"`),
			want:  rest("warned WaitForMore spec.replicas: is 3, and each pod waits for 4 addresses: wait for at most as many, if no other workload is behind the Service", added)},
		{line: "in a Job that does not try again", metadata: waitsFor("2"), spec: strings.TrimSuffix(waiting, "}") + `,"restartPolicy":"Never"}`, search: withImage, workload: indexed(4),
			patch: waitPatch(`"5m","--addresses","2","nimbus.storm.svc.k8s.example"`),
			want: rest("warned WaitCostsRetries spec.restartPolicy: Never: a pod that waits too long has failed, and counts for the Job's backoffLimit: "+
				"set a longer netmode.io/wait-timeout, or a higher backoffLimit", added)},
		{line: "behind a mesh that captures DNS", metadata: waitsFor("self"), search: withImage, spec: strings.TrimSuffix(waiting, "}") + `,"initContainers":[` + capture + `,` + wait0 + `]}`,
			want: rest("kept WaitInPlace spec.initContainers[1]",
				`refused WaitMeshDNS spec.initContainers[0].name: Invalid value: "istio-init": it sends DNS queries to a proxy that starts only after netmode-wait: `+
					`have the mesh use native sidecars, or turn off its DNS capture for this pod`)},
		{line: "before a mesh that captures DNS", metadata: waitsFor("self"), search: withImage, spec: strings.TrimSuffix(waiting, "}") + `,"initContainers":[` + wait0 + `,` + capture + `]}`,
			want: rest("kept WaitInPlace spec.initContainers[0]")},
	}
}

func TestWait(t *testing.T) { runPodRows(t, api.ModeStatefulSetHeadless, waitRows()) }
