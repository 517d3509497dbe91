package policy

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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

// table has the policies that Compile and the CustomResourceDefinition judge
// alike. The integration tests send them to an API server.
type table struct {
	Good []struct {
		Name string         `json:"name"`
		Spec jsontext.Value `json:"spec"`
	} `json:"good"`
	Bad []struct {
		Name string         `json:"name"`
		Spec jsontext.Value `json:"spec"`
		// Compile and API are parts of what either says.
		Compile []string `json:"compile"`
		API     []string `json:"api"`
	} `json:"bad"`
}

func readTable(t *testing.T) *table {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "policies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all table
	if err := json.Unmarshal(text, &all, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return &all
}

func TestGoodPolicies(t *testing.T) {
	for _, tt := range readTable(t).Good {
		t.Run(tt.Name, func(t *testing.T) { compile(t, "p", string(tt.Spec)) })
	}
}

func TestBadPolicies(t *testing.T) {
	for _, tt := range readTable(t).Bad {
		t.Run(tt.Name, func(t *testing.T) { wantErrors(t, decode(t, "p", string(tt.Spec)), tt.Compile) })
	}
	t.Run("no name", func(t *testing.T) {
		wantErrors(t, decode(t, "", `{"namespaceSelector":{}}`), []string{"metadata.name: Required value: a policy has a name"})
	})
}

// Every field of a policy is in a good one, in one that has its AdmissionPolicies in a golden, and
// in a bad one that says what is wrong with it; true and false are never wrong, and neither is a
// number without bounds.
func TestEveryFieldHasCases(t *testing.T) {
	all := readTable(t)
	for _, name := range fieldsOf(reflect.TypeFor[api.NetworkModePolicySpec]()) {
		quoted := strconv.Quote(name) + ":"
		good, bad := false, slices.Contains([]string{"priority", "requireMode", "allowUnmanaged", "requireDeclaredPorts"}, name)
		for _, tt := range all.Good {
			good = good || strings.Contains(strings.ReplaceAll(string(tt.Spec), " ", ""), quoted)
		}
		for _, tt := range all.Bad {
			bad = bad || strings.Contains(strings.Join(tt.Compile, " "), name)
		}
		if !good || !bad {
			t.Errorf("policies.json has the field %s in a good policy: %v, and in a bad one: %v", name, good, bad)
		}
		golden := false
		for _, tt := range admissionGoldens {
			golden = golden || strings.Contains(tt.spec, quoted)
		}
		if !golden {
			t.Errorf("no golden of testdata/admission is of a policy with the field %s", name)
		}
	}
}

// fieldsOf are the names of a struct's members and theirs, but for selectors: they are Kubernetes'.
func fieldsOf(of reflect.Type) []string {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || strings.HasSuffix(of.Name(), "Selector") {
		return nil
	}
	var names []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(append(names, name), fieldsOf(field.Type)...)
	}
	return names
}

// wantErrors holds Compile to errors with these texts in them, one or more.
func wantErrors(t *testing.T, p *api.NetworkModePolicy, want []string) {
	t.Helper()
	compiled, errs := Compile(p)
	if compiled != nil || len(errs) == 0 || len(want) == 0 {
		t.Fatalf("%+v, %v, want %q", compiled, errs, want)
	}
	all := errs.ToAggregate().Error()
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%s\nwant %s in it", all, w)
		}
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
		compile(t, "quiet", `{"namespaceSelector":{},"priority":-1,"searchRewrite":{"strategy":"append"},"resolver":{"options":[{"name":"rotate"}]}}`),
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
	if by := nameOf(set.Resolver()); by != "quiet" {
		t.Errorf("resolver options by %q, want quiet", by)
	}
	if rewrite, options := (Set{}).SearchRewrite(), (Set{}).Resolver(); rewrite != nil || options != nil {
		t.Errorf("search rewrite of an empty set by %v, options by %v", rewrite, options)
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
