package engine_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// patched is the object with the plan's mutations made.
func patched(t *testing.T, raw string, p *plan.Plan) string {
	t.Helper()
	operations, err := patch.Build([]byte(raw), p.Mutations)
	if err != nil {
		t.Fatal(err)
	}
	object, err := patch.Apply([]byte(raw), operations)
	if err != nil {
		t.Fatal(err)
	}
	return string(object)
}

// edited is a pod after another webhook set fields of its spec.
func edited(t *testing.T, raw string, fields members) string {
	t.Helper()
	pod := *decode[members](t, []byte(raw))
	spec, ok := pod["spec"].(members)
	if !ok {
		t.Fatalf("no spec in %s", raw)
	}
	maps.Copy(spec, fields)
	return string(encode(t, pod))
}

var (
	withMesh   = members{"containers": []any{members{"name": "a", "ports": []any{members{"containerPort": 80}}}, members{"name": "istio-proxy"}}}
	onHost     = members{"hostNetwork": true}
	overridden = members{"hostnameOverride": "x"}
)

const (
	givesHost  = `{"namespaceSelector":{},"defaultMode":"hostnetwork"}`
	givesPeers = `{"namespaceSelector":{},"defaultMode":"statefulset-headless"}`
	noHand     = `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false}}`

	plainPod = `{"metadata":{"name":"web"},"spec":{"dnsPolicy":"ClusterFirst","containers":[{"name":"a","ports":[{"containerPort":80}]}]}}`
	peerPod  = `{"metadata":{"generateName":"web-"},"spec":{"subdomain":"peers","hostname":"web-0","containers":[{"name":"a"}]}}`

	meshDenied = `spec.containers[1].name: Invalid value: "istio-proxy": a service mesh was injected already, and its rules would be the node's; ` +
		`sidecar.istio.io/inject: "false" among the pod's labels keeps Istio away: ` +
		"turn the mesh's injection off for this pod, or choose another mode (MeshSidecar)"
	overrideDenied = `spec.hostnameOverride: Invalid value: "x": replaces the pod's hostname and drops its subdomain: ` +
		"remove hostnameOverride, or remove netmode.io/mode (HostnameOverride)"
	hostDenied = "spec.hostNetwork: Invalid value: true: the pod would have its node's name and address: " +
		"remove hostNetwork, or use netmode.io/mode: hostnetwork (HostNetworkInUse)"
)

// noLonger is the denial of a pod that has a mode which cannot serve it.
func noLonger(rule, mode, from string) string {
	return "2 problems: " + rule + "; metadata.annotations[netmode.io/status]: Forbidden: mode " + mode +
		" was given to the pod, and another webhook made it one that the mode cannot serve; the mode comes from " + from +
		": keep that webhook from the pod, or set netmode.io/mode on the pod template to a mode that can serve it (NoLongerApplicable)"
}

