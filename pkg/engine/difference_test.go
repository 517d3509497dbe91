package engine_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// podFields are the fields that a mode may touch in a Pod, and serviceFields
// in a Service. A list that grew at its front, its end, or from nothing is
// named by :front, :end or :new, an item by its index.
var (
	podFields = map[api.Mode][]string{
		api.ModeDefault:             {},
		api.ModeHostNetwork:         {"/spec/hostNetwork", "/spec/dnsPolicy"},
		api.ModeHeadless:            {"/spec/hostname", "/spec/subdomain"},
		api.ModeStatefulSetHeadless: nameFields,
	}
	serviceFields = map[api.Mode][]string{
		api.ModeDefault:             {},
		api.ModeHostNetwork:         {},
		api.ModeHeadless:            {"/spec/clusterIP", "/spec/publishNotReadyAddresses"},
		api.ModeStatefulSetHeadless: {"/spec/clusterIP", "/spec/publishNotReadyAddresses"},
	}
	// hostFields come on top where a pod is on its node's network, and nameFields where
	// one of mode hostnetwork names its Service.
	hostFields = append([]string{"/spec/dnsPolicy"}, envFields...)
	nameFields = []string{"/spec/hostname", "/spec/subdomain", "/metadata/name",
		"/spec/initContainers:front", "/spec/initContainers:new", "/spec/imagePullSecrets:end", "/spec/imagePullSecrets:new"}
	envFields = []string{"/spec/containers/*/env:front", "/spec/containers/*/env:new", "/spec/initContainers/*/env:front", "/spec/initContainers/*/env:new"}
	// strategyFields come on top where the search list is rewritten, and for peers in any mode.
	strategyFields = map[api.SearchRewrite][]string{
		"":                      {},
		api.SearchNone:          {},
		api.SearchPrepend:       {"/spec/dnsPolicy", "/spec/dnsConfig/nameservers", "/spec/dnsConfig/searches", "/spec/dnsConfig/options:end", "/spec/dnsConfig/options:new"},
		api.SearchAppend:        {"/spec/dnsConfig/searches:end", "/spec/dnsConfig/searches:new"},
		api.SearchInitContainer: {"/spec/initContainers:front", "/spec/initContainers:new", "/spec/imagePullSecrets:end", "/spec/imagePullSecrets:new"},
		api.SearchPostStart:     {"/spec/containers/*/lifecycle/postStart/exec/command"},
	}
	// statusField is written wherever something else is.
	statusField = "/metadata/annotations/netmode.io~1status"
)

// fieldsOf are the fields that a plan may touch in the pod.
func fieldsOf(p *plan.Plan, pod *api.Pod) []string {
	fields := slices.Concat(podFields[p.Mode], strategyFields[p.Strategy])
	if p.Mode == api.ModeStatefulSetHeadless && pod.Spec.HostNetwork {
		fields = append(fields, hostFields...)
	}
	if p.Mode == api.ModeHostNetwork && pod.Metadata.Annotations[api.AnnotationService] != "" {
		fields = slices.Concat(fields, nameFields, hostFields)
	}
	return fields
}

// differences are the places where two JSON values differ, as JSON Pointers of
// the innermost members. null and an absent member are one.
func differences(pointer string, before, after any) []string {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	switch a := after.(type) {
	case members:
		b, ok := before.(members)
		if !ok && before != nil {
			break
		}
		return memberDifferences(pointer, b, a)
	case []any:
		b, ok := before.([]any)
		if !ok && before != nil {
			break
		}
		return listDifferences(pointer, b, a)
	}
	return []string{pointer}
}

func memberDifferences(pointer string, before, after members) []string {
	var names []string
	for name := range after {
		names = append(names, name)
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		all = append(all, differences(pointer+plan.Pointer(name), before[name], after[name])...)
	}
	return all
}

