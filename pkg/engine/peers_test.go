package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// decidePeers decides about a pod where the cluster's DNS is known.
func decidePeers(t *testing.T, raw string, cluster *snapshot) *plan.Plan {
	t.Helper()
	known := settings()
	known.Search.Facts = resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local"}
	return engine.Decide(engine.Request{Settings: known, Snapshot: cluster, Namespace: namespace, Object: decode[api.Pod](t, []byte(raw)), Judge: true})
}

// searches are those of a pod after the plan, and its dnsPolicy.
func searches(t *testing.T, raw string, p *plan.Plan) (list []string, policy string) {
	t.Helper()
	pod := decode[api.Pod](t, []byte(patched(t, raw, p)))
	return pod.Searches(), pod.Spec.DNSPolicy
}

const (
	cluster3   = " svc.cluster.local cluster.local"
	peersFirst = "workers.storm.svc.cluster.local storm.svc.cluster.local zk.data.svc.cluster.local" + cluster3
)

// Peers are served in any mode and in none. The status tells the mode that there is.
func TestPeersInEveryMode(t *testing.T) {
	const alone = `{"mode":"","source":"","strategy":"prepend",`
	asks := func(mode string) []string {
		return []string{api.AnnotationMode, mode, api.AnnotationPeers, "workers,zk.data"}
	}
	for _, tt := range []struct {
		name        string
		annotations []string
		labels      map[string]string
		spec        string
		searches    string
		status      string
	}{
		{"none", []string{api.AnnotationPeers, "workers,zk.data"}, nil, `{}`, peersFirst, alone},
		{"default", asks("default"), nil, `{}`, peersFirst, `{"mode":"default","source":"annotation","strategy":"prepend",`},
		{"hostnetwork", asks("hostnetwork"), nil, `{}`, peersFirst, `{"mode":"hostnetwork","source":"annotation","strategy":"prepend",`},
		{"headless", asks("headless"), nil, `{"subdomain":"own"}`, peersFirst, `{"mode":"headless","source":"annotation","service":"own","strategy":"prepend",`},
		{"statefulset-headless", asks("statefulset-headless"), nil, `{"subdomain":"own"}`, "own.storm.svc.cluster.local " + peersFirst,
			`{"mode":"statefulset-headless","source":"annotation","service":"own","strategy":"prepend",`},
		{"inherited", []string{api.AnnotationPeers, "workers,zk.data"}, map[string]string{api.LabelMode: "hostnetwork"}, `{}`, peersFirst,
			`{"mode":"hostnetwork","source":"namespace","strategy":"prepend",`},
		{"inherited, and cannot serve the pod", []string{api.AnnotationPeers, "workers,zk.data"}, map[string]string{api.LabelMode: "hostnetwork"}, `{"hostUsers":false}`, peersFirst, alone},
		{"inherited, and its Service is not known", []string{api.AnnotationPeers, "workers,zk.data"}, map[string]string{api.LabelMode: "statefulset-headless"}, `{}`, peersFirst, alone},
		{"by hand on the host network", []string{api.AnnotationPeers, "workers,zk.data"}, nil, `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}`, peersFirst, alone},
		{"itself in its own namespace, twice", []string{api.AnnotationMode, "statefulset-headless", api.AnnotationPeers, "own,own.storm,workers.storm,zk.data,workers,own.data"}, nil, `{"subdomain":"own"}`,
			"own.storm.svc.cluster.local workers.storm.svc.cluster.local storm.svc.cluster.local zk.data.svc.cluster.local own.data.svc.cluster.local" + cluster3,
			`{"mode":"statefulset-headless","source":"annotation","service":"own","strategy":"prepend",`},
		{"its own Service without a mode is no member", []string{api.AnnotationPeers, "own"}, nil, `{"hostname":"own-0","subdomain":"own"}`,
			"own.storm.svc.cluster.local storm.svc.cluster.local" + cluster3, alone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cluster := &snapshot{labels: tt.labels}
			raw := annotated(tt.spec, tt.annotations...)
			p := decidePeers(t, raw, cluster)
			if !p.Changes() {
				t.Fatalf("no change: %v", describeAll(p))
			}
			list, policy := searches(t, raw, p)
			if diff := cmp.Diff(tt.searches, strings.Join(list, " ")); diff != "" || policy != "None" {
				t.Errorf("dnsPolicy %s, searches (-want +got):\n%s", policy, diff)
			}
			if got := statusOf(t, p); !strings.HasPrefix(got, tt.status) {
				t.Errorf("status %s\nwant  %s", got, tt.status)
			}
			again := decidePeers(t, patched(t, raw, p), cluster)
			if len(again.Mutations) > 0 || again.Refused() || slices.Contains(again.Reasons(), plan.DNSPolicyKept) {
				t.Errorf("again: %v, %v", again.Mutations, describeAll(again))
			}
		})
	}
}

