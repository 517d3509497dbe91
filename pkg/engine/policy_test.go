package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// policies are made of pairs of a name and a spec.
func policies(t testing.TB, namesAndSpecs ...string) policy.Set {
	t.Helper()
	var all []*policy.Policy
	for pair := range slices.Chunk(namesAndSpecs, 2) {
		raw := `{"metadata":{"name":"` + pair[0] + `"},"spec":` + strings.Join(pair[1:], "") + `}`
		compiled, errs := policy.Compile(decode[api.NetworkModePolicy](t, []byte(raw)))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		all = append(all, compiled)
	}
	return policy.NewSet(all)
}

const defaultsToHost = `{"namespaceSelector":{},"defaultMode":"hostnetwork"}`

// The rows of the truth table that have a policy, in resolvePodMode.
func TestPolicyModeTruthTable(t *testing.T) {
	set := policies(t, "low", `{"namespaceSelector":{},"defaultMode":"headless","priority":-1}`, "host", defaultsToHost)
	const byPolicy = "kept PolicyDefault"
	for _, tt := range []struct {
		annotation, label string
		mode              api.Mode
		source            plan.Source
		policy            string
	}{
		{"statefulset-headless", "headless", api.ModeStatefulSetHeadless, plan.SourceAnnotation, ""},
		{"default", "headless", api.ModeDefault, plan.SourceAnnotation, ""},
		{"", "headless", api.ModeHeadless, plan.SourceNamespace, ""},
		{"", "default", api.ModeDefault, plan.SourceNamespace, ""},
		{"", "hostnet", api.ModeHostNetwork, plan.SourcePolicy, "host"},
		{"", "", api.ModeHostNetwork, plan.SourcePolicy, "host"},
	} {
		t.Run(tt.annotation+" "+tt.label, func(t *testing.T) {
			c := &snapshot{policies: set, labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}}
			if tt.label != "" {
				c.labels[api.LabelMode] = tt.label
			}
			raw := `{"spec":{"subdomain":"peers"}}`
			if tt.annotation != "" {
				raw = annotated(`{"subdomain":"peers"}`, api.AnnotationMode, tt.annotation)
			}
			p := decidePod(t, raw, c)
			if p.Mode != tt.mode || p.Source != tt.source || p.Policy != tt.policy {
				t.Errorf("mode %q from %q %q, want %q from %q %q", p.Mode, p.Source, p.Policy, tt.mode, tt.source, tt.policy)
			}
			if got := strings.Contains(strings.Join(describeAll(p), "\n"), byPolicy); got != (tt.policy != "") {
				t.Errorf("findings %q", describeAll(p))
			}
		})
	}
}

// The status names the policy, and a policy's default that cannot serve the pod
// leaves it alone, as an inherited mode does.
func TestPolicyDefault(t *testing.T) {
	set := &snapshot{policies: policies(t, "host", defaultsToHost), labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}}
	raw := `{"spec":{"containers":[{"ports":[{"containerPort":1}]}]}}`
	if got := patchOf(t, []byte(raw), decidePod(t, raw, set)); !strings.Contains(got, `\"source\":\"policy\",\"policy\":\"host\"`) {
		t.Errorf("patch %s", got)
	}
	p := decidePod(t, `{"spec":{"hostUsers":false,"containers":[{"ports":[{"containerPort":1}]}]}}`, set)
	if p.Changes() || p.Refused() || !strings.Contains(strings.Join(describeAll(p), "\n"), "kept NotApplicable") {
		t.Errorf("findings %q", describeAll(p))
	}
}