func listDifferences(pointer string, before, after []any) []string {
	grown := len(after) - len(before)
	switch {
	case len(before) == 0:
		return []string{pointer + ":new"}
	case grown == 0:
		var all []string
		for i := range after {
			all = append(all, differences(fmt.Sprintf("%s/%d", pointer, i), before[i], after[i])...)
		}
		return all
	case grown > 0 && slices.Equal(itemNames(before), itemNames(after[grown:])):
		all := []string{pointer + ":front"}
		for i := range before {
			all = append(all, differences(fmt.Sprintf("%s/%d", pointer, grown+i), before[i], after[grown+i])...)
		}
		return all
	case grown > 0 && reflect.DeepEqual(before, after[:len(before)]):
		return []string{pointer + ":end"}
	}
	return []string{pointer}
}

// itemNames are what tells the items of a list apart: their names, or all of them.
func itemNames(list []any) []string {
	var names []string
	for _, item := range list {
		if m, ok := item.(members); ok {
			item = m["name"]
		}
		names = append(names, fmt.Sprint(item))
	}
	return names
}

// within reports whether a pointer is at or below one of the fields.
func within(pointer string, fields []string) bool {
	return slices.ContainsFunc(fields, func(field string) bool {
		want, got := strings.Split(field, "/"), strings.Split(pointer, "/")
		if len(got) < len(want) {
			return false
		}
		for i := range want {
			whole, _, _ := strings.Cut(got[i], ":")
			if want[i] != "*" && want[i] != got[i] && (strings.Contains(want[i], ":") || want[i] != whole) {
				return false
			}
		}
		return true
	})
}

// TestDifferences holds the oracle of the property tests to its word.
func TestDifferences(t *testing.T) {
	before := `{"a":{"b":1,"c":[1,2],"d":null,"keep":{"x":[{}]}},"list":[{"n":1},{"n":2}]}`
	for _, test := range []struct {
		after string
		want  []string
	}{
		{before, nil},
		{`{"a":{"b":1,"c":[1,2],"keep":{"x":[{}]}},"list":[{"n":1},{"n":2}]}`, nil},
		{`{"a":{"b":2,"c":[1,2,3],"keep":{"x":[{}]}},"list":[{"n":1},{"n":3}]}`, []string{"/a/b", "/a/c:end", "/list/1/n"}},
		{`{"a":{"b":1,"c":[0,1,2],"d":{"e":{"f~/":1}},"keep":{"x":[{}]}},"list":[{"n":1},{"n":2}]}`, []string{"/a/c:front", "/a/d/e/f~0~1"}},
		{`{"a":{"b":1,"c":[1],"d":[1],"keep":{"x":[{}]}},"list":[{"n":1},{"n":2}]}`, []string{"/a/c", "/a/d:new"}},
		{`{"a":{"b":1,"c":[1,2],"keep":{"x":[]}},"list":[{"n":1},{}]}`, []string{"/a/keep/x", "/list/1/n"}},
		{`{"list":[{"n":1},{"n":2}]}`, []string{"/a"}},
		{`{"a":[],"list":"x"}`, []string{"/a", "/list"}},
		{`{"a":{"b":1,"c":[1,2],"keep":{"x":[{}]}},"list":[{"new":0},{"n":1},{"n":2,"e":0}]}`, []string{"/list:front", "/list/2/e"}},
	} {
		got := differences("", *decode[any](t, []byte(before)), *decode[any](t, []byte(test.after)))
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.after, got, test.want)
		}
	}
	for pointer, want := range map[string]bool{
		"/spec/a": true, "/spec/a/b": true, "/spec/a:end": true, "/spec/ab": false, "/spec": false, "/spec/list:end": true, "/spec/list:front": false, "/spec/list": false,
		"/spec/list/0": false, "/c/0/hook/exec": true, "/c/0": false, "/c/0/image": false,
	} {
		if got := within(pointer, []string{"/spec/a", "/spec/list:end", "/c/*/hook"}); got != want {
			t.Errorf("within(%s) = %v, want %v", pointer, got, want)
		}
	}
}