// What a mode that was set aside would have warned of is said of the peers.
func TestPeersWarnOnceMore(t *testing.T) {
	raw := annotated(`{"subdomain":"own","hostUsers":false,"setHostnameAsFQDN":true}`, api.AnnotationPeers, "zk")
	p := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelMode: "statefulset-headless"}})
	want := "warned ClusterDomainAssumed: the cluster's domain is not known, and cluster.local is assumed: start netmode with --cluster-domain if the cluster has another"
	if got := describeAll(p); !slices.Contains(got, want) || !p.Has(plan.NotApplicable) || !p.Changes() {
		t.Errorf("%q", got)
	}
}

// In mode headless the pod's own Service is all that its names are of.
func TestPeersOfHeadless(t *testing.T) {
	raw := annotated(`{"subdomain":"own","hostname":"own"}`, api.AnnotationMode, "headless", api.AnnotationPeers, "own")
	if p := decidePeers(t, raw, &snapshot{}); p.Strategy != "" || len(p.Mutations) != 1 || !p.Changes() {
		t.Errorf("%v, %v", p.Mutations, describeAll(p))
	}
}

// What cannot be served is refused, also where a mode that is inherited could be.
func TestPeersCannotBeServed(t *testing.T) {
	const nodes = `refused DNSPolicyDefault spec.dnsPolicy: Invalid value: "Default": the node's DNS does not know the peers' names: ` +
		"remove dnsPolicy, or set netmode.io/search-rewrite: none"
	for _, tt := range []struct {
		label, spec string
		more        []string
		want        string
	}{
		{"", `{"dnsPolicy":"Default"}`, nil, nodes},
		{"hostnetwork", `{"dnsPolicy":"Default"}`, nil, nodes},
		{"", `{"dnsPolicy":"Default"}`, []string{api.AnnotationMode, "hostnetwork"}, nodes},
		{"", `{"hostNetwork":true,"dnsPolicy":"ClusterFirst"}`, nil, `refused DNSPolicyOfNode spec.dnsPolicy: Invalid value: "ClusterFirst": on the host network it means the node's DNS, ` +
			"which does not know the peers' names: set dnsPolicy: ClusterFirstWithHostNet, or netmode.io/search-rewrite: none"},
		{"hostnetwork", `{"os":{"name":"windows"}}`, nil, `refused PeersOnWindows spec.os.name: Invalid value: "windows": peers have no short names there: ` +
			"remove netmode.io/peers, and call peers by their full names"},
		{"", `{"nodeSelector":{"kubernetes.io/os":"windows"}}`, nil, `refused PeersOnWindows spec.nodeSelector[kubernetes.io/os]: Invalid value: "windows": peers have no short names there: ` +
			"remove netmode.io/peers, and call peers by their full names"},
		{"", `{"containers":[` + strings.Repeat(`{},`, api.MaxContainers) + `{}]}`, nil, `refused PodTooLarge spec.containers: Invalid value: "more than 100 containers": netmode looks at no more: make it smaller`},
		{"", `{"containers":[` + strings.Repeat(`{},`, api.MaxContainers) + `{}]}`, []string{api.AnnotationMode, "default"},
			`refused PodTooLarge spec.containers: Invalid value: "more than 100 containers": netmode looks at no more: make it smaller`},
	} {
		cluster := &snapshot{}
		if tt.label != "" {
			cluster.labels = map[string]string{api.LabelMode: tt.label}
		}
		p := decidePeers(t, annotated(tt.spec, append(tt.more, api.AnnotationPeers, "zk")...), cluster)
		if !slices.Contains(describeAll(p), tt.want) || len(p.Mutations) > 0 && p.Changes() {
			t.Errorf("%s: %q\nwant %s", tt.spec, describeAll(p), tt.want)
		}
	}
	// In mode hostnetwork the policy is set, whoever set the network.
	if p := decidePeers(t, annotated(`{"hostNetwork":true}`, api.AnnotationMode, "hostnetwork", api.AnnotationPeers, "zk"), &snapshot{}); p.Refused() {
		t.Errorf("%v", describeAll(p))
	}
}

