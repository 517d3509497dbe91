package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

// decode reads a policy of the name with the spec in JSON.
func decode(t testing.TB, name, spec string) *api.NetworkModePolicy {
	t.Helper()
	var p api.NetworkModePolicy
	if err := api.Decode([]byte(`{"metadata":{"name":"`+name+`"},"spec":`+spec+`}`), &p, ""); err != nil {
		t.Fatal(err)
	}
	return &p
}

func compile(t testing.TB, name, spec string) *Policy {
	t.Helper()
	p, errs := Compile(decode(t, name, spec))
	if len(errs) > 0 {
		t.Fatalf("%s: %v", name, errs)
	}
	return p
}

func TestBadPolicies(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		want       []string
	}{
		{"", `{"namespaceSelector":{}}`, []string{"metadata.name: Required value: a policy has a name"}},
		{"a", `{}`, []string{"spec.namespaceSelector: Required value: write {} to select all namespaces"}},
		{"a", `{"namespaceSelector":{"matchExpressions":[{"key":"a","operator":"Is"}]}}`, []string{`spec.namespaceSelector: Invalid value: `, `"Is" is not a valid label selector operator`}},
		{"a", `{"namespaceSelector":{},"podSelector":{"matchLabels":{"a b":"c"}}}`, []string{"spec.podSelector: Invalid value: ", "a b"}},
		{"a", `{"namespaceSelector":{},"defaultMode":"hostnet"}`, []string{`spec.defaultMode: Unsupported value: "hostnet": supported values: "default"`}},
		{"a", `{"namespaceSelector":{},"allowedModes":[]}`, []string{"spec.allowedModes: Invalid value: ", "is empty: list the modes"}},
		{"a", `{"namespaceSelector":{},"allowedModes":["x"]}`, []string{`spec.allowedModes[0]: Unsupported value: "x"`}},
		{"a", `{"namespaceSelector":{},"allowedModes":["headless","headless"]}`, []string{`spec.allowedModes[1]: Duplicate value: "headless"`}},
		{"a", `{"namespaceSelector":{},"defaultMode":"headless","allowedModes":["hostnetwork"]}`, []string{`spec.defaultMode: Invalid value: "headless": is not among allowedModes: add it there, or choose another`}},
		{"a", `{"namespaceSelector":{},"enforcement":"deny"}`, []string{`spec.enforcement: Unsupported value: "deny": supported values: "Deny", "Warn", "Audit"`}},
		{"a", `{"namespaceSelector":{},"enforcement":"Audit","defaultMode":"headless","searchRewrite":{"strategy":"append"}}`, []string{
			`spec.defaultMode: Invalid value: "headless": an Audit policy changes nothing: remove it, or choose enforcement Warn or Deny`,
			`spec.searchRewrite: Invalid value: "append": an Audit policy changes nothing`,
		}},
		{"a", `{"namespaceSelector":{},"hostNetwork":{"portRange":{"min":0,"max":65536}}}`, []string{
			"spec.hostNetwork.portRange.min: Invalid value: 0: must be between 1 and 65535, inclusive", "spec.hostNetwork.portRange.max: Invalid value: 65536: must be between",
		}},
		{"a", `{"namespaceSelector":{},"hostNetwork":{"portRange":{"min":30000,"max":20000}}}`, []string{"spec.hostNetwork.portRange.min: Invalid value: 30000: is more than max: exchange min and max"}},
		{"a", `{"namespaceSelector":{},"searchRewrite":{}}`, []string{"spec.searchRewrite: Required value: write a strategy or extraSearches, or leave searchRewrite out"}},
		{"a", `{"namespaceSelector":{},"searchRewrite":{"strategy":"before"}}`, []string{`spec.searchRewrite.strategy: Unsupported value: "before"`}},
		{"a", `{"namespaceSelector":{},"searchRewrite":{"extraSearches":["A.example","b.example","b.example"]}}`, []string{
			`spec.searchRewrite.extraSearches[0]: Invalid value: "A.example": a lowercase RFC 1123 subdomain`, `spec.searchRewrite.extraSearches[2]: Duplicate value: "b.example"`,
		}},
		{"a", `{"namespaceSelector":{},"searchRewrite":{"extraSearches":["a0","a1","a2","a3","a4","a5","a6","a7","a8","a9","b0","b1","b2","b3","b4","b5","b6"]}}`, []string{"spec.searchRewrite.extraSearches: Too many: 17: must have at most 16 items"}},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			compiled, errs := Compile(decode(t, tt.name, tt.spec))
			if compiled != nil || len(errs) == 0 {
				t.Fatalf("%+v, %v", compiled, errs)
			}
			all := errs.ToAggregate().Error()
			for _, want := range tt.want {
				if !strings.Contains(all, want) {
					t.Errorf("%s\nwant %s in it", all, want)
				}
			}
		})
	}
}

