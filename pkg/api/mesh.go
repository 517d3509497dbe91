package api

import "slices"

// Mesh is a service mesh, as far as it touches the network of pods: by a sidecar that
// its injector, a webhook, adds to them.
type Mesh struct {
	Name string
	// Containers are the names that its injector gives the proxy, and the init containers
	// that write iptables rules or look for them.
	Containers []string
	// Pod is what its injector reads of a pod, and Namespace what of the pod's Namespace:
	// the first that says something counts.
	Pod, Namespace []Injection
	// SkipsHostNetwork says that its injector leaves pods on the host network alone.
	SkipsHostNetwork bool
}

// Injection is a label or an annotation that an injector reads.
type Injection struct {
	Key   string
	Label bool
	// Yes are the values that ask for a sidecar, and No those that keep it away. Where
	// there are none, any value asks.
	Yes, No []string
}

// Meshes returns what is known of service meshes.
func Meshes() []Mesh { return meshes }

// meshes is read-only. Sources: istio/istio pkg/kube/inject and its Helm chart's
// webhooks, linkerd/linkerd2 pkg/inject/report.go, kumahq/kuma webhooks/injector,
// hashicorp/consul-k8s connect-inject/webhook, openservicemesh/osm pkg/injector, and the
// guides to injection of AWS App Mesh and of NGINX Service Mesh.
var meshes = []Mesh{
	{
		Name:       "Istio",
		Containers: []string{"istio-proxy", "istio-init", "istio-validation"},
		Pod: []Injection{
			{Key: "sidecar.istio.io/inject", Label: true, Yes: []string{"true"}, No: []string{"false"}},
			{Key: "sidecar.istio.io/inject", Yes: []string{"true"}, No: []string{"false"}},
			{Key: "istio.io/rev", Label: true},
		},
		Namespace: []Injection{
			{Key: "istio-injection", Label: true, Yes: []string{"enabled"}, No: []string{"disabled"}},
			{Key: "istio.io/rev", Label: true},
		},
		SkipsHostNetwork: true,
	},
	{
		Name:             "Linkerd",
		Containers:       []string{"linkerd-proxy", "linkerd-init", "linkerd-network-validator"},
		Pod:              []Injection{{Key: "linkerd.io/inject", Yes: []string{"enabled", "ingress"}, No: []string{"disabled"}}},
		Namespace:        []Injection{{Key: "linkerd.io/inject", Yes: []string{"enabled", "ingress"}}},
		SkipsHostNetwork: true,
	},
	{
		Name:       "Consul",
		Containers: []string{"consul-dataplane", "consul-connect-inject-init"},
		Pod:        []Injection{{Key: "consul.hashicorp.com/connect-inject", Yes: []string{"true", "1"}, No: []string{"false", "0"}}},
	},
	{
		Name:       "Kuma",
		Containers: []string{"kuma-sidecar", "kuma-init", "kuma-validation"},
		Pod: []Injection{
			{Key: "kuma.io/sidecar-injection", Label: true, Yes: yes, No: no},
			{Key: "kuma.io/sidecar-injection", Yes: yes, No: no}, // an older Kuma
		},
		Namespace: []Injection{
			{Key: "kuma.io/sidecar-injection", Label: true, Yes: yes, No: no},
			{Key: "kuma.io/sidecar-injection", Yes: yes, No: no},
		},
	},
	{
		Name:       "NGINX Service Mesh",
		Containers: []string{"nginx-mesh-sidecar", "nginx-mesh-init"},
		Pod:        []Injection{{Key: "injector.nsm.nginx.com/auto-inject", Label: true, Yes: yes, No: no}},
		Namespace:  []Injection{{Key: "injector.nsm.nginx.com/auto-inject", Label: true, Yes: yes, No: no}},
	},
	{
		Name:             "Open Service Mesh",
		Containers:       []string{"osm-init"}, // its proxy is named envoy, as others' own are
		Pod:              []Injection{{Key: "openservicemesh.io/sidecar-injection", Yes: yes, No: no}},
		Namespace:        []Injection{{Key: "openservicemesh.io/sidecar-injection", Yes: yes, No: no}},
		SkipsHostNetwork: true,
	},
	{
		Name:       "AWS App Mesh",
		Containers: []string{"proxyinit"}, // likewise
		Pod:        []Injection{{Key: "appmesh.k8s.aws/sidecarInjectorWebhook", Yes: []string{"enabled"}, No: []string{"disabled"}}},
		Namespace:  []Injection{{Key: "appmesh.k8s.aws/sidecarInjectorWebhook", Label: true, Yes: []string{"enabled"}, No: []string{"disabled"}}},
	},
}

// The words of several meshes; read-only.
var (
	yes = []string{"enabled", "true", "yes"}
	no  = []string{"disabled", "false", "no"}
)

// Asks returns what asks for the mesh's sidecar, on the pod or else on its Namespace, and
// the value that it has; nil: nothing does.
func (m *Mesh) Asks(pod *ObjectMeta, namespace *Namespace) (i *Injection, value string, ofNamespace bool) {
	if i, value, keeps := said(m.Pod, pod.Labels, pod.Annotations); i != nil || keeps {
		return i, value, false
	}
	i, value, _ = said(m.Namespace, namespace.Labels, namespace.Annotations)
	return i, value, i != nil
}

// said is the first that says something: what asks, or that the sidecar is kept away.
func said(all []Injection, labels, annotations map[string]string) (asks *Injection, value string, keeps bool) {
	for i := range all {
		in := annotations
		if all[i].Label {
			in = labels
		}
		switch value, there := in[all[i].Key]; {
		case !there:
		case len(all[i].Yes) == 0 || slices.Contains(all[i].Yes, value):
			return &all[i], value, false
		case slices.Contains(all[i].No, value):
			return nil, "", true
		}
	}
	return nil, "", false
}

// ReadsNamespaceAnnotation says whether decisions read the annotation of a Namespace.
func ReadsNamespaceAnnotation(key string) bool {
	return injectionAnnotations[key] || key == AnnotationMode
}

// injectionAnnotations are the keys that injectors read; read-only.
var injectionAnnotations = func() map[string]bool {
	keys := map[string]bool{}
	for i := range meshes {
		for _, injection := range slices.Concat(meshes[i].Pod, meshes[i].Namespace) {
			if !injection.Label {
				keys[injection.Key] = true
			}
		}
	}
	return keys
}()
