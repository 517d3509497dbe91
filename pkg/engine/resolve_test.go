package engine_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// TestPodModeTruthTable is the truth table of where a pod's mode comes from,
// row by row: every annotation beside every label.
func TestPodModeTruthTable(t *testing.T) {
	const (
		nothing   = "kept NothingAsked"
		inherited = "kept ModeInherited namespace.metadata.labels[netmode.io/mode]"
		bad       = "warned LabelInvalid namespace.metadata.labels[netmode.io/mode]: Unsupported value: "
	)
	supported := ": " + apitest.SupportedModes() + ": correct the label of the namespace"
	labels := func(mode string) map[string]string { return map[string]string{api.LabelMode: mode, "team": "storm"} }
	type row struct {
		name       string
		annotation api.Mode
		labels     map[string]string
		mode       api.Mode
		source     plan.Source
		finding    string // of the rule about the mode; "" where it passed
	}
	rows := []row{
		{"neither", "", map[string]string{"team": "storm"}, "", plan.SourceNone, nothing},
		{"the namespace is not known", "", nil, "", plan.SourceNone, nothing},
		{"a label that is not a mode", "", labels("hostnet"), "", plan.SourceNone, bad + `"hostnet"` + supported},
		{"a label in capitals", "", labels("Headless"), "", plan.SourceNone, bad + `"Headless"` + supported},
		{"an empty label", "", labels(""), "", plan.SourceNone, bad + `""` + supported},
	}
	for _, asked := range api.Modes() {
		rows = append(rows,
			row{"annotation " + string(asked) + " alone", asked, nil, asked, plan.SourceAnnotation, ""},
			row{"annotation " + string(asked) + " and a label that is not a mode", asked, labels("hostnet"), asked, plan.SourceAnnotation, ""},
			row{"label " + string(asked) + " alone", "", labels(string(asked)), asked, plan.SourceNamespace, inherited},
		)
		for _, label := range api.Modes() {
			rows = append(rows, row{"annotation " + string(asked) + " and label " + string(label), asked, labels(string(label)), asked, plan.SourceAnnotation, ""})
		}
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			raw := annotated(`{"subdomain":"peers"}`)
			if row.annotation != "" {
				raw = annotated(`{"subdomain":"peers"}`, api.AnnotationMode, string(row.annotation))
			}
			p := decidePod(t, raw, &snapshot{labels: row.labels})
			if p.Mode != row.mode || p.Source != row.source {
				t.Errorf("mode %q from %q, want %q from %q", p.Mode, p.Source, row.mode, row.source)
			}
			i := slices.IndexFunc(p.Trace, func(f plan.Finding) bool { return f.Rule == "mode" })
			if i < 0 {
				t.Fatalf("no finding about the mode: %v", p.Trace)
			}
			got := ""
			if p.Trace[i].Verdict != plan.Passed {
				got = describe(p, &p.Trace[i])
			}
			if got != row.finding {
				t.Errorf("got  %s\nwant %s", got, row.finding)
			}
			if changes := row.mode != ""; p.Changes() != changes {
				t.Errorf("changes the pod: %v, want %v", p.Changes(), changes)
			}
		})
	}
}