// An inherited mode was applied, and then another webhook makes the pod one that
// the mode cannot serve: it must not start half-way.
func TestInheritedModeThatNoLongerServes(t *testing.T) {
	const label, byPolicy = "the label of the namespace", "the default of policy p"
	for _, tt := range []struct {
		name, label, policy, pod string
		later                    members
		want                     string
	}{
		{"hostnetwork, and a mesh", "hostnetwork", "", plainPod, withMesh, noLonger(meshDenied, "hostnetwork", label)},
		{"hostnetwork of a policy, and a mesh", "", givesHost, plainPod, withMesh, noLonger(meshDenied, "hostnetwork", byPolicy)},
		{"hostnetwork, and a mesh that sets dnsPolicy", "hostnetwork", "", plainPod,
			members{"containers": withMesh["containers"], "dnsPolicy": "ClusterFirst"}, noLonger(meshDenied, "hostnetwork", label)},
		{"hostnetwork, and a mesh, where a policy forbids it by hand", "hostnetwork", noHand, plainPod, withMesh, noLonger(meshDenied, "hostnetwork", label)},
		{"hostnetwork, and a port twice", "hostnetwork", "", plainPod,
			members{"containers": []any{members{"name": "a", "ports": []any{members{"containerPort": 80}}}, members{"name": "b", "ports": []any{members{"containerPort": 80}}}}},
			noLonger("spec.containers[1].ports[0].containerPort: Invalid value: 80: TCP port 80 is taken by spec.containers[0].ports[0]: give one of them another port (HostPortConflict)", "hostnetwork", label)},
		{"statefulset-headless, and another hostname", "statefulset-headless", "", peerPod, overridden, noLonger(overrideDenied, "statefulset-headless", label)},
		{"statefulset-headless of a policy, and another hostname", "", givesPeers, peerPod, overridden, noLonger(overrideDenied, "statefulset-headless", byPolicy)},
		{"statefulset-headless without a search rewrite, and another hostname", "statefulset-headless",
			`{"namespaceSelector":{},"searchRewrite":{"strategy":"none"}}`, `{"metadata":{"name":"web-0"},"spec":{"subdomain":"peers"}}`, overridden,
			noLonger(overrideDenied, "statefulset-headless", label)},
		{"statefulset-headless, the host network, and a mesh", "statefulset-headless", "", strings.Replace(peerPod, `"subdomain"`, `"hostNetwork":true,"subdomain"`, 1), withMesh,
			noLonger(meshDenied, "statefulset-headless", label)},
		{"headless, and the host network", "headless", "", `{"metadata":{"name":"web"},"spec":{"subdomain":"peers"}}`, onHost, noLonger(hostDenied, "headless", label)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &snapshot{}
			c.labels = map[string]string{api.LabelPolicy: api.PolicyEnabled}
			if tt.label != "" {
				c.labels[api.LabelMode] = tt.label
			}
			if tt.policy != "" {
				c.policies = policies(t, "p", tt.policy)
			}
			first := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, []byte(tt.pod))})
			if !first.Changes() {
				t.Fatalf("first call: %q", describeAll(first))
			}
			served := patched(t, tt.pod, first)
			spoilt := []byte(edited(t, served, tt.later))
			again := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, spoilt)})
			if again.Denial() != tt.want || again.Changes() {
				t.Errorf("got  %s\nwant %s", again.Denial(), tt.want)
			}
			if p := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, []byte(served)), Judge: true}); p.Refused() || p.Changes() {
				t.Errorf("without the other webhook: %s %v", p.Denial(), p.Mutations)
			}
			if p := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, []byte(edited(t, tt.pod, tt.later)))}); p.Refused() || p.Changes() {
				t.Errorf("a pod that was so at first: %q", describeAll(p))
			}
		})
	}
}

