package mode_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

func TestHostNetworkPodMeshes(t *testing.T) {
	runPodRows(t, api.ModeHostNetwork, hostNetworkPodMeshes())
}

func hostNetworkPodMeshes() []podRow {
	const (
		istio   = `sidecar.istio.io/inject: "false" among the pod's labels keeps Istio away`
		linkerd = `linkerd.io/inject: "disabled" among the pod's annotations keeps Linkerd away`
		consul  = `consul.hashicorp.com/connect-inject: "false" among the pod's annotations keeps Consul away`
		kuma    = `kuma.io/sidecar-injection: "disabled" among the pod's labels keeps Kuma away`
		osm     = `openservicemesh.io/sidecar-injection: "disabled" among the pod's annotations keeps Open Service Mesh away`
		appMesh = `appmesh.k8s.aws/sidecarInjectorWebhook: "disabled" among the pod's annotations keeps AWS App Mesh away`
		cure    = ": turn the mesh's injection off for this pod, or choose another mode"
		refuses = ", and a pod on the host network that gets one is refused; "
		skips   = ": a pod that gets it before netmode is called is refused, and one that is on the host network by then is left out of the mesh; "
	)
	sidecar := func(path, name, keepsAway string) []string {
		return refusedHostNetwork("refused MeshSidecar " + path + `: Invalid value: "` + name + `": a service mesh was injected already, and its rules would be the node's; ` + keepsAway + cure)
	}
	netAdmin := func(index, field, what, name string) string {
		return "warned InitContainerNetAdmin spec.initContainers[" + index + "].securityContext." + field + ": " + what + " lets init container " + name +
			" write iptables rules and routes, and they would be the node's: take NET_ADMIN, ALL or privileged from it, or choose another mode"
	}
	// injected is a pod that asks for a sidecar, or whose namespace does.
	injected := func(at, value, mesh string) []string {
		if at == "" {
			return served
		}
		return []string{hostNetworkSet, dnsPolicySet, "warned MeshInjection " + at + `: "` + value + `" asks ` + mesh + cure, nodeHostname}
	}
	const spec = `{"dnsPolicy":"ClusterFirst",` + onePort + `}`
	all := []podRow{
		{line: "istio-proxy is refused",
			spec: `{"dnsPolicy":"ClusterFirst","containers":[{"name":"web","ports":[{"containerPort":80}]},{"name":"istio-proxy"}]}`,
			want: sidecar("spec.containers[1].name", "istio-proxy", istio)},
		{line: "istio-init is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"istio-init"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "istio-init", istio)},
		{line: "istio-proxy as a restartable init container is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"setup"},{"name":"istio-proxy","restartPolicy":"Always"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[1].name", "istio-proxy", istio)},
		{line: "linkerd-proxy is refused",
			spec: `{"dnsPolicy":"ClusterFirst","containers":[{"name":"linkerd-proxy"},{"name":"web","ports":[{"containerPort":80}]}]}`,
			want: sidecar("spec.containers[0].name", "linkerd-proxy", linkerd)},
		{line: "linkerd-init is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"linkerd-init"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "linkerd-init", linkerd)},
		{line: "Consul's init container is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"consul-connect-inject-init"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "consul-connect-inject-init", consul)},
		{line: "Kuma's init container is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"kuma-init"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "kuma-init", kuma)},
		{line: "Open Service Mesh's init container is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"osm-init"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "osm-init", osm)},
		{line: "App Mesh's init container is refused",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"proxyinit"}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "proxyinit", appMesh)},
		{line: "a name that only begins like a sidecar's is accepted",
			spec:  `{"dnsPolicy":"ClusterFirst","containers":[{"name":"istio-proxy-tests","ports":[{"containerPort":80}]}]}`,
			patch: hostNetworkPatch, want: served},
		{line: "an init container that adds NET_ADMIN is warned of, plain or restartable, and one that is privileged",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"a","securityContext":{"capabilities":{"add":["NET_RAW","NET_ADMIN"]}}},{"name":"b"},` +
				`{"name":"c","restartPolicy":"Always","securityContext":{"capabilities":{"add":["cap_net_admin"]}}},` +
				`{"name":"d","securityContext":{"privileged":true,"capabilities":{"add":["ALL"]}}},{"name":"e","securityContext":{"privileged":false,"capabilities":{"add":["ALL"]}}}],` + onePort + `}`,
			patch: hostNetworkPatch,
			want: []string{hostNetworkSet, dnsPolicySet, netAdmin("0", "capabilities.add[1]", "NET_ADMIN", "a"), netAdmin("2", "capabilities.add[0]", "cap_net_admin", "c"),
				netAdmin("3", "privileged", "true", "d"), netAdmin("4", "capabilities.add[0]", "ALL", "e"), nodeHostname}},
		{line: "one of a mesh is refused, and no more is said of it",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"istio-init","securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}],` + onePort + `}`,
			want: sidecar("spec.initContainers[0].name", "istio-init", istio)},
		{line: "an init container that may do less is not, nor is a container",
			spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"a","securityContext":{"privileged":false,"capabilities":{"drop":["ALL"],"add":["NET_RAW","NET_BIND_SERVICE","CAP_"]}}},` +
				`{"name":"b","securityContext":{"capabilities":{}}},{"name":"c","securityContext":{"capabilities":{"add":[` + strings.Repeat(`"CHOWN",`, api.MaxCapabilities) + `"NET_ADMIN"]}}}],` +
				`"containers":[{"name":"web","ports":[{"containerPort":80}],"securityContext":{"privileged":true,"capabilities":{"add":["NET_ADMIN"]}}}]}`,
			patch: hostNetworkPatch, want: served},
	}
	const (
		istioLabel, istioAnnotation = "metadata.labels[sidecar.istio.io/inject]", "metadata.annotations[sidecar.istio.io/inject]"
		linkerdOf, kumaOf           = "metadata.annotations[linkerd.io/inject]", "metadata.labels[kuma.io/sidecar-injection]"

		byIstio, byLinkerd, byOSM = "Istio for a sidecar" + skips + istio, "Linkerd for a sidecar" + skips + linkerd, "Open Service Mesh for a sidecar" + skips + osm
		byKuma, byConsul          = "Kuma for a sidecar" + refuses + kuma, "Consul for a sidecar" + refuses + consul
		byAppMesh                 = "AWS App Mesh for a sidecar" + refuses + appMesh
	)
	for _, tt := range []struct {
		line, labels, annotations           string
		namespaceLabels, namespaceNotations string
		at, value, mesh                     string
	}{
		{"Istio by label", "sidecar.istio.io/inject=true", "", "", "", istioLabel, "true", byIstio},
		{"Istio by annotation", "", "sidecar.istio.io/inject=true", "", "", istioAnnotation, "true", byIstio},
		{"Istio, the label counts before the annotation", "sidecar.istio.io/inject=false", "sidecar.istio.io/inject=true", "istio-injection=enabled", "", "", "", ""},
		{"Istio by revision", "istio.io/rev=stable", "", "", "", "metadata.labels[istio.io/rev]", "stable", byIstio},
		{"Istio by revision, and kept away", "istio.io/rev=stable", "sidecar.istio.io/inject=false", "", "", "", "", ""},
		{"Istio by namespace", "", "", "istio-injection=enabled", "", "namespace.metadata.labels[istio-injection]", "enabled", byIstio},
		{"Istio by namespace, and by a word that is none", "sidecar.istio.io/inject=yes", "", "istio-injection=enabled", "", "namespace.metadata.labels[istio-injection]", "enabled", byIstio},
		{"Istio by the revision of the namespace", "", "", "istio.io/rev=1-28", "", "namespace.metadata.labels[istio.io/rev]", "1-28", byIstio},
		{"Istio, disabled in the namespace", "", "", "istio-injection=disabled istio.io/rev=1-28", "", "", "", ""},
		{"Istio by namespace, and kept away", "sidecar.istio.io/inject=false", "", "istio-injection=enabled", "", "", "", ""},
		{"Linkerd", "", "linkerd.io/inject=enabled", "", "", linkerdOf, "enabled", byLinkerd},
		{"Linkerd for ingress", "", "linkerd.io/inject=ingress", "", "", linkerdOf, "ingress", byLinkerd},
		{"Linkerd reads no label", "linkerd.io/inject=enabled", "", "linkerd.io/inject=enabled", "", "", "", ""},
		{"Linkerd by namespace", "", "", "", "linkerd.io/inject=enabled", "namespace." + linkerdOf, "enabled", byLinkerd},
		{"Linkerd by namespace, and kept away", "", "linkerd.io/inject=disabled", "", "linkerd.io/inject=enabled", "", "", ""},
		{"Kuma", "kuma.io/sidecar-injection=enabled", "", "", "", kumaOf, "enabled", byKuma},
		{"Kuma by annotation", "", "kuma.io/sidecar-injection=true", "", "", "metadata.annotations[kuma.io/sidecar-injection]", "true", byKuma},
		{"Kuma by namespace", "", "", "kuma.io/sidecar-injection=enabled", "", "namespace." + kumaOf, "enabled", byKuma},
		{"Kuma by namespace, and kept away", "kuma.io/sidecar-injection=disabled", "", "kuma.io/sidecar-injection=enabled", "", "", "", ""},
		{"Consul", "", "consul.hashicorp.com/connect-inject=true", "", "", "metadata.annotations[consul.hashicorp.com/connect-inject]", "true", byConsul},
		{"Consul, kept away", "", "consul.hashicorp.com/connect-inject=false", "", "", "", "", ""},
		{"Open Service Mesh", "", "openservicemesh.io/sidecar-injection=enabled", "", "", "metadata.annotations[openservicemesh.io/sidecar-injection]", "enabled", byOSM},
		{"App Mesh", "", "appmesh.k8s.aws/sidecarInjectorWebhook=enabled", "", "", "metadata.annotations[appmesh.k8s.aws/sidecarInjectorWebhook]", "enabled", byAppMesh},
		{"App Mesh by namespace", "", "", "appmesh.k8s.aws/sidecarInjectorWebhook=enabled", "", "namespace.metadata.labels[appmesh.k8s.aws/sidecarInjectorWebhook]", "enabled", byAppMesh},
		{"App Mesh by namespace, and kept away", "", "appmesh.k8s.aws/sidecarInjectorWebhook=disabled", "appmesh.k8s.aws/sidecarInjectorWebhook=enabled", "", "", "", ""},
	} {
		all = append(all, podRow{
			line: tt.line, metadata: `{"name":"web","labels":` + asJSON(tt.labels) + `,"annotations":` + asJSON(tt.annotations) + `}`, spec: spec, patch: hostNetworkPatch,
			namespaceLabels: words(tt.namespaceLabels), namespaceAnnotations: words(tt.namespaceNotations),
			want: injected(tt.at, tt.value, tt.mesh),
		})
	}
	return append(all, podRow{line: "a mesh that has been there is not told of twice", metadata: `{"labels":{"sidecar.istio.io/inject":"true"}}`, namespaceLabels: words("istio-injection=enabled"),
		spec: `{"dnsPolicy":"ClusterFirst","initContainers":[{"name":"istio-proxy","restartPolicy":"Always"}],` + onePort + `}`,
		want: sidecar("spec.initContainers[0].name", "istio-proxy", istio)})
}

// words reads "key=value key=value".
func words(text string) map[string]string {
	all := map[string]string{}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		all[key] = value
	}
	return all
}

func asJSON(text string) string {
	var all []string
	for key, value := range words(text) {
		all = append(all, `"`+key+`":"`+value+`"`)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// What is said to keep a mesh away does.
func TestWhatKeepsAMeshAway(t *testing.T) {
	for _, mesh := range api.Meshes() {
		off := mesh.Pod[0]
		row := podRow{namespaceLabels: map[string]string{}, namespaceAnnotations: map[string]string{}}
		for _, i := range mesh.Namespace {
			in := row.namespaceAnnotations
			if i.Label {
				in = row.namespaceLabels
			}
			in[i.Key] = append(i.Yes, "any")[0]
		}
		decide := func(value string) *plan.Plan {
			key := map[bool]string{true: "labels", false: "annotations"}[off.Label]
			return row.decide(t, find(t, api.ModeHostNetwork), object("Pod", `{"`+key+`":{"`+off.Key+`":"`+value+`"}}`, `{}`))
		}
		if !decide(off.Yes[0]).Has(plan.MeshInjection) || decide(off.No[0]).Has(plan.MeshInjection) {
			t.Errorf("%s: %+v", mesh.Name, off)
		}
	}
}