// TestDefaultOptsOut: a pod of a namespace that gives a mode stays as it is, but
// for its status.
func TestDefaultOptsOut(t *testing.T) {
	p := decidePod(t, annotated(`{"dnsPolicy":"ClusterFirst"}`, api.AnnotationMode, "default"), &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
	wantFindings(t, p, "kept ModeDefault")
	if got, want := statusOf(t, p), `{"mode":"default","source":"annotation","reasons":["ModeDefault"]}`; got != want || len(p.Mutations) != 1 {
		t.Errorf("changed: %v", p.Mutations)
	}
}

// TestInheritedModeThatCanServe changes the pod as an asked mode would, and
// says where the mode came from.
func TestInheritedModeThatCanServe(t *testing.T) {
	raw := annotated(`{"dnsPolicy":"ClusterFirst","containers":[{"name":"a","ports":[{"containerPort":80}]}]}`)
	p := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
	wantFindings(t, p, "kept ModeInherited namespace.metadata.labels[netmode.io/mode]", "changed HostNetworkSet spec.hostNetwork", "changed DNSPolicySet spec.dnsPolicy",
		"warned NodeHostname spec.hostNetwork: hostname(1) in the pod is the node's name")
	want := `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"replace","path":"/spec/dnsPolicy","value":"ClusterFirstWithHostNet"},` +
		`{"op":"add","path":"/metadata/annotations/netmode.io~1status","value":"{\"mode\":\"hostnetwork\",\"source\":\"namespace\",` +
		`\"reasons\":[\"ModeInherited\",\"HostNetworkSet\",\"DNSPolicySet\",\"NodeHostname\"]}"}]`
	if got := patchOf(t, []byte(raw), p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestInheritedModeThatCannotServe leaves the pod alone: no change, no refusal,
// and no warning but those about annotations, which the author can mend.
func TestInheritedModeThatCannotServe(t *testing.T) {
	const notApplicable = "kept NotApplicable"
	const inherited = "kept ModeInherited namespace.metadata.labels[netmode.io/mode]"
	for _, test := range []struct {
		name, mode, raw string
		want            []string
	}{
		{"hostnetwork, and a port conflict", "hostnetwork", annotated(`{"dnsPolicy":"None","containers":[{"name":"a","ports":[{"containerPort":1,"hostPort":2}]}]}`),
			[]string{inherited, "kept HostNetworkSet spec.hostNetwork", "kept DNSPolicyKept spec.dnsPolicy", "kept HostPortMismatch spec.containers[0].ports[0].hostPort",
				"kept NodeHostname spec.hostNetwork", notApplicable}},
		{"headless, and no governing Service", "headless", annotated(`{}`),
			[]string{inherited, "kept GoverningServiceUnknown metadata.annotations[netmode.io/service]", notApplicable}},
		{"statefulset-headless, and a name with dots", "statefulset-headless", `{"metadata":{"name":"web.0"},"spec":{"subdomain":"peers"}}`,
			[]string{inherited, "kept GoverningServiceNamed spec.subdomain", "kept GoverningServiceMissing spec.subdomain", "kept HostnameInvalid metadata.name", "kept ClusterDNSUnknown",
				"kept ClusterDomainAssumed", "kept SearchAppended spec.dnsConfig.searches", notApplicable}},
		{"warnings about annotations remain", "statefulset-headless",
			`{"metadata":{"generateName":"web-","labels":{"netmode.io/ignore":"no"},"annotations":{"netmode.io/servce":"x","netmode.io/publish-not-ready-addresses":"true"}},"spec":{"subdomain":"peers","hostnameOverride":"x","hostname":"a"}}`,
			[]string{
				`warned IgnoreLabelValue metadata.labels[netmode.io/ignore]: "no" counts as false: write netmode.io/ignore: "true" to be left alone, or remove the label`,
				"warned AnnotationUnknown metadata.annotations[netmode.io/servce]: the key means nothing to netmode; the nearest that does is netmode.io/service: correct the key or remove it",
				inherited,
				"warned AnnotationUnused metadata.annotations[netmode.io/publish-not-ready-addresses]: it does nothing here in mode statefulset-headless: remove it, or choose the mode that it belongs to",
				"kept HostnameOverride spec.hostnameOverride", "kept GoverningServiceNamed spec.subdomain", "kept GoverningServiceMissing spec.subdomain", "kept HostnameKept spec.hostname",
				"kept ClusterDNSUnknown", "kept ClusterDomainAssumed", "kept SearchAppended spec.dnsConfig.searches", notApplicable}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := decidePod(t, test.raw, &snapshot{known: true, labels: map[string]string{api.LabelMode: test.mode}})
			wantFindings(t, p, test.want...)
			if len(p.Mutations) > 0 || p.Refused() || p.Service != "" || p.Strategy != "" {
				t.Errorf("left-overs in the plan: %v, refused %v, service %q, strategy %q", p.Mutations, p.Refused(), p.Service, p.Strategy)
			}
			if string(p.Mode) != test.mode || p.Source != plan.SourceNamespace {
				t.Errorf("mode %q from %q", p.Mode, p.Source)
			}
		})
	}
}

// TestAskedModeThatCannotServe is refused, whatever the namespace gives.
func TestAskedModeThatCannotServe(t *testing.T) {
	raw := annotated(`{"hostUsers":false,"hostnameOverride":"x"}`, api.AnnotationMode, "hostnetwork")
	p := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
	const want = `2 problems: spec.hostnameOverride: Invalid value: "x": replaces the pod's hostname and drops its subdomain: remove hostnameOverride, or remove netmode.io/mode (HostnameOverride); ` +
		"spec.hostUsers: Invalid value: false: a pod in a user namespace cannot use the host network: remove hostUsers: false, or choose another mode (UserNamespace)"
	if got := p.Denial(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p.Changes() {
		t.Error("a refused plan changes the pod")
	}
}

// TestNoCluster: nothing is known, so nothing is inherited or derived.
func TestNoCluster(t *testing.T) {
	pod := decode[api.Pod](t, []byte(annotated(`{}`, api.AnnotationMode, "headless")))
	p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: pod, Judge: true})
	wantFindings(t, p, "refused GoverningServiceUnknown metadata.annotations[netmode.io/service]: Required value: the pod names no governing Service, "+
		"and there is no cluster to look for one: name it with the annotation netmode.io/service on the pod template")
	pod = decode[api.Pod](t, []byte(annotated(`{}`)))
	wantFindings(t, engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: pod, Judge: true}), "kept NothingAsked")
}

// TestWorkloadReachesTheRules: the pod of a template knows what will make it.
func TestWorkloadReachesTheRules(t *testing.T) {
	pod := decode[api.Pod](t, []byte(annotated(`{"hostname":"peers","subdomain":"peers"}`, api.AnnotationMode, "headless")))
	p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: pod, Workload: &workload.Workload{Replicas: 2, ReplicasField: "spec.replicas"}, Judge: true})
	wantFindings(t, p, "kept GoverningServiceNamed spec.subdomain", "warned HostnameShared spec.replicas: 2 pods would share one hostname: "+
		"run one pod, or use netmode.io/mode: statefulset-headless, with no hostname in the pod template")
}

// TestNamespaceLabelsReachTheRules: what a namespace enforces is known to the mode.
func TestNamespaceLabelsReachTheRules(t *testing.T) {
	raw := annotated(`{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","containers":[{"ports":[{"containerPort":80}]}]}`, api.AnnotationMode, "hostnetwork")
	p := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelPodSecurityEnforce: "baseline"}})
	wantFindings(t, p, "warned NodeHostname spec.hostNetwork: hostname(1) in the pod is the node's name",
		"warned PodSecurityRejects spec.hostNetwork: namespace storm enforces PodSecurity baseline, which rejects hostNetwork: "+
			"run the pod in a namespace whose PodSecurity level allows it, or choose another mode")
}