// A pod that its node needs is refused by no policy, where such pods are known to be.
func TestPolicyOfSystemCriticalPods(t *testing.T) {
	c := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false}}`)}
	for _, tt := range []struct {
		namespace, class string
		refused          bool
	}{
		{"calico-system", "system-node-critical", false},
		{"calico-system", "system-cluster-critical", false},
		{"calico-system", "high", true},
		{"calico-system", "", true},
		{"default", "system-node-critical", true},
	} {
		raw := []byte(`{"spec":{"hostNetwork":true,"priorityClassName":"` + tt.class + `"}}`)
		p := engine.Decide(engine.Request{Settings: settings(), Snapshot: c, Namespace: tt.namespace, Object: decode[api.Pod](t, raw), Judge: true})
		findings := strings.Join(describeAll(p), "\n")
		if p.Refused() != tt.refused || strings.Contains(findings, "policy p allows the host network only in mode hostnetwork") != tt.refused || strings.Contains(findings, "kept SystemCritical") == tt.refused {
			t.Errorf("%s %s: refused %t, findings %s", tt.namespace, tt.class, p.Refused(), findings)
		}
	}
}

func TestPolicyJudgement(t *testing.T) {
	const (
		onlyHeadless = `{"namespaceSelector":{},"allowedModes":["headless"]}`
		required     = `{"namespaceSelector":{},"requireMode":true}`
		noHand       = `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false,"portRange":{"min":20000,"max":29999}}}`
		host         = `{"hostNetwork":true,"containers":[{"ports":[{"containerPort":20001}]}]}`
	)
	askedHost := annotated(`{"containers":[{"ports":[{"containerPort":20001}]}]}`, api.AnnotationMode, "hostnetwork")
	for _, tt := range []struct {
		name, spec, raw string
		labels          map[string]string
		want            []string
	}{
		{"asked and forbidden", onlyHeadless, askedHost, nil, []string{"metadata.annotations[netmode.io/mode]"}},
		{"inherited and forbidden", onlyHeadless, `{"spec":{}}`, map[string]string{api.LabelMode: "hostnetwork"}, []string{"namespace.metadata.labels[netmode.io/mode]"}},
		{"inherited and not applicable", onlyHeadless, `{"spec":{"hostUsers":false}}`, map[string]string{api.LabelMode: "hostnetwork"}, nil},
		{"inherited, not applicable, and required", required, `{"spec":{"hostUsers":false}}`, map[string]string{api.LabelMode: "hostnetwork"}, []string{"metadata.annotations[netmode.io/mode]"}},
		{"nothing asked", onlyHeadless, `{"spec":{}}`, nil, nil},
		{"nothing asked, and required", required, `{"spec":{}}`, nil, []string{"metadata.annotations[netmode.io/mode]"}},
		{"host network by hand", noHand, `{"spec":` + host + `}`, nil, []string{"spec.hostNetwork"}},
		{"by hand, and ignored", noHand, `{"metadata":{"labels":{"netmode.io/ignore":"true"}},"spec":` + host + `}`, nil, []string{"spec.hostNetwork"}},
		{"by mode", noHand, askedHost, nil, nil},
		{"by mode, port out of range", noHand, annotated(`{"containers":[{"ports":[{"containerPort":80}]}]}`, api.AnnotationMode, "hostnetwork"), nil, []string{"spec.containers[0].ports[0].containerPort"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := decidePod(t, tt.raw, &snapshot{labels: tt.labels, policies: policies(t, "p", tt.spec)})
			var refused []string
			for _, f := range p.Findings(plan.Refused) {
				refused = append(refused, f.Path())
				if f.Rule != "policies" || !strings.Contains(f.Detail, "policy p ") {
					t.Errorf("%+v does not name the policy", f)
				}
			}
			if diff := cmp.Diff(tt.want, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s\n%q", diff, describeAll(p))
			}
		})
	}
}

// What a pod's author reads of a mode that the pod did not ask for: where it
// comes from, and which policy it breaks. The rows of the table in origin.
func TestJudgementOfInheritedModes(t *testing.T) {
	const (
		gives    = `{"namespaceSelector":{},"priority":1,"defaultMode":"statefulset-headless"}`
		optsOut  = `{"namespaceSelector":{},"priority":1,"defaultMode":"default"}`
		only     = `{"namespaceSelector":{},"allowedModes":["hostnetwork"]}`
		required = `{"namespaceSelector":{},"requireMode":true}`

		peer   = `{"metadata":{"name":"worker-0"},"spec":{"hostname":"worker-0","subdomain":"workers"}}`
		nobody = `{"metadata":{"name":"web.0"},"spec":{"subdomain":"workers"}}`

		label    = "namespace.metadata.labels[netmode.io/mode]: Invalid value: "
		allows   = "policy b allows hostnetwork; mode default is allowed, too"
		setMode  = ": set netmode.io/mode on the pod template (PolicyModeRequired)"
		setOther = ": set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)"
	)
	anyMode := "policy b requires a mode: " + apitest.AnyMode()
	missing := "metadata.annotations[netmode.io/mode]: Required value: " + anyMode
	for _, tt := range []struct {
		name, a, b, label, raw string
		want                   string
	}{
		{"a default that another policy forbids", gives, only, "", peer,
			`policy a spec.defaultMode: Invalid value: "statefulset-headless": ` + allows + "; the mode comes from the default of policy a" + setOther},
		{"a label that a policy forbids", optsOut, only, "statefulset-headless", peer,
			label + `"statefulset-headless": ` + allows + "; the mode comes from the label of the namespace" + setOther},
		{"a default that cannot serve, and a mode is required", gives, required, "", nobody,
			missing + "; statefulset-headless, from the default of policy a, cannot serve the pod" + setMode},
		{"a label that cannot serve, and a mode is required", gives, required, "statefulset-headless", nobody,
			missing + "; statefulset-headless, from the label of the namespace, cannot serve the pod" + setMode},
		{"a default that cannot serve, and is forbidden", gives, only, "", nobody, ""},
		{"the default is default, and a mode is required", optsOut, required, "", peer,
			`policy a spec.defaultMode: Invalid value: "default": ` + anyMode + "; the mode comes from the default of policy a" + setMode},
		{"the label is default, and a mode is required", gives, required, "default", peer,
			label + `"default": ` + anyMode + "; the mode comes from the label of the namespace" + setMode},
		{"a label that is no mode, and a default that is forbidden", gives, only, "hostnet", peer,
			`policy a spec.defaultMode: Invalid value: "statefulset-headless": ` + allows + "; the mode comes from the default of policy a" + setOther},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &snapshot{policies: policies(t, "a", tt.a, "b", tt.b), labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}}
			if tt.label != "" {
				c.labels[api.LabelMode] = tt.label
			}
			if got := decidePod(t, tt.raw, c).Denial(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			served := decidePod(t, tt.raw, &snapshot{labels: c.labels, policies: policies(t, "a", tt.a)})
			if served.Refused() {
				t.Errorf("without policy b: %s", served.Denial())
			}
		})
	}
	// At a workload the label and the policy are still not its own.
	c := workloadOf("StatefulSet", "", "")
	c.Pod.Spec.Hostname, c.Pod.Spec.Subdomain = "web-0", "workers"
	if got := decideWorkload(c, &snapshot{policies: policies(t, "a", gives, "b", only), labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}}).Denial(); !strings.HasPrefix(got, "policy a spec.defaultMode: ") {
		t.Errorf("workload: %s", got)
	}
}

// Exempt namespaces, and pods that are none of netmode's, are not judged.
func TestPolicyOutOfReach(t *testing.T) {
	set := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},"requireMode":true}`)}
	for _, tt := range []struct{ namespace, metadata string }{
		{"kube-system", `{}`},
		{"a", `{"deletionTimestamp":"2026-01-01T00:00:00Z"}`},
	} {
		pod := decode[api.Pod](t, []byte(`{"metadata":`+tt.metadata+`,"spec":{}}`))
		if p := engine.Decide(engine.Request{Settings: settings(), Snapshot: set, Namespace: tt.namespace, Object: pod, Judge: true}); p.Refused() {
			t.Errorf("%s %s: %q", tt.namespace, tt.metadata, describeAll(p))
		}
	}
}