// A pod without a mode has a status if it was changed, in this call or in one before.
func TestStatusOfPeersAlone(t *testing.T) {
	const own = `{"dnsPolicy":"None","dnsConfig":{"searches":["zk.storm.svc.cluster.local"]}}`
	for _, tt := range []struct {
		name, spec, status, rewrite string
		patch                       string
	}{
		{"by hand, and nothing to do", own, "", "auto", ""},
		{"done before", own, `{"mode":"","source":"","strategy":"prepend","reasons":[]}`, "auto", ""},
		{"a status of a mode", own, `{"mode":"headless","source":"annotation","reasons":[]}`, "auto", `[{"op":"remove","path":"/metadata/annotations/netmode.io~1status"}]`},
		{"no status", own, `{}`, "auto", `[{"op":"remove","path":"/metadata/annotations/netmode.io~1status"}]`},
		{"nothing wanted", `{}`, "", "none", ""},
	} {
		annotations := []string{api.AnnotationPeers, "zk", api.AnnotationSearchRewrite, tt.rewrite}
		if tt.status != "" {
			annotations = append(annotations, api.AnnotationStatus, tt.status)
		}
		raw := annotated(tt.spec, annotations...)
		if got := patchOf(t, []byte(raw), decidePeers(t, raw, &snapshot{})); got != tt.patch {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.patch)
		}
	}
}