func names(s Set) string {
	var all []string
	for _, p := range s.Policies() {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

func TestSelection(t *testing.T) {
	set := NewSet([]*Policy{
		compile(t, "all", `{"namespaceSelector":{}}`),
		compile(t, "storm", `{"namespaceSelector":{"matchLabels":{"team":"storm"}},"priority":10,"defaultMode":"statefulset-headless"}`),
		compile(t, "a-later-name", `{"namespaceSelector":{"matchExpressions":[{"key":"team","operator":"Exists"}]},"priority":10,"podSelector":{"matchLabels":{"tier":"worker"}},"defaultMode":"headless"}`),
		compile(t, "quiet", `{"namespaceSelector":{},"priority":-1,"searchRewrite":{"strategy":"append"}}`),
	})
	storm := map[string]string{"team": "storm"}
	worker := map[string]string{"tier": "worker"}
	for _, tt := range []struct {
		what string
		set  Set
		want string
	}{
		{"order", set, "a-later-name storm all quiet"},
		{"no labels", set.ForNamespace(nil), "all quiet"},
		{"storm", set.ForNamespace(storm), "a-later-name storm all quiet"},
		{"another team", set.ForNamespace(map[string]string{"team": "web"}), "a-later-name all quiet"},
		{"storm, worker", set.ForNamespace(storm).ForPod(worker), "a-later-name storm all quiet"},
		{"storm, another pod", set.ForNamespace(storm).ForPod(nil), "storm all quiet"},
		{"storm, Services", set.ForNamespace(storm).ForService(), "storm all quiet"},
		{"empty", Set{}.ForNamespace(storm).ForPod(worker).ForService(), ""},
	} {
		if got := names(tt.set); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
	for _, tt := range []struct {
		set    Set
		mode   api.Mode
		policy string
	}{
		{set.ForNamespace(storm).ForPod(worker), api.ModeHeadless, "a-later-name"},
		{set.ForNamespace(storm).ForPod(nil), api.ModeStatefulSetHeadless, "storm"},
		{set.ForNamespace(nil), "", ""},
	} {
		mode, by := tt.set.Default()
		if name := nameOf(by); mode != tt.mode || name != tt.policy {
			t.Errorf("default of %s: %q by %q, want %q by %q", names(tt.set), mode, name, tt.mode, tt.policy)
		}
	}
	if by := nameOf(set.SearchRewrite()); by != "quiet" {
		t.Errorf("search rewrite by %q, want quiet", by)
	}
	if by := (Set{}).SearchRewrite(); by != nil {
		t.Errorf("search rewrite of an empty set by %q", by.Name)
	}
}

func nameOf(p *Policy) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// Filtering leaves the set that it filters as it was.
func TestFilterDoesNotChangeTheSet(t *testing.T) {
	set := NewSet([]*Policy{
		compile(t, "a", `{"namespaceSelector":{}}`), compile(t, "b", `{"namespaceSelector":{"matchLabels":{"x":"y"}}}`), compile(t, "c", `{"namespaceSelector":{}}`),
	})
	for range 2 {
		if got := names(set.ForNamespace(nil)); got != "a c" {
			t.Errorf("%q, want a c", got)
		}
		if got := names(set); got != "a b c" {
			t.Errorf("the set is %q now", got)
		}
	}
}

func TestConflicts(t *testing.T) {
	headless := compile(t, "one", `{"namespaceSelector":{},"allowedModes":["headless","default"]}`)
	host := compile(t, "two", `{"namespaceSelector":{},"allowedModes":["hostnetwork","default"]}`)
	both := compile(t, "three", `{"namespaceSelector":{},"allowedModes":["hostnetwork","headless"]}`)
	warn := compile(t, "warn", `{"namespaceSelector":{},"allowedModes":["hostnetwork"],"enforcement":"Warn"}`)
	for _, tt := range []struct {
		policies []*Policy
		names    []string
		conflict bool
	}{
		{nil, nil, false},
		{[]*Policy{headless}, []string{"one"}, false},
		{[]*Policy{headless, both}, []string{"one", "three"}, false},
		{[]*Policy{headless, host}, []string{"one", "two"}, true},
		{[]*Policy{headless, warn}, []string{"one"}, false},
	} {
		got, conflict := NewSet(tt.policies).Conflicts()
		if diff := cmp.Diff(tt.names, got); diff != "" || conflict != tt.conflict {
			t.Errorf("conflict %t, want %t (-want +got):\n%s", conflict, tt.conflict, diff)
		}
	}
}