// Where the API server itself judges, policies are not asked.
func TestMutatePodAsksNoPolicies(t *testing.T) {
	set := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},"requireMode":true}`)}
	pod := decode[api.Pod](t, []byte(`{"spec":{}}`))
	if p := engine.Decide(engine.Request{Settings: settings(), Snapshot: set, Namespace: "a", Object: pod}); p.Refused() {
		t.Errorf("mutating: %q", describeAll(p))
	}
	if p := engine.Decide(engine.Request{Settings: settings(), Snapshot: set, Namespace: "a", Object: pod, Judge: true}); !p.Refused() {
		t.Errorf("judged: %q", describeAll(p))
	}
}

func TestServicePolicies(t *testing.T) {
	set := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},"allowedModes":["hostnetwork"]}`, "pods", `{"namespaceSelector":{},"podSelector":{},"allowedModes":["default"]}`)}
	service := decode[api.Service](t, []byte(annotated(`{"selector":{"a":"b"}}`, api.AnnotationMode, "headless")))
	p := engine.Decide(engine.Request{Settings: settings(), Snapshot: set, Namespace: "a", Object: service, Judge: true})
	if refused := p.Findings(plan.Refused); len(refused) != 1 || refused[0].Reason != plan.PolicyModeNotAllowed || !strings.Contains(refused[0].Detail, "policy p allows hostnetwork") {
		t.Errorf("%q", describeAll(p))
	}
	for what, p := range map[string]*plan.Plan{
		"mutating": engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: "a", Object: service}),
		"exempt":   engine.Decide(engine.Request{Settings: settings(), Snapshot: set, Namespace: "kube-system", Object: service, Judge: true}),
	} {
		if p.Refused() {
			t.Errorf("%s: %q", what, describeAll(p))
		}
	}
}

