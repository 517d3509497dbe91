package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// generator makes objects whose fields hold what rules look at, most often the
// values that can be served: the same seed makes the same objects.
type generator struct {
	*rand.Rand
	markers int
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 2026))} //nolint:gosec // reproducible, no secret
}

type members = map[string]any

// absent leaves a member out.
type absent struct{}

// one is in n.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

// put gives a member one of the values in one case of n; else it is left out,
// or null.
func (g *generator) put(m members, name string, n int, values ...any) {
	if !g.oneIn(n) {
		if g.oneIn(20) {
			m[name] = nil
		}
		return
	}
	if v := pick(g, values...); v != (any)(absent{}) {
		m[name] = v
	}
}

// unknown adds a member of a newer Kubernetes.
func (g *generator) unknown(m members) {
	if !g.oneIn(3) {
		return
	}
	g.markers++
	name := pick(g, "futureField", "a/b", "~tilde~1", `quote"\`, "ключ", "ndots")
	m[name] = pick[any](g, g.marker(), members{"deep": []any{g.marker(), nil, 1.5, true}}, []any{members{"name": g.marker()}})
}

func (g *generator) marker() string { return fmt.Sprintf("unknown-%d", g.markers) }

func (g *generator) metadata(annotations members) members {
	m := members{}
	g.put(m, "generateName", 2, "nimbus-")
	if !g.oneIn(5) {
		m["name"] = pick(g, "nimbus-0", "nimbus-0", "nimbus-0", "a.b", "Bad")
	}
	g.put(m, "labels", 2, members{"app": "nimbus"}, members{"app": "nimbus", "tier": "x"}, members{})
	g.put(m, "ownerReferences", 3,
		[]any{members{"kind": "StatefulSet", "controller": true}}, []any{members{"kind": "ReplicaSet", "controller": true}}, []any{members{"kind": "Job", "controller": true}},
		[]any{members{"kind": "DaemonSet", "controller": true}}, []any{})
	g.put(m, "deletionTimestamp", 60, "2026-11-23T05:01:01Z")
	switch {
	case len(annotations) > 0:
		m["annotations"] = annotations
	case g.oneIn(3):
		m["annotations"] = pick[any](g, nil, members{}, members{"team": "storm"})
	}
	g.unknown(m)
	return m
}

// asked are annotations; an empty mode leaves the pod to its namespace.
func (g *generator) asked(mode api.Mode, strategy api.SearchRewrite) members {
	m := members{}
	if mode != "" {
		m[api.AnnotationMode] = string(mode)
	}
	if strategy != "" {
		m[api.AnnotationSearchRewrite] = string(strategy)
	}
	if g.oneIn(2) {
		m[api.AnnotationService] = "peers"
	}
	if g.oneIn(6) {
		m[api.AnnotationStatus] = "{}"
	}
	if g.oneIn(6) {
		m[api.AnnotationHostname] = string(pick(g, api.HostnameSources()...))
	}
	if g.oneIn(4) {
		m[api.AnnotationWait] = pick(g, "self", "3", "nimbus-0", "self,zk-0.zk.data,a.example.", "nimbus-9", "all")
	}
	if g.oneIn(8) {
		m[api.AnnotationWaitTimeout] = "90s"
	}
	if g.oneIn(4) {
		m[api.AnnotationPeers] = pick(g, "peers", "workers,zk.data", "zk.data", "kube-dns.kube-system, peers.storm,other", "Zk")
		if strategy == "" && g.oneIn(2) {
			m[api.AnnotationSearchRewrite] = string(pick(g, api.SearchRewrites()...))
		}
	}
	if g.oneIn(12) {
		m["netmode.io/unknown"] = "x"
	}
	if g.oneIn(3) {
		m[api.AnnotationPublishNotReadyAddresses] = pick(g, "true", "false")
	}
	if g.oneIn(12) {
		m[api.AnnotationMode] = "hostnet"
	}
	return m
}

func (g *generator) pod(mode api.Mode, strategy api.SearchRewrite) members {
	spec := members{}
	g.put(spec, "hostNetwork", 6, true, false)
	g.put(spec, "hostUsers", 20, true, false)
	g.put(spec, "hostname", 3, "nimbus-0", "peers", "peers", "", "a.b")
	g.put(spec, "subdomain", 2, "peers", "peers", "peers", "other", "")
	g.put(spec, "hostnameOverride", 40, "x")
	g.put(spec, "setHostnameAsFQDN", 20, true, false, false)
	g.put(spec, "dnsPolicy", 2, api.DNSClusterFirst, api.DNSClusterFirst, api.DNSClusterFirstWithHostNet, api.DNSNone, api.DNSDefault, "")
	g.put(spec, "os", 20, members{"name": "linux"}, members{"name": "windows"}, members{})
	g.put(spec, "nodeSelector", 20, members{"kubernetes.io/os": "linux"}, members{"kubernetes.io/os": "windows"})
	g.put(spec, "imagePullSecrets", 4, []any{}, []any{members{"name": "registry"}}, []any{members{"name": "own", "future": "x"}})
	g.put(spec, "affinity", 3, members{"nodeAffinity": members{"requiredDuringSchedulingIgnoredDuringExecution": members{"nodeSelectorTerms": []any{
		members{"matchFields": []any{members{"key": "metadata.name", "operator": "In", "values": []any{pick(g, "node-1", "node-1.example", "")}}}}}}}})
	if g.oneIn(3) {
		spec["dnsConfig"] = pick[any](g, nil, g.dnsConfig())
	}
	if g.oneIn(4) {
		security := members{}
		g.put(security, "runAsUser", 3, 0, 1000)
		g.put(security, "runAsNonRoot", 6, true, false)
		g.put(security, "sysctls", 6, []any{members{"name": "net/core/somaxconn"}}, []any{members{"name": "kernel.sem"}})
		g.unknown(security)
		spec["securityContext"] = security
	}
	var initContainers, containers []any
	for i := range g.IntN(3) {
		initContainers = append(initContainers, g.container(fmt.Sprintf("init-%d", i), 20+i))
	}
	for i := range 1 + g.IntN(3) {
		containers = append(containers, g.container(fmt.Sprintf("app-%d", i), i))
	}
	if len(initContainers) > 0 || g.oneIn(2) {
		spec["initContainers"] = initContainers // nil becomes null
	}
	spec["containers"] = containers
	g.unknown(spec)
	pod := members{"apiVersion": "v1", "kind": "Pod", "metadata": g.metadata(g.asked(mode, strategy)), "spec": spec}
	g.unknown(pod)
	return pod
}

func (g *generator) dnsConfig() members {
	m := members{}
	g.put(m, "nameservers", 2, []any{"192.0.2.53"}, []any{}, []any{"192.0.2.1", "192.0.2.2", "192.0.2.3"})
	g.put(m, "searches", 2, []any{"own.example"}, []any{"own.example", "peers.storm.svc.cluster.local"}, []any{"peers.storm.svc.k8s.example"}, []any{})
	g.put(m, "options", 2, []any{members{"name": "ndots", "value": "2"}}, []any{members{"name": "edns0", "future": "x"}}, []any{})
	g.unknown(m)
	return m
}

func (g *generator) container(name string, index int) members {
	m := members{"name": name, "image": "registry.example/app:1"}
	if g.oneIn(30) {
		m["name"] = pick(g, "istio-proxy", "linkerd-init")
	}
	if g.oneIn(2) {
		port := members{"containerPort": 8000 + index, "name": "p" + name}
		g.put(port, "hostPort", 8, 8000+index, 9000+index)
		g.put(port, "protocol", 3, "TCP", "UDP")
		g.put(port, "hostIP", 5, "10.0.0.1", "")
		g.unknown(port)
		ports := []any{port}
		if g.oneIn(20) {
			ports = append(ports, members{"containerPort": 8000})
		}
		m["ports"] = ports
	}
	g.put(m, "restartPolicy", 6, "Always")
	g.put(m, "env", 4, []any{}, []any{members{"name": "A", "future": "x"}}, []any{members{"name": "A"}, members{"name": api.EnvHostname, "value": pick(g, "nimbus-0", "mine")}})
	if g.oneIn(5) {
		security := members{}
		g.put(security, "runAsUser", 2, 0, 1000)
		g.put(security, "readOnlyRootFilesystem", 3, true, false)
		g.put(security, "privileged", 6, true, false)
		g.put(security, "capabilities", 4, members{"add": []any{"NET_ADMIN"}}, members{"drop": []any{"ALL"}})
		g.unknown(security)
		m["securityContext"] = security
	}
	if g.oneIn(4) {
		lifecycle := members{}
		g.put(lifecycle, "postStart", 2, g.execHandler(), g.execHandler(), members{"httpGet": members{"port": 80}}, members{"sleep": members{"seconds": 1}}, members{"future": members{}})
		g.put(lifecycle, "preStop", 2, members{"exec": members{"command": []any{"sleep", "1"}}})
		g.unknown(lifecycle)
		m["lifecycle"] = pick[any](g, lifecycle, lifecycle, nil)
	}
	g.unknown(m)
	return m
}

func (g *generator) execHandler() members {
	exec := members{"command": []any{"/bin/true"}}
	g.unknown(exec)
	handler := members{"exec": exec}
	g.unknown(handler)
	return handler
}

func (g *generator) service(mode api.Mode) members {
	spec := members{}
	g.put(spec, "type", 2, api.ServiceClusterIP, api.ServiceClusterIP, api.ServiceNodePort, api.ServiceLoadBalancer, api.ServiceExternalName, "")
	g.put(spec, "clusterIP", 3, "", "", api.ClusterIPNone, "10.96.0.7")
	g.put(spec, "clusterIPs", 6, []any{}, []any{api.ClusterIPNone}, []any{"10.96.0.7"})
	g.put(spec, "selector", 2, members{"app": "nimbus"}, members{})
	g.put(spec, "publishNotReadyAddresses", 3, true, false)
	g.put(spec, "sessionAffinity", 4, "None", "ClientIP")
	g.put(spec, "externalIPs", 6, []any{"192.0.2.1"}, []any{})
	if g.oneIn(2) {
		port := members{"port": 80}
		g.put(port, "targetPort", 2, 80, 8080, "http")
		g.unknown(port)
		spec["ports"] = []any{port}
	}
	g.unknown(spec)
	service := members{"apiVersion": "v1", "kind": "Service", "metadata": g.metadata(g.asked(mode, "")), "spec": spec}
	g.unknown(service)
	return service
}

// settings are those of one netmode process: the DNS facts that it has, or not.
func (g *generator) settings() *engine.Settings {
	s := &engine.Settings{ExemptNamespaces: []string{"kube-system"}}
	s.Search.Facts = pick(g,
		resolv.Facts{},
		resolv.Facts{Domain: "cluster.local"},
		resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"dc.example", "own.example"}},
		resolv.Facts{Nameservers: []string{"169.254.20.10", "fd00::10"}, Domain: "k8s.example"})
	s.Search.InitContainer = pick(g, resolv.InitContainer{}, resolv.InitContainer{Image: "netmode:1", PullSecrets: []string{"registry", "second"}})
	return s
}

// snapshot is what is around: a namespace that gives the mode, or none.
func (g *generator) snapshot(inherited api.Mode) *snapshot {
	a := &snapshot{known: !g.oneIn(4), labels: map[string]string{}}
	if g.oneIn(6) {
		a.labels[api.LabelPodSecurityEnforce] = pick(g, "restricted", "baseline", "privileged")
	}
	if inherited != "" {
		a.labels[api.LabelMode] = string(inherited)
	}
	for _, name := range []string{"peers", "other", "third"} {
		if !g.oneIn(2) {
			continue
		}
		s := api.Service{Metadata: api.ObjectMeta{Name: name}}
		s.Spec.ClusterIP = pick(g, api.ClusterIPNone, api.ClusterIPNone, "10.96.0.7", "")
		s.Spec.Selector = pick(g, map[string]string{"app": "nimbus"}, map[string]string{"app": "nimbus", "tier": "x"}, nil)
		s.Spec.Ports = []api.ServicePort{{Port: 80, TargetPort: api.TargetPort{Name: "papp-0"}}}
		a.services = append(a.services, s)
	}
	return a
}

func (g *generator) workload() *workload.Workload {
	return pick(g, nil, nil, &workload.Workload{Kind: "Deployment", Replicas: g.Int32N(3), ReplicasField: "spec.replicas", Surges: g.oneIn(2), SurgeField: "spec.strategy"})
}

// meddle is what other webhooks and the API server may do to a pod between two
// calls: neutral containers in front, behind and in another order, defaults,
// and members that nobody here knows.
func (g *generator) meddle(pod members) {
	spec, ok := pod["spec"].(members)
	if !ok {
		return
	}
	neutral := func(name string) members {
		return members{"name": fmt.Sprintf("%s-%d", name, g.IntN(1_000_000)), "image": "registry.example/sidecar:1"}
	}
	containers, _ := spec["containers"].([]any)
	initContainers, _ := spec["initContainers"].([]any)
	for range 1 + g.IntN(3) {
		switch g.IntN(7) {
		case 0:
			containers = slices.Insert(slices.Clone(containers), 0, any(neutral("first")))
		case 1:
			containers = append(slices.Clone(containers), neutral("last"))
		case 2:
			containers = slices.Clone(containers)
			slices.Reverse(containers)
		case 3:
			initContainers = slices.Insert(slices.Clone(initContainers), 0, any(neutral("first-init")))
		case 4:
			initContainers = append(slices.Clone(initContainers), neutral("last-init"))
		case 5:
			spec["futureDefault"] = g.IntN(100)
		case 6:
			defaultHostPorts(spec, containers)
		}
	}
	spec["containers"] = containers
	if initContainers != nil {
		spec["initContainers"] = initContainers
	}
}

// defaultHostPorts does as the API server does with pods on the host network.
func defaultHostPorts(spec members, containers []any) {
	if spec["hostNetwork"] != true {
		return
	}
	for _, c := range containers {
		container, _ := c.(members)
		ports, _ := container["ports"].([]any)
		for _, p := range ports {
			if port, ok := p.(members); ok && (port["hostPort"] == nil || port["hostPort"] == 0.0) {
				port["hostPort"] = port["containerPort"]
			}
		}
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestGeneratorRepeats: a failure can be looked into by its seed.
func TestGeneratorRepeats(t *testing.T) {
	made := func(seed uint64) []byte { return encode(t, newGenerator(seed).pod(api.ModeHeadless, "")) }
	for seed := range uint64(50) {
		a, b := made(seed), made(seed)
		if !bytes.Equal(a, b) {
			t.Fatalf("seed %d makes two pods:\n%s\n%s", seed, a, b)
		}
		if bytes.Equal(a, made(seed+1)) {
			t.Errorf("seeds %d and %d make the same pod: %s", seed, seed+1, a)
		}
	}
}
