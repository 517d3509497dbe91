package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

const portAndName = `"containers":[{"name":"a","ports":[{"containerPort":20001}]}]`

// For a policy the host network is by hand, unless the mode is hostnetwork.
func TestPoliciesOfHostNames(t *testing.T) {
	for name, tt := range map[string]struct {
		mode, spec, policy string
		want               plan.Reason // of the refusal; "": none
	}{
		"statefulset-headless, not by hand":  {"statefulset-headless", `{"hostNetwork":true,"subdomain":"s",` + portAndName + `}`, `"hostNetwork":{"allowUnmanaged":false}`, plan.PolicyHostNetworkUnmanaged},
		"statefulset-headless, by hand":      {"statefulset-headless", `{"hostNetwork":true,"subdomain":"s",` + portAndName + `}`, `"hostNetwork":{"allowUnmanaged":true}`, ""},
		"statefulset-headless, off the host": {"statefulset-headless", `{"subdomain":"s",` + portAndName + `}`, `"hostNetwork":{"allowUnmanaged":false}`, ""},
		"hostnetwork with names":             {"hostnetwork", `{"hostNetwork":true,` + portAndName + `}`, `"hostNetwork":{"allowUnmanaged":false}`, ""},
		"ports of a node":                    {"statefulset-headless", `{"hostNetwork":true,"subdomain":"s",` + portAndName + `}`, `"hostNetwork":{"portRange":{"min":1,"max":1000}}`, plan.PolicyPortOutOfRange},
	} {
		t.Run(name, func(t *testing.T) {
			c := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},`+tt.policy+`}`)}
			p := decidePod(t, annotated(tt.spec, api.AnnotationMode, tt.mode, api.AnnotationService, "s"), c)
			if p.Refused() != (tt.want != "") || tt.want != "" && !hasReason(p, plan.Refused, tt.want) {
				t.Errorf("%q", describeAll(p))
			}
		})
	}
}

// A policy's search rewrite is for every pod that gets names.
func TestSearchRewriteOfHostNames(t *testing.T) {
	c := &snapshot{policies: policies(t, "p", `{"namespaceSelector":{},"searchRewrite":{"strategy":"none"}}`)}
	p := decidePod(t, annotated(`{`+portAndName+`}`, api.AnnotationMode, "hostnetwork", api.AnnotationService, "s"), c)
	if p.Strategy != api.SearchNone || !p.Has(plan.SearchByPolicy) || !strings.Contains(patchOf(t, []byte(annotated(`{}`)), p), `\"service\":\"s\",\"strategy\":\"none\"`) {
		t.Errorf("strategy %q, %q", p.Strategy, describeAll(p))
	}
}

// What an inherited mode cannot give as a whole, it does not give in part.
func TestInheritedHostNames(t *testing.T) {
	inherits := &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}}
	names := []string{api.AnnotationService, "s"}
	served := decidePod(t, annotated(`{`+portAndName+`}`, names...), inherits)
	if served.Service != "s" || !hasReason(served, plan.Changed, plan.HostNetworkSet) || !hasReason(served, plan.Changed, plan.SubdomainSet) {
		t.Errorf("served: %q", describeAll(served))
	}
	for what, p := range map[string]*plan.Plan{
		"another subdomain": decidePod(t, annotated(`{"subdomain":"t",`+portAndName+`}`, names...), inherits),
		"the node's DNS":    decidePod(t, annotated(`{"dnsPolicy":"Default",`+portAndName+`}`, names...), inherits),
		"PodSecurity": decidePod(t, annotated(`{`+portAndName+`}`, names...),
			&snapshot{labels: map[string]string{api.LabelMode: "hostnetwork", api.LabelPodSecurityEnforce: "restricted"}}),
		"no Service, on the host network": decidePod(t, annotated(`{"hostNetwork":true,`+portAndName+`}`),
			&snapshot{known: true, labels: map[string]string{api.LabelMode: "statefulset-headless"}}),
	} {
		if p.Changes() || p.Refused() || !p.Has(plan.NotApplicable) || p.Service != "" {
			t.Errorf("%s: %q", what, describeAll(p))
		}
	}
}

// A StatefulSet of mode hostnetwork that names no Service gets the one that is
// annotated, and its template gets no pod's own name.
func TestWorkloadOfHostNames(t *testing.T) {
	c := parsed(t, "apps/v1", "StatefulSet", "hostnetwork", `"name":"db"`, `{"template":{"spec":{`+portAndName+`}}}`)
	p := decideWorkload(c, engine.EmptySnapshot{})
	if !slices.Contains(p.Mutations, plan.Mutation{Pointer: "/spec/serviceName", Value: "peers"}) || !hasReason(p, plan.Kept, plan.HostnameEnvSet) {
		t.Errorf("%v, %q", p.Mutations, describeAll(p))
	}
	pods := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: p.FirstPod})
	for _, m := range pods.Mutations {
		if strings.HasSuffix(m.Pointer, "/env") || m.Pointer == "/spec/hostname" {
			t.Errorf("the template gets %v", m)
		}
	}
	made := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: p.FirstPod, UID: "1"})
	if !hasReason(made, plan.Changed, plan.HostnameEnvSet) {
		t.Errorf("the pod: %q", describeAll(made))
	}
}

// No other call finds anything to do: not with other facts, and not once a person's
// DNS policy bears the peers' domain.
func TestHostNamesAgain(t *testing.T) {
	known := settings()
	known.Search.Facts = resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local"}
	for _, spec := range []string{`{` + portAndName + `}`, `{"dnsPolicy":"None","dnsConfig":{"nameservers":["192.0.2.1"]},` + portAndName + `}`} {
		for _, strategy := range []string{"auto", "append", "post-start", "none"} {
			raw := annotated(spec, api.AnnotationMode, "hostnetwork", api.AnnotationService, "s", api.AnnotationSearchRewrite, strategy)
			decide := func(s *engine.Settings, raw string) *plan.Plan {
				return engine.Decide(engine.Request{Settings: s, Snapshot: &snapshot{}, Namespace: namespace, Object: decode[api.Pod](t, []byte(raw)), UID: "1"})
			}
			for _, first := range []*engine.Settings{known, settings()} {
				served := patched(t, raw, decide(first, raw))
				for _, second := range []*engine.Settings{known, settings()} {
					p := decide(second, served)
					if len(p.Mutations) > 0 || p.Refused() {
						t.Errorf("%s, %s: %v %q", spec, strategy, p.Mutations, describeAll(p))
					}
					if strategy == "auto" && hasReason(p, plan.Warned, plan.DNSPolicyKept) {
						t.Errorf("%s, %s: netmode's own DNS policy is told of", spec, strategy)
					}
				}
			}
		}
	}
}