// The one search rewrite of the policies holds for pods that ask for none, and
// its domains for all.
func TestPolicySearchRewrite(t *testing.T) {
	set := &snapshot{policies: policies(t,
		"second", `{"namespaceSelector":{},"searchRewrite":{"strategy":"post-start"}}`,
		"first", `{"namespaceSelector":{},"priority":1,"searchRewrite":{"strategy":"append","extraSearches":["corp.example","own.example"]}}`)}
	s := settings()
	s.Search.Facts = resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: []string{"node.example"}}
	for _, tt := range []struct{ asked, want string }{
		{"", `"path":"/spec/dnsConfig/searches/-","value":"corp.example"},{"op":"add","path":"/spec/dnsConfig/searches/-","value":"own.example"}`},
		{"prepend", `"searches":["peers.default.svc.cluster.local","default.svc.cluster.local","svc.cluster.local","cluster.local","corp.example","own.example","node.example"]`},
		{"post-start", `"path":"/spec/dnsConfig","value":{"searches":["corp.example"]}},{"op":"add","path":"/spec/dnsConfig/searches/-","value":"own.example"}`},
		{"none", ""},
	} {
		annotations := []string{api.AnnotationMode, "statefulset-headless"}
		if tt.asked != "" {
			annotations = append(annotations, api.AnnotationSearchRewrite, tt.asked)
		}
		raw := annotated(`{"hostname":"a","subdomain":"peers","containers":[{"name":"a"}]}`, annotations...)
		p := engine.Decide(engine.Request{Settings: s, Snapshot: set, Namespace: "default", Object: decode[api.Pod](t, []byte(raw)), Judge: true})
		got := patchOf(t, []byte(raw), p)
		if !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, "corp.example") {
			t.Errorf("asked %q: patch %s\nwant %s in it; findings %q", tt.asked, got, tt.want, describeAll(p))
		}
	}
}

// A strategy of a policy that the pod cannot have is no reason to refuse the
// pod, whose author cannot change it; the warning names the policy.
func TestPolicySearchRewriteGivesWay(t *testing.T) {
	set := &snapshot{policies: policies(t, "first", `{"namespaceSelector":{},"searchRewrite":{"strategy":"prepend"}}`)}
	const (
		kept = "prepend, the search rewrite of policy first (SearchByPolicy)"
		why  = "prepend gives way to auto for this pod: the cluster's DNS is not known to netmode: " +
			"start netmode with --cluster-dns and --cluster-domain, or use netmode.io/search-rewrite: append (ClusterDNSUnknown)"
	)
	pod := annotated(`{"hostname":"a","subdomain":"peers"}`, api.AnnotationMode, "statefulset-headless")
	c := workloadOf("StatefulSet", "mode=statefulset-headless", "")
	c.Pod.Spec.Hostname, c.Pod.Spec.Subdomain = "web-0", "peers"
	for what, p := range map[string]*plan.Plan{"pod": decidePod(t, pod, set), "workload": decideWorkload(c, set)} {
		messages := map[string]bool{}
		for _, f := range p.Trace {
			messages[p.Message(&f)] = true
		}
		if p.Refused() || !p.Changes() || p.Strategy != api.SearchAppend || !messages[kept] || !messages["policy first spec.searchRewrite.strategy: "+why] {
			t.Errorf("%s: strategy %q, %q", what, p.Strategy, describeAll(p))
		}
	}
	asks := annotated(`{"hostname":"a","subdomain":"peers"}`, api.AnnotationMode, "statefulset-headless", api.AnnotationSearchRewrite, "prepend")
	if got, want := decidePod(t, asks, set).Denial(), `metadata.annotations[netmode.io/search-rewrite]: Invalid value: "prepend": the cluster's DNS is not known`; !strings.HasPrefix(got, want) {
		t.Errorf("asked: got %s\nwant %s", got, want)
	}
}