// Anybody can write a status or copy one. It asks for nothing, it makes no pod
// of those that an inherited mode leaves alone one to refuse, and no policy is
// milder for it.
func TestStatusOfSomebodyElse(t *testing.T) {
	const (
		hostStatus  = `{"mode":"hostnetwork","source":"namespace","reasons":["HostNetworkSet"]}`
		peersStatus = `{"mode":"statefulset-headless","source":"policy","policy":"p","service":"peers","strategy":"append","reasons":["SearchAppended"]}`
		headStatus  = `{"mode":"headless","source":"namespace","service":"peers","reasons":["HostnameSet"]}`
		mesh        = `{"containers":[{"name":"a"},{"name":"istio-proxy"}]}`
		meshOnHost  = `{"hostNetwork":true,"containers":[{"name":"a"},{"name":"istio-proxy"}]}`
		ofSet       = `"name":"web-0","ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","controller":true}]`
	)
	unmanaged := "spec.hostNetwork: Invalid value: true: policy p allows the host network only in mode hostnetwork: " +
		"remove hostNetwork (PolicyHostNetworkUnmanaged)"
	for _, tt := range []struct {
		name, label, policy, status, metadata, spec string
		want                                        string
	}{
		{"copied to a pod with a mesh", "hostnetwork", "", hostStatus, `"name":"a"`, mesh, ""},
		{"copied to a StatefulSet's pod of another hostname", "statefulset-headless", "", peersStatus, ofSet, `{"hostname":"web-0","subdomain":"peers","hostnameOverride":"x"}`, ""},
		{"copied to another pod on the host network", "headless", "", headStatus, `"name":"a"`, `{"hostname":"a","subdomain":"peers","hostNetwork":true}`, ""},
		{"of another mode", "hostnetwork", "", peersStatus, `"name":"a"`, meshOnHost, ""},
		{"of a pod that asked", "hostnetwork", "", `{"mode":"hostnetwork","source":"annotation","reasons":[]}`, `"name":"a"`, meshOnHost, ""},
		{"no JSON", "hostnetwork", "", "hostnetwork", `"name":"a"`, meshOnHost, ""},
		{"null", "hostnetwork", "", "null", `"name":"a"`, meshOnHost, ""},
		{"another JSON", "hostnetwork", "", `["hostnetwork"]`, `"name":"a"`, meshOnHost, ""},
		{"members of other types", "hostnetwork", "", `{"mode":1,"source":"namespace"}`, `"name":"a"`, meshOnHost, ""},
		{"headless without a Service", "headless", "", `{"mode":"headless","source":"namespace","reasons":[]}`, `"name":"a"`, `{"hostNetwork":true}`, ""},
		{"statefulset-headless without a Service", "statefulset-headless", "", `{"mode":"statefulset-headless","source":"namespace","reasons":[]}`, `"name":"a"`,
			`{"hostname":"a","hostNetwork":true,"dnsConfig":{"searches":["x.storm.svc.cluster.local"]}}`, ""},

		{"where nothing gives a mode", "", noHand, hostStatus, `"name":"a"`, meshOnHost, unmanaged},
		{"of another mode, where policies forbid it by hand", "headless", noHand, hostStatus, `"name":"a"`, meshOnHost, unmanaged},
		{"of the mode, by hand, where policies forbid that", "hostnetwork", noHand, hostStatus, `"name":"a"`, meshOnHost,
			noLonger(meshDenied, "hostnetwork", "the label of the namespace")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &snapshot{}
			if tt.label != "" {
				c.labels = map[string]string{api.LabelMode: tt.label}
			}
			if tt.policy != "" {
				c.policies = policies(t, "p", tt.policy)
			}
			status := string(encode(t, tt.status))
			raw := []byte(`{"metadata":{` + tt.metadata + `,"annotations":{"netmode.io/status":` + status + `}},"spec":` + tt.spec + `}`)
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, raw), Judge: true})
			if p.Denial() != tt.want {
				t.Errorf("got  %s\nwant %s", p.Denial(), tt.want)
			}
			if tt.want != "" {
				return
			}
			p = engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: namespace, Object: decode[api.Pod](t, raw)})
			removed := []plan.Mutation{{Action: plan.Remove, Pointer: statusPointer}}
			if p.Refused() || !reflect.DeepEqual(p.Mutations, removed) || !slices.Contains(p.Reasons(), plan.NotApplicable) {
				t.Errorf("mutating: %v %q", p.Mutations, describeAll(p))
			}
		})
	}
}

// An inherited mode was applied, and then another webhook puts the pod on its node's
// network: the mode serves it there as well.
func TestAppliedAndPutOnTheHost(t *testing.T) {
	c := &snapshot{labels: map[string]string{api.LabelMode: "statefulset-headless"}}
	moved := edited(t, patched(t, peerPod, decidePod(t, peerPod, c)), onHost)
	p := decidePod(t, moved, c)
	if p.Refused() || !hasReason(p, plan.Changed, plan.DNSPolicySet) {
		t.Errorf("%q", describeAll(p))
	}
	if again := decidePod(t, patched(t, moved, p), c); len(again.Mutations) > 0 || again.Refused() {
		t.Errorf("again: %v %q", again.Mutations, describeAll(again))
	}
	c.labels[api.LabelPodSecurityEnforce] = "baseline"
	if p := decidePod(t, edited(t, peerPod, onHost), c); !p.Changes() || !hasReason(p, plan.Warned, plan.PodSecurityRejects) {
		t.Errorf("in a namespace that rejects it anyway: %q", describeAll(p))
	}
}

// Where Kubernetes itself will refuse the pod, there is nothing to add.
func TestAppliedAndRejected(t *testing.T) {
	first := decidePod(t, plainPod, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
	reset := edited(t, patched(t, plainPod, first), members{"dnsPolicy": "ClusterFirst"})
	p := decidePod(t, reset, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork", api.LabelPodSecurityEnforce: "baseline"}})
	if p.Refused() || !p.Changes() || !strings.Contains(strings.Join(describeAll(p), "\n"), "warned PodSecurityRejects spec.hostNetwork: ") {
		t.Errorf("%v %q", p.Mutations, describeAll(p))
	}
}