// A Service that is not there is warned of, where anybody can tell.
func TestMissingPeers(t *testing.T) {
	missing := func(service, namespace string) string {
		return "warned PeerMissing metadata.annotations[netmode.io/peers]: there is no Service " + service + " in namespace " + namespace +
			": create it, or correct netmode.io/peers"
	}
	cluster := &snapshot{known: true, services: []api.Service{{Metadata: api.ObjectMeta{Name: "workers"}}}}
	raw := annotated(`{}`, api.AnnotationPeers, "workers,zk,zk.storm,kafka")
	warned := func(p *plan.Plan) []string {
		return slices.DeleteFunc(describeAll(p), func(s string) bool { return !strings.HasPrefix(s, "warned PeerMissing") })
	}
	if diff := cmp.Diff([]string{missing("zk", namespace), missing("kafka", namespace)}, warned(decidePeers(t, raw, cluster))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cluster.services = append(cluster.services, api.Service{Metadata: api.ObjectMeta{Name: "zk"}}) // the cure
	corrected := strings.ReplaceAll(raw, ",kafka", "")                                             // and the other
	if got := warned(decidePeers(t, corrected, cluster)); len(got) > 0 {
		t.Errorf("the cure is followed: %v", got)
	}
	if got := warned(decidePeers(t, raw, &snapshot{})); len(got) > 0 {
		t.Errorf("nobody can tell: %v", got)
	}
}

// A workload's author hears of what its pods would: the annotation is copied.
func TestPeersOfWorkloads(t *testing.T) {
	c := workloadOf("Deployment", "peers=zk,kafka.data", "")
	p := decideWorkload(c, &snapshot{known: true})
	wantFindings(t, p,
		"changed AnnotationCopied spec.template.metadata.annotations[netmode.io/peers]",
		"kept NothingAsked",
		"warned PeerMissing metadata.annotations[netmode.io/peers]: there is no Service zk in namespace storm: create it, or correct netmode.io/peers",
		"warned PeerMissing metadata.annotations[netmode.io/peers]: there is no Service kafka in namespace data: create it, or correct netmode.io/peers",
		"kept ClusterDNSUnknown",
		"warned ClusterDomainAssumed: the cluster's domain is not known, and cluster.local is assumed: start netmode with --cluster-domain if the cluster has another",
		"changed SearchAppended spec.template.spec.dnsConfig.searches",
		"changed SearchAppended spec.template.spec.dnsConfig.searches")
	if p.Mode != "" || p.Strategy != api.SearchAppend {
		t.Errorf("mode %q, strategy %q", p.Mode, p.Strategy)
	}
	node := workloadOf("DaemonSet", "peers=zk", "")
	node.Pod.Spec.DNSPolicy = api.DNSDefault
	if p := decideWorkload(node, &snapshot{}); !strings.HasPrefix(p.Denial(), "spec.template.spec.dnsPolicy: ") {
		t.Errorf("denial %q", p.Denial())
	}
	if p := decideWorkload(workloadOf("Job", "peers=Zk", ""), &snapshot{}); !strings.HasPrefix(p.Denial(), `metadata.annotations[netmode.io/peers]: Invalid value: "Zk": must be names of Services`) {
		t.Errorf("denial %q", p.Denial())
	}
}

// Whatever stands there, the answer is short and comes at once.
func TestPeersOfMuchText(t *testing.T) {
	for name, value := range map[string]string{
		"256 kB of a name":    strings.Repeat("a", 256<<10),
		"256 kB of dots":      strings.Repeat(".", 256<<10),
		"256 kB of blanks":    strings.Repeat(" ", 256<<10),
		"100,000 commas":      strings.Repeat(",", 100_000),
		"100,000 peers":       strings.Repeat("zk,", 100_000) + "zk",
		"256 kB of Chinese":   strings.Repeat("网", 85<<10),
		"control characters":  strings.Repeat("\x01", 100_000),
		"ten, and 256 kB":     strings.Repeat("zk,", 9) + strings.Repeat("é", 128<<10),
		"a hundred of dashes": strings.Repeat("-", 100),
	} {
		pod := &api.Pod{Metadata: api.ObjectMeta{Name: "p", Annotations: map[string]string{api.AnnotationPeers: value}}}
		p := engine.Decide(engine.Request{Settings: settings(), Snapshot: &snapshot{known: true}, Namespace: namespace, Object: pod})
		if denial := p.Denial(); !hasReason(p, plan.Refused, plan.AnnotationInvalid) || len(denial) > 3<<10 || len(denial) == 0 {
			t.Errorf("%s: %d bytes of %.200s", name, len(denial), denial)
		}
	}
	longest := make([]string, api.MaxPeers)
	for i := range longest {
		longest[i] = fmt.Sprintf("%s%d.%s", strings.Repeat("a", 62), i, strings.Repeat("b", 63))
	}
	p := decidePeers(t, annotated(`{}`, api.AnnotationPeers, strings.Join(longest, ",")), &snapshot{})
	if p.Refused() || !p.Has(plan.SearchTooLongForMusl) {
		t.Errorf("ten of the longest names: %v", describeAll(p))
	}
}
