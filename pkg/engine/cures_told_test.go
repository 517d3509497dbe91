package engine_test

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

const (
	hostMode, headlessMode, peersMode = "hostnetwork", "headless", "statefulset-headless"

	named   = `"name":"web-0",`
	onePort = `"containers":[{"name":"c","ports":[{"containerPort":80}]}]`
	// otherMode is how many cures end.
	otherMode = "or choose another mode"
)

func toldOfPods() []told {
	pod := func(spec string, others ...string) scene {
		return scene{object: asking("Pod", hostMode, named, spec, others...)}
	}
	in := func(labels string, s scene) scene {
		s.labels = labels
		return s
	}
	headless := swap(`"hostnetwork"`, `"headless","netmode.io/service":"s"`)
	const mesh = "turn the mesh's injection off for this pod"
	admin := pod(`{"initContainers":[{"securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}],` + onePort + `}`)
	return []told{
		{plan.AnnotationUnknown, "correct the key", pod(`{}`, "netmode.io/hosts", "x"), swap(`"netmode.io/hosts":"x"`, `"netmode.io/search-rewrite":"auto"`)},
		{plan.AnnotationUnknown, "or remove it", pod(`{}`, "netmode.io/hosts", "x"), swap(`,"netmode.io/hosts":"x"`, ``)},
		{plan.AnnotationUnused, "remove it", pod(`{}`, api.AnnotationHostname, "own"), swap(`,"netmode.io/hostname":"own"`, ``)},
		{plan.AnnotationUnused, "choose the mode that it belongs to", pod(`{"subdomain":"s"}`, api.AnnotationHostname, "own"), swap(hostMode, peersMode)},
		{plan.ModeLabel, "write it as an annotation, netmode.io/mode, and remove the label", scene{object: `Pod {"metadata":{"labels":{"netmode.io/mode":"hostnetwork"}},"spec":{}}`}, swap("labels", "annotations")},
		{plan.IgnoreLabelValue, `write netmode.io/ignore: "true" to be left alone`, scene{object: `Pod {"metadata":{"labels":{"netmode.io/ignore":"yes"}},"spec":{}}`}, swap("yes", "true")},
		{plan.IgnoreLabelValue, "or remove the label", scene{object: `Pod {"metadata":{"labels":{"netmode.io/ignore":"yes"}},"spec":{}}`}, swap(`"netmode.io/ignore":"yes"`, ``)},
		{plan.LabelInvalid, "correct the label of the namespace", scene{object: `Pod {"metadata":{},"spec":{}}`, labels: "netmode.io/mode=host"}, relabel("netmode.io/mode=hostnetwork")},
		{plan.PolicyNamespaceUnlabelled, "label the namespace netmode.io/policy=enabled", scene{object: `Pod {"metadata":{},"spec":{}}`, policies: []string{"p", defaultsToHost}}, relabel("netmode.io/policy=enabled")},
		{plan.DNSPolicyKept, "set dnsPolicy: ClusterFirstWithHostNet", pod(`{"dnsPolicy":"Default"}`), swap(`"Default"`, `"ClusterFirstWithHostNet"`)},
		{plan.NoDeclaredPort, "list every port that the pod listens on under containers[].ports", pod(`{"containers":[{}]}`), swap(`{}]`, `{"ports":[{"containerPort":80}]}]`)},
		{plan.InitContainerNetAdmin, "take NET_ADMIN", admin, swap(`"NET_ADMIN"`, ``)},
		{plan.InitContainerNetAdmin, otherMode, admin, headless},
		{plan.InitContainerNetAdmin, "ALL or privileged from it", pod(`{"initContainers":[{"securityContext":{"privileged":true}}]}`), swap(`"privileged":true`, ``)},
		{plan.MeshInjection, mesh, pod(`{}`, "linkerd.io/inject", "enabled"), swap(`"enabled"`, `"disabled"`)},
		{plan.MeshInjection, mesh, in("istio-injection=enabled", pod(`{}`)), swap(named, named+`"labels":{"sidecar.istio.io/inject":"false"},`)},
		{plan.MeshInjection, otherMode, in("istio-injection=enabled", pod(`{}`)), headless},
		{plan.PodSecurityRejects, "run the pod in a namespace whose PodSecurity level allows it", in(api.LabelPodSecurityEnforce+"=baseline", pod(`{}`)), relabel(api.LabelPodSecurityEnforce + "=privileged")},
		{plan.PodSecurityRejects, otherMode, in(api.LabelPodSecurityEnforce+"=baseline", pod(`{}`)), headless},
		{plan.HostnameEnvKept, "remove the variable, so that netmode writes it", pod(`{"containers":[{"env":[{"name":"NETMODE_HOSTNAME","value":"x"}]}]}`, api.AnnotationService, "s"),
			swap(`{"name":"NETMODE_HOSTNAME","value":"x"}`, ``)},
		{plan.NoLongerApplicable, "set netmode.io/mode on the pod template to a mode that can serve it", in("netmode.io/mode=hostnetwork", scene{object: `Pod {"metadata":{"annotations":{` +
			`"netmode.io/status":"{\"mode\":\"hostnetwork\",\"source\":\"namespace\"}"}},"spec":{"hostNetwork":true,"containers":[{"name":"istio-proxy"}]}}`}),
			swap(`"netmode.io/status"`, `"netmode.io/mode":"default","netmode.io/status"`)},
	}
}
