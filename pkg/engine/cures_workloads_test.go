package engine_test

import (
	"fmt"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// manager is a workload that asks for a mode, and the rest of its spec.
func manager(kind, mode, spec, pod string, others ...string) scene {
	return scene{object: asking(kind, mode, `"name":"web",`, `{`+spec+`"template":{"metadata":{"labels":{"app":"a"}},"spec":{`+pod+`}}}`, others...)}
}

func renamed(name string, s scene) scene {
	s.object = strings.Replace(s.object, `"name":"web"`, `"name":"`+name+`"`, 1)
	return s
}

func toldOfWorkloads() []told {
	const (
		by, from  = api.AnnotationService, api.AnnotationHostname
		surging   = `"updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0}},`
		noSurge   = `"updateStrategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1}},`
		indexed   = `"completionMode":"Indexed",`
		inService = `"serviceName":"s",`

		onePod, generated = "run one pod", "or use netmode.io/mode: statefulset-headless, with no hostname in the pod template"
		bareName          = "write the bare name of the headless Service (a StatefulSet must be created anew for that)"
	)
	three := manager("Deployment", headlessMode, `"replicas":3,`, onePort, by, "s")
	hostname := manager("Deployment", peersMode, `"replicas":3,`, `"hostname":"web",`+onePort, by, "s")
	daemon := manager("DaemonSet", headlessMode, "", onePort, by, "s")
	parallel := manager("Job", headlessMode, `"parallelism":3,`, onePort, by, "s")
	nobody := manager("Deployment", peersMode, "", onePort, by, "s", from, "own")
	nodes := manager("Deployment", peersMode, "", onePort, by, "s", from, "node")
	beside := manager("DaemonSet", peersMode, "", onePort, by, "s", from, "node")
	beside.daemonSet = `{"metadata":{"annotations":{"netmode.io/mode":"statefulset-headless","netmode.io/service":"s","netmode.io/hostname":"node"},"ownerReferences":[{"kind":"DaemonSet","name":"other","controller":true}]}}`
	peers := swap(headlessMode, peersMode)
	kind := func(was, is, spec string) edit {
		return both(swap(was+" ", is+" "), swap(`"spec":{"template"`, `"spec":{`+spec+`"template"`))
	}
	return []told{
		{plan.HostnameShared, onePod, three, swap(`"replicas":3`, `"replicas":1`)},
		{plan.HostnameShared, generated, three, peers},
		{plan.HostnameShared, generated, hostname, swap(`"hostname":"web",`, ``)},
		{plan.HostnameShared, generated, daemon, peers},
		{plan.HostnameShared, onePod, parallel, swap(`"parallelism":3`, `"parallelism":1`)},
		{plan.HostnameShared, generated, parallel, peers},
		{plan.HostnameSurge, "write strategy: {type: Recreate}", three, swap(`"replicas":3,`, `"strategy":{"type":"Recreate"},`)},
		{plan.HostnameSurge, "or in a DaemonSet maxSurge: 0", manager("DaemonSet", headlessMode, surging, onePort, by, "s"), swap(surging, noSurge)},
		{plan.HostnameSurge, "or in a DaemonSet maxSurge: 0", manager("DaemonSet", peersMode, surging, onePort, by, "s", from, "node"), swap(surging, noSurge)},
		{plan.HostPortsSurge, "set maxSurge: 0 with maxUnavailable: 1", manager("Deployment", hostMode, `"replicas":2,`, onePort),
			swap(`"replicas":2,`, `"replicas":2,"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1}},`)},
		{plan.HostPortsSurge, "set maxSurge: 0 with maxUnavailable: 1", manager("DaemonSet", hostMode, surging, onePort), swap(surging, noSurge)},

		{plan.NoStableHostname, "remove netmode.io/hostname, so that a name is generated", nobody, swap(`,"netmode.io/hostname":"own"`, ``)},
		{plan.NoStableHostname, "or use a StatefulSet", nobody, kind("Deployment", "StatefulSet", inService)},
		{plan.NoStableHostname, "or a Job with completionMode Indexed", nobody, kind("Deployment", "Job", indexed)},
		{plan.HostnameNoNode, "remove netmode.io/hostname", nodes, swap(`,"netmode.io/hostname":"node"`, ``)},
		{plan.HostnameOfNodeShared, "have a Service for each DaemonSet", beside, swap(`"netmode.io/service":"s"`, `"netmode.io/service":"t"`)},
		{plan.HostnameOfNodeShared, "or set netmode.io/hostname: generated", beside, swap(`"node"`, `"generated"`)},
		{plan.HostnameNoNode, "or use a DaemonSet", nodes, swap("Deployment ", "DaemonSet ")},
		{plan.PodHasOwnName, "use netmode.io/mode: statefulset-headless", manager("Job", headlessMode, indexed, onePort, by, "s"), peers},
		{plan.PodHasOwnName, "use netmode.io/mode: statefulset-headless", manager("StatefulSet", headlessMode, inService, onePort), peers},
		{plan.HostnameInvalid, "choose a shorter or simpler name", renamed("db.v1", manager("StatefulSet", peersMode, inService, onePort)), swap("db.v1", "db")},
		{plan.HostnameInvalid, "choose a shorter or simpler name", renamed("web.v1", manager("Deployment", peersMode, "", onePort, by, "s")), swap("web.v1", "web")},
		{plan.StatefulSetNameLong, "choose a name of at most 52 characters", renamed(strings.Repeat("n", 53), manager("StatefulSet", peersMode, inService, onePort)), swap(strings.Repeat("n", 53), strings.Repeat("n", 52))},

		{plan.GoverningServiceUnknown, "name it with the annotation netmode.io/service on the pod template", manager("Deployment", headlessMode, "", onePort),
			swap(`"labels":{"app":"a"}`, `"annotations":{"netmode.io/service":"s"}`)},
		{plan.GoverningServiceInvalid, bareName, manager("StatefulSet", peersMode, `"serviceName":"s.storm",`, onePort), swap("s.storm", "s")},
		{plan.GoverningServiceConflict, "make netmode.io/service and subdomain (a StatefulSet's serviceName) equal", manager("StatefulSet", peersMode, inService, onePort, by, "t"), swap(`"t"`, `"s"`)},
		{plan.GoverningServiceConflict, "or remove the annotation", manager("StatefulSet", peersMode, inService, onePort, by, "t"), swap(`,"netmode.io/service":"t"`, ``)},
		{plan.TemplateOverwritten, "remove it", manager("StatefulSet", peersMode, inService, `"hostname":"x",`+onePort), swap(`"hostname":"x",`, ``)},
		{plan.TemplateOverwritten, "remove it", manager("StatefulSet", peersMode, "", `"subdomain":"x",`+onePort, by, "s"), swap(`"subdomain":"x",`, ``)},
		{plan.ModeLabel, "write it as an annotation, netmode.io/mode, and remove the label", scene{object: `Deployment {"metadata":{"labels":{"netmode.io/mode":"hostnetwork"}},"spec":{"template":{}}}`}, swap("labels", "annotations")},
	}
}

// toldOfUpdates are workloads that are updated.
func toldOfUpdates() []told {
	const copied = `"annotations":{"netmode.io/mode":"default","netmode.io/copied":"netmode.io/mode"}`
	deployment := func(own, template string) string {
		return fmt.Sprintf(`StatefulSet {"metadata":{"name":"web","annotations":{%s}},"spec":{"serviceName":"s","template":{"metadata":{%s},"spec":{}}}}`, own, template)
	}
	const asks = `"netmode.io/mode":"hostnetwork"`
	wins := scene{object: deployment(asks, `"annotations":{"netmode.io/mode":"default"}`)}
	undone := scene{object: deployment(asks, copied), old: deployment(asks, `"annotations":{"netmode.io/mode":"hostnetwork","netmode.io/copied":"netmode.io/mode"}`)}
	job := manager("Job", hostMode, "", onePort)
	job.old = strings.Replace(job.object, hostMode, "default", 1)
	nameless := manager("StatefulSet", peersMode, "", onePort, api.AnnotationService, "s")
	nameless.old = nameless.object
	return []told{
		{plan.TemplateAnnotationWins, "remove one of the two", wins, swap(`"netmode.io/mode":"default"`, ``)},
		{plan.TemplateAnnotationWins, "remove one of the two", wins, swap(asks, ``)},
		{plan.TemplateAnnotationWins, "or make them equal", wins, swap("default", hostMode)},
		{plan.CopiedAgain, "to go back, change", undone, swap(asks, `"netmode.io/mode":"default"`)},
		{plan.CopiedAgain, "or remove the annotation of the workload itself", undone, swap(asks, ``)},
		{plan.JobTemplateFixed, "delete the Job, and create it anew with the annotation", job, anew(asItIs)},
		{plan.SubdomainFixed, "create the StatefulSet anew with serviceName", nameless, anew(swap(`"template"`, `"serviceName":"s","template"`))},
	}
}
