package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/plan"
)

var (
	subdomain = field.NewPath("spec", "subdomain")
	hostUsers = field.NewPath("spec", "hostUsers")
)

func TestPointer(t *testing.T) {
	tests := []struct {
		tokens []any
		want   string
	}{
		{nil, ""},
		{[]any{"spec"}, "/spec"},
		{[]any{"spec", "containers", 0, "lifecycle"}, "/spec/containers/0/lifecycle"},
		{[]any{"spec", "containers", 12}, "/spec/containers/12"},
		{[]any{"metadata", "annotations", "netmode.io/status"}, "/metadata/annotations/netmode.io~1status"},
		{[]any{"a~b"}, "/a~0b"},
		{[]any{"~1"}, "/~01"},
		{[]any{"~/~"}, "/~0~1~0"},
		{[]any{""}, "/"},
		{[]any{"a", "", "b"}, "/a//b"},
		{[]any{`a"b\ü`}, `/a"b\ü`},
	}
	for _, tt := range tests {
		if got := plan.Pointer(tt.tokens...); got != tt.want {
			t.Errorf("Pointer(%q) = %q, want %q", tt.tokens, got, tt.want)
		}
	}
}

func TestFindingMessage(t *testing.T) {
	tests := []struct {
		finding plan.Finding
		want    string
	}{
		{plan.Finding{}, ""},
		{plan.Finding{Detail: "the pod asks for no mode"}, "the pod asks for no mode"},
		{plan.Finding{Detail: "no mode", Reason: plan.NothingAsked}, "no mode (NothingAsked)"},
		{plan.Finding{Field: "spec.dnsPolicy", Detail: "None stays"}, "spec.dnsPolicy: None stays"},
		{
			plan.Finding{Rule: "DNS policy", Verdict: plan.Kept, Field: "spec.dnsPolicy", Detail: "None stays", Reason: plan.DNSPolicyKept},
			"spec.dnsPolicy: None stays (DNSPolicyKept)",
		},
		{
			plan.Finding{Verdict: plan.Warned, Field: "spec.dnsPolicy", Detail: "None stays", Reason: plan.DNSPolicyKept},
			"spec.dnsPolicy: None stays: set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names (DNSPolicyKept)",
		},
		{
			plan.Finding{Verdict: plan.Refused, Field: "spec.hostUsers", Detail: "Invalid value: false: a user namespace", Reason: plan.UserNamespace},
			"spec.hostUsers: Invalid value: false: a user namespace: remove hostUsers: false, or choose another mode (UserNamespace)",
		},
		{plan.Finding{Verdict: plan.Refused, Detail: "never", Reason: "NoSuchReason"}, "never (NoSuchReason)"},
		{plan.Finding{Object: &plan.Object{Kind: plan.OwnNamespace}, Field: "metadata.name", Detail: "x"}, "namespace.metadata.name: x"},
		{plan.Finding{Object: &plan.Object{Kind: plan.OwnPolicy, Name: "p"}, Field: "spec", Detail: "x"}, "policy p spec: x"},
		{plan.Finding{Object: &plan.Object{Kind: plan.OwnWorkload}, Field: "spec.replicas", Detail: "x"}, "spec.replicas: x"},
	}
	for _, tt := range tests {
		if got := (&plan.Plan{}).Message(&tt.finding); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// One plan with every kind of finding, read back whole.
func TestTrace(t *testing.T) {
	set := plan.Mutation{Pointer: "/spec/subdomain", Value: "peers"}
	p := &plan.Plan{}
	p.Rule("hostname")
	p.Pass()
	p.Rule("subdomain")
	p.Change(set, plan.SubdomainSet, "spec.subdomain", "peers")
	p.Keep(plan.DNSPolicyKept, "spec.dnsPolicy", "None stays")
	p.Warn(plan.DNSPolicyKept, "spec.dnsPolicy", "None stays")
	p.Warn(plan.NodeHostname, "", "hostname is the node's")
	if p.Refused() || !p.Changes() || p.Denial() != "" {
		t.Errorf("before a refusal: Refused %t, Changes %t, Denial %q", p.Refused(), p.Changes(), p.Denial())
	}
	p.Rule("user namespace")
	p.Refuse(plan.UserNamespace, hostUsers, false, "a user namespace")
	p.Refuse(plan.NoStableHostname, subdomain, nil, "no name")
	p.RefuseError(plan.AnnotationInvalid, field.NotSupported(subdomain, "x", []string{"a", "b"}))
	p.RefuseError("NoSuchReason", field.Forbidden(subdomain, "never"))

	want := []plan.Finding{
		{Rule: "hostname", Verdict: plan.Passed},
		{Rule: "subdomain", Verdict: plan.Changed, Reason: plan.SubdomainSet, Field: "spec.subdomain", Detail: "peers"},
		{Rule: "subdomain", Verdict: plan.Kept, Reason: plan.DNSPolicyKept, Field: "spec.dnsPolicy", Detail: "None stays"},
		{
			Rule: "subdomain", Verdict: plan.Warned, Reason: plan.DNSPolicyKept, Field: "spec.dnsPolicy",
			Detail: "None stays",
		},
		{Rule: "subdomain", Verdict: plan.Warned, Reason: plan.NodeHostname, Detail: "hostname is the node's"},
		{
			Rule: "user namespace", Verdict: plan.Refused, Reason: plan.UserNamespace, Field: "spec.hostUsers",
			Detail: "Invalid value: false: a user namespace",
		},
		{
			Rule: "user namespace", Verdict: plan.Refused, Reason: plan.NoStableHostname, Field: "spec.subdomain",
			Detail: "Required value: no name",
		},
		{
			Rule: "user namespace", Verdict: plan.Refused, Reason: plan.AnnotationInvalid, Field: "spec.subdomain",
			Detail: `Unsupported value: "x": supported values: "a", "b"`,
		},
		{Rule: "user namespace", Verdict: plan.Refused, Reason: "NoSuchReason", Field: "spec.subdomain", Detail: "Forbidden: never"},
	}
	if diff := cmp.Diff(want, p.Trace); diff != "" {
		t.Errorf("trace differs (-want +got):\n%s", diff)
	}
	for verdict, want := range map[plan.Verdict][]plan.Finding{
		plan.Passed: want[:1], plan.Changed: want[1:2], plan.Kept: want[2:3], plan.Warned: want[3:5], plan.Refused: want[5:], "no verdict": nil,
	} {
		if diff := cmp.Diff(want, p.Findings(verdict)); diff != "" {
			t.Errorf("findings that are %s differ (-want +got):\n%s", verdict, diff)
		}
	}
	if !p.Refused() || p.Changes() {
		t.Errorf("after a refusal: Refused %t, Changes %t", p.Refused(), p.Changes())
	}
	if diff := cmp.Diff([]plan.Mutation{set}, p.Mutations); diff != "" {
		t.Errorf("mutations differ (-want +got):\n%s", diff)
	}
	// What was not changed after all is no reason.
	reasons := []plan.Reason{
		plan.DNSPolicyKept, plan.NodeHostname, plan.UserNamespace, plan.NoStableHostname, plan.AnnotationInvalid, "NoSuchReason",
	}
	if diff := cmp.Diff(reasons, p.Reasons()); diff != "" {
		t.Errorf("reasons differ (-want +got):\n%s", diff)
	}
}

// A verdict is changed in a copy.
func TestJudged(t *testing.T) {
	findings := []plan.Finding{{Verdict: plan.Refused, Reason: plan.UserNamespace}, {Verdict: plan.Warned}, {Verdict: plan.Passed}}
	want := []plan.Finding{{Verdict: plan.Kept, Reason: plan.UserNamespace}, {Verdict: plan.Warned}, {Verdict: plan.Passed}}
	if diff := cmp.Diff(want, plan.Judged(findings, map[plan.Verdict]plan.Verdict{plan.Refused: plan.Kept})); diff != "" {
		t.Errorf("findings differ (-want +got):\n%s", diff)
	}
	if findings[0].Verdict != plan.Refused {
		t.Error("the findings themselves have changed")
	}
}

func TestDenial(t *testing.T) {
	p := &plan.Plan{}
	p.Warn(plan.NodeHostname, "spec.hostNetwork", "a warning is no part of a denial")
	p.Refuse(plan.UserNamespace, hostUsers, false, "a user namespace cannot use the host network")
	one := "spec.hostUsers: Invalid value: false: a user namespace cannot use the host network: " +
		"remove hostUsers: false, or choose another mode (UserNamespace)"
	if got := p.Denial(); got != one {
		t.Errorf("one refusal:\ngot  %s\nwant %s", got, one)
	}
	p.Pass()
	p.Refuse(plan.NoStableHostname, subdomain, nil, "the pod has no name")
	two := "2 problems: " + one + "; spec.subdomain: Required value: the pod has no name: " +
		"remove netmode.io/hostname, so that a name is generated, or use a StatefulSet, or a Job with completionMode Indexed (NoStableHostname)"
	if got := p.Denial(); got != two {
		t.Errorf("two refusals:\ngot  %s\nwant %s", got, two)
	}
}

func TestZeroPlan(t *testing.T) {
	var p plan.Plan
	if p.Refused() || p.Changes() || p.Denial() != "" || len(p.Reasons()) > 0 || len(p.Findings(plan.Refused)) > 0 {
		t.Errorf("the zero Plan is not empty: %+v", p)
	}
	// An object that is to be written as JSON needs [], not null.
	if p.Reasons() == nil {
		t.Error("Reasons of the zero Plan is nil")
	}
}

func TestReasonsOnce(t *testing.T) {
	p := &plan.Plan{}
	p.Pass()
	for range 2 {
		p.Keep(plan.HostnameKept, "spec.hostname", "stays")
		p.Change(plan.Mutation{Pointer: "/a"}, plan.DNSPolicySet, "spec.dnsPolicy", "set")
		p.Warn(plan.HostnameKept, "spec.hostname", "again")
	}
	if diff := cmp.Diff([]plan.Reason{plan.HostnameKept, plan.DNSPolicySet}, p.Reasons()); diff != "" {
		t.Errorf("reasons differ (-want +got):\n%s", diff)
	}
}
