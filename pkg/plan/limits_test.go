package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

func TestFindingsAreCounted(t *testing.T) {
	const n = 1000
	p := &plan.Plan{}
	for i := range n {
		p.Refuse(plan.HostPortMismatch, hostUsers.Index(i), i, "no")
	}
	if len(p.Trace) != plan.MaxFindings+1 || p.Found() != n {
		t.Fatalf("%d findings told of %d, want %d of %d", len(p.Trace), p.Found(), plan.MaxFindings+1, n)
	}
	want := "950 more findings are not told (FindingsCut)"
	if last := p.Trace[plan.MaxFindings]; p.Message(&last) != want || last.Verdict != plan.Refused {
		t.Errorf("%s: %q, want %q", last.Verdict, p.Message(&last), want)
	}
	if got := p.Denial(); !strings.HasPrefix(got, "more than 50 problems: spec.hostUsers[0]: Invalid value: 0: no") || len(got) > 8<<10 {
		t.Errorf("a denial of %d bytes: %.100s", len(got), got)
	}
}

// What comes after a flood of something milder is told, and where it is not its
// verdict and its reason still hold.
func TestFloodHidesNothing(t *testing.T) {
	p := &plan.Plan{}
	for range 100 {
		p.Keep(plan.PostStartSkipped, "spec", "skipped")
	}
	p.Pass()
	p.Audit(plan.PolicyPortOutOfRange, "spec", "audited")
	p.Refuse(plan.UserNamespace, hostUsers, false, "refused")
	if len(p.Findings(plan.Audited)) != 1 || len(p.Findings(plan.Refused)) != 1 || len(p.Findings(plan.Passed)) != 0 {
		t.Errorf("%v", p.Trace)
	}
	for range 100 {
		p.Refuse(plan.HostPortMismatch, hostUsers, 1, "refused")
	}
	p.Warn(plan.PodSecurityRejects, "spec", "warned")
	p.Refuse(plan.NetSysctl, hostUsers, "x", "refused")
	p.Change(plan.Mutation{Pointer: "/a"}, plan.SubdomainSet, "", "changed")
	for _, reason := range []plan.Reason{plan.PodSecurityRejects, plan.NetSysctl, plan.PolicyPortOutOfRange, plan.FindingsCut} {
		if !slices.Contains(p.Reasons(), reason) || !p.Has(reason) {
			t.Errorf("%s is lost: %v", reason, p.Reasons())
		}
	}
	// What was not changed after all is no reason.
	if slices.Contains(p.Reasons(), plan.SubdomainSet) || !p.Has(plan.SubdomainSet) || p.Has(plan.SearchNone) {
		t.Errorf("reasons %v", p.Reasons())
	}
	if len(p.Trace) > plan.MaxFindings+1 {
		t.Errorf("%d findings", len(p.Trace))
	}
}

// A refusal that is not told refuses.
func TestRefusalPastTheLimit(t *testing.T) {
	p := &plan.Plan{Mutations: []plan.Mutation{{Pointer: "/a"}}}
	for range plan.MaxFindings {
		p.Trace = append(p.Trace, plan.Finding{Verdict: plan.Kept})
	}
	p.Keep(plan.SearchNone, "", "kept")
	if p.Refused() || !p.Changes() {
		t.Error("refused too soon")
	}
	if !p.Counted(plan.Refused, plan.NetSysctl) || !p.Refused() || p.Changes() {
		t.Error("not refused")
	}
	if want := "2 more findings are not told (FindingsCut)"; p.Denial() != want {
		t.Errorf("denial %q, want %q", p.Denial(), want)
	}
}

func TestAdopt(t *testing.T) {
	other := &plan.Plan{}
	other.Rule("first")
	other.Pass()
	for i := range 60 {
		other.Refuse(plan.HostPortMismatch, hostUsers.Index(i), i, "no")
	}
	other.Warn(plan.NodeHostname, "", "warned")
	p := &plan.Plan{}
	for range 30 {
		p.Keep(plan.AnnotationCopied, "metadata", "kept")
	}
	p.Adopt(other, func(f plan.Finding) plan.Finding {
		f.Field = "template." + f.Field
		return f
	})
	if len(p.Trace) != plan.MaxFindings+1 || p.Found() != 30+other.Found() || !p.Refused() || !p.Has(plan.NodeHostname) {
		t.Errorf("%d told of %d, %v", len(p.Trace), p.Found(), p.Reasons())
	}
	if got := p.Trace[31].Field; got != "template.spec.hostUsers[0]" {
		t.Errorf("field %s", got)
	}
	for range 20 {
		p.Keep(plan.AnnotationCopied, "metadata", "kept")
	}
	before := len(p.Trace)
	p.Adopt(&plan.Plan{Trace: []plan.Finding{{Verdict: plan.Passed}}}, func(f plan.Finding) plan.Finding { return f })
	if len(p.Trace) != before {
		t.Error("a rule that passed was adopted without room")
	}
}

func TestTextsAreClipped(t *testing.T) {
	long := strings.Repeat("<\"\x01é", 100_000)
	p := &plan.Plan{}
	p.Warn(plan.NodeHostname, "metadata.annotations["+long+"]", long)
	p.Refuse(plan.HostnameInvalid, hostUsers, long, long)
	p.RefuseError(plan.AnnotationInvalid, hostUsersNotSupported(long))
	for _, f := range p.Trace {
		quoted, err := json.Marshal(p.Message(&f))
		if err != nil || len(quoted) > 8<<10 || !strings.Contains(p.Message(&f), "bytes in all)") || !utf8.ValidString(p.Message(&f)) {
			t.Errorf("%v: %d bytes: %s", err, len(quoted), p.Message(&f))
		}
	}
}

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc... (4 bytes in all)"},
		{"aéb", 2, "a... (4 bytes in all)"},
		{"aéb", 3, "aé... (4 bytes in all)"},
		{`""`, 3, `"... (2 bytes in all)`},
		{"\x01\x02", 11, "\x01... (2 bytes in all)"},
		{"\x01\x02", 12, "\x01\x02"},
		{strings.Repeat("a", api.MaxText+1), 1, "a... (more than 131072 bytes in all)"},
	} {
		if got := plan.Clip(tt.text, tt.most); got != tt.want {
			t.Errorf("%.20q, %d: got %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
	if n := plan.Quoted("a\"\\\nй"); n != 1+2+2+6+2 {
		t.Errorf("%d bytes", n)
	}
}

func TestList(t *testing.T) {
	if got := plan.List([]string{"a", "b"}, ", "); got != "a, b" {
		t.Errorf("got %q", got)
	}
	if got := plan.List(nil, " "); got != "" {
		t.Errorf("got %q", got)
	}
	var words []string
	for i := range 1000 {
		words = append(words, fmt.Sprintf("word%03d", i))
	}
	if got := plan.List(words, " "); len(got) > 1100 || !strings.HasSuffix(got, "word127 and 872 more") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func hostUsersNotSupported(value string) *field.Error {
	return field.NotSupported(hostUsers, value, []string{"a", "b"})
}
