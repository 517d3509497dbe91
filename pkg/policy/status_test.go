package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestStatuses(t *testing.T) {
	const (
		all   = `"namespaceSelector":{}`
		storm = `"namespaceSelector":{"matchLabels":{"team":"storm"}}`
	)
	namespaces := map[string]map[string]string{
		"kube-system": {"team": "storm"},
		"storm-a":     {"team": "storm", api.LabelPolicy: api.PolicyEnabled},
		"storm-b":     {"team": "storm", api.LabelPolicy: "disabled"},
		"storm-c":     {"team": "storm", api.LabelMode: "headless"},
		"web":         nil,
	}
	for _, tt := range []struct {
		what     string
		policies map[string]string // the spec's members, by name
		of       string
		selected int
		// unlabelled are the examples.
		unlabelled          []string
		effective, conflict string
	}{
		{"alone", map[string]string{"p": all}, "p", 4, nil, "True Effective: the policy has no defaultMode", "False NoConflict"},
		{"of a team", map[string]string{"p": storm + `,"defaultMode":"headless"`}, "p", 3, []string{"storm-b", "storm-c"}, "True Effective: no other policy overrides or refuses defaultMode headless", "False NoConflict"},
		{"of nobody", map[string]string{"p": `"namespaceSelector":{"matchLabels":{"team":"none"}},"defaultMode":"headless"`, "q": all + `,"defaultMode":"headless","priority":9`}, "p", 0, nil, "True Effective", "False NoConflict"},
		{"overridden by priority", map[string]string{"p": storm + `,"defaultMode":"headless"`, "q": all + `,"defaultMode":"hostnetwork","priority":1`}, "p", 3, []string{"storm-b", "storm-c"},
			"False Overridden: defaultMode headless holds nowhere, since policy q has a higher say: raise priority", "False NoConflict"},
		{"overrides", map[string]string{"p": storm + `,"defaultMode":"headless"`, "q": all + `,"defaultMode":"hostnetwork","priority":1`}, "q", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"overridden by name", map[string]string{"p": all + `,"defaultMode":"headless"`, "a": all + `,"defaultMode":"headless"`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "False Overridden: defaultMode headless holds nowhere, since policy a ", "False NoConflict"},
		{"overridden in part", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": storm + `,"defaultMode":"hostnetwork","priority":1`}, "p", 4, []string{"storm-b", "storm-c", "web"},
			"False PartlyOverridden: defaultMode headless does not hold in 3 of 4 namespaces, since policy q has a higher say", "False NoConflict"},
		{"not by one without a default", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"priority":1,"requireMode":true`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"not by one for some pods", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"priority":1,"defaultMode":"hostnetwork","podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"by one for the same pods", map[string]string{"p": all + `,"defaultMode":"headless","podSelector":{"matchLabels":{"a":"b"}}`, "q": all + `,"priority":1,"defaultMode":"hostnetwork","podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "False Overridden", "False NoConflict"},
		{"nothing in common", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": storm + `,"allowedModes":["hostnetwork"]`}, "p", 4, nil, "True Effective",
			"True NothingInCommon: in 3 of 4 namespaces this policy and q allow no mode in common, so every mode but default is refused"},
		{"nothing in common, the other", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": storm + `,"allowedModes":["hostnetwork"]`}, "q", 3, nil, "True Effective", "True NothingInCommon: in 3 of 3 namespaces this policy and p "},
		{"one in common", map[string]string{"p": all + `,"allowedModes":["headless","hostnetwork"]`, "q": all + `,"allowedModes":["hostnetwork"]`}, "p", 4, nil, "True Effective", "False NoConflict"},
		{"a warning is no conflict", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": all + `,"allowedModes":["hostnetwork"],"enforcement":"Warn"`}, "p", 4, nil, "True Effective", "False NoConflict"},
		{"in conflict for some pods", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, nil, "True Effective", "True NothingInCommon: in 4 of 4 namespaces this policy and q "},
		{"in conflict for pods with two labels", map[string]string{"p": all + `,"allowedModes":["headless"],"podSelector":{"matchLabels":{"a":"b"}}`, "q": storm + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"c":"d"}}`}, "p", 4, nil, "True Effective",
			"Unknown NothingInCommonForSomePods: in 3 of 4 namespaces this policy and q allow no mode in common, so every mode but default is refused to pods that they all select: allow"},
		{"a podSelector of all", map[string]string{"p": all + `,"allowedModes":["headless"],"podSelector":{}`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"c":"d"}}`}, "p", 4, nil, "True Effective", "True NothingInCommon: in 4 of 4 namespaces this policy and q "},
		{"a third takes the last", map[string]string{
			"p": all + `,"allowedModes":["headless","hostnetwork"]`, "q": all + `,"allowedModes":["headless","statefulset-headless"]`,
			"r": all + `,"allowedModes":["hostnetwork","statefulset-headless"]`, "s": all + `,"allowedModes":["headless","hostnetwork","statefulset-headless"]`,
		}, "p", 4, nil, "True Effective", "True NothingInCommon: in 4 of 4 namespaces this policy and q, r allow no mode"},
		{"no part in it", map[string]string{
			"p": all + `,"allowedModes":["headless","hostnetwork"]`, "q": all + `,"allowedModes":["headless"]`, "r": all + `,"allowedModes":["hostnetwork"]`,
		}, "p", 4, nil, "True Effective", "False NoConflict: no other policy forbids every mode that this one allows"},
		{"default refused", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": storm + `,"allowedModes":["hostnetwork"]`}, "p", 4, []string{"storm-b", "storm-c", "web"},
			"False Refused: in 3 of 4 namespaces pods that ask for nothing get defaultMode headless and are refused, since policy q does not allow it: allow it there, or select other namespaces", "False NoConflict"},
		{"default refused, by one that requires a mode", map[string]string{"p": all + `,"defaultMode":"default"`, "q": all + `,"requireMode":true`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "False Refused: in 4 of 4", "False NoConflict"},
		{"default allowed by one that requires a mode", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"requireMode":true`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"default mode default", map[string]string{"p": all + `,"defaultMode":"default"`, "q": all + `,"allowedModes":["headless"]`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"default refused to other pods", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"a mode required, and none allowed", map[string]string{"p": all + `,"requireMode":true`, "q": all + `,"allowedModes":["default"]`}, "p", 4, nil, "True Effective", "True NothingInCommon: in 4 of 4 namespaces this policy and q allow no mode in common, so every mode is refused: allow"},
		{"a mode required, for some pods", map[string]string{"p": all + `,"requireMode":true,"podSelector":{"matchLabels":{"a":"b"}}`, "q": all + `,"allowedModes":["default"],"podSelector":{"matchLabels":{"c":"d"}}`}, "q", 4, nil, "True Effective", "Unknown NothingInCommonForSomePods: in 4 of 4 namespaces this policy and p allow no mode in common, so every mode is refused to pods that they all select: "},
		{"only default, both", map[string]string{"p": all + `,"allowedModes":["default"]`, "q": all + `,"allowedModes":["default"]`}, "p", 4, nil, "True Effective", "False NoConflict"},
		{"only default, one", map[string]string{"p": all + `,"allowedModes":["default"]`, "q": all + `,"allowedModes":["headless","default"]`}, "q", 4, nil, "True Effective", "True NothingInCommon: in 4 of 4 namespaces this policy and p "},
		{"for other pods", map[string]string{
			"p": all + `,"allowedModes":["headless"],"podSelector":{"matchLabels":{"a":"c"}}`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"a":"b"}}`,
			"r": all + `,"allowedModes":["headless","hostnetwork"]`,
		}, "r", 4, nil, "True Effective", "False NoConflict"},
		{"of a search rewrite", map[string]string{"p": all + `,"searchRewrite":{"strategy":"none"}`}, "p", 4, []string{"storm-b", "web"}, "True Effective", "False NoConflict"},
		{"of resolver options", map[string]string{"p": all + `,"resolver":{"options":[{"name":"rotate"}]}`}, "p", 4, []string{"storm-b", "web"}, "True Effective", "False NoConflict"},
		{"of both", map[string]string{"p": all + `,"searchRewrite":{"strategy":"none"},"defaultMode":"headless"`}, "p", 4, []string{"storm-b", "storm-c", "web"}, "True Effective", "False NoConflict"},
		{"of nothing given", map[string]string{"p": all + `,"allowedModes":["headless"],"requireMode":true`}, "p", 4, nil, "True Effective", "False NoConflict"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var policies []*Policy
			for name, spec := range tt.policies {
				policies = append(policies, compile(t, name, "{"+spec+"}"))
			}
			statuses := NewSet(policies).Statuses(namespaces, []string{"kube-system", "netmode-system"})
			got := statuses[tt.of]
			if len(statuses) != len(policies) || got.Selected != tt.selected || got.Unlabelled != len(tt.unlabelled) {
				t.Errorf("%d statuses; %d selected, %d unlabelled; want %d and %d", len(statuses), got.Selected, got.Unlabelled, tt.selected, len(tt.unlabelled))
			}
			if diff := cmp.Diff(tt.unlabelled, got.UnlabelledExamples); diff != "" {
				t.Errorf("unlabelled (-want +got):\n%s", diff)
			}
			if len(got.Conditions) != 2 || got.Conditions[0].Type != ConditionEffective || got.Conditions[1].Type != ConditionConflict {
				t.Fatalf("conditions %+v", got.Conditions)
			}
			for i, want := range []string{tt.effective, tt.conflict} {
				c := got.Conditions[i]
				if have := fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message); !strings.HasPrefix(have, want) {
					t.Errorf("have %s\nwant %s", have, want)
				}
			}
		})
	}
}

func TestNotUnderstood(t *testing.T) {
	want := map[string]string{ConditionEffective: "gives nothing", ConditionConflict: "gives nothing", ConditionEnforced: "before, if anything, it still holds"}
	conditions := NotUnderstood(errors.New("spec.defaultMode: Unsupported value")).Conditions
	for _, c := range conditions {
		if c.Status == metav1.ConditionTrue || !strings.Contains(c.Message, want[c.Type]) || !strings.Contains(c.Message, "spec.defaultMode: Unsupported value: correct it") {
			t.Errorf("%+v", c)
		}
	}
	if len(conditions) != len(want) {
		t.Errorf("%d conditions", len(conditions))
	}
}

// One set of labels can match all podSelectors, or none can.
func TestMayShareAPod(t *testing.T) {
	const (
		isWeb    = `{"key":"app","operator":"In","values":["web","api"]}`
		isBatch  = `{"key":"app","operator":"In","values":["batch","api"]}`
		isOther  = `{"key":"app","operator":"In","values":["other"]}`
		notAPI   = `{"key":"app","operator":"NotIn","values":["api"]}`
		hasApp   = `{"key":"app","operator":"Exists"}`
		hasNoApp = `{"key":"app","operator":"DoesNotExist"}`
		hasTier  = `{"key":"tier","operator":"Exists"}`
	)
	for _, tt := range []struct {
		selectors []string
		want      bool
	}{
		{[]string{""}, true},
		{[]string{"", isWeb}, true},
		{[]string{isWeb, hasTier}, true},
		{[]string{isWeb, isBatch}, true},
		{[]string{isWeb, isBatch, notAPI}, false},
		{[]string{isWeb, notAPI}, true},
		{[]string{isWeb, isOther}, false},
		{[]string{isOther, hasNoApp}, false},
		{[]string{hasApp, hasNoApp}, false},
		{[]string{hasApp, notAPI}, true},
		{[]string{hasNoApp, notAPI, hasTier}, true},
		{[]string{hasNoApp + "," + hasTier, hasApp}, false},
	} {
		var group []*alike
		for i, s := range tt.selectors {
			spec := `{"namespaceSelector":{}}`
			if s != "" {
				spec = `{"namespaceSelector":{},"podSelector":{"matchExpressions":[` + s + `]}}`
			}
			group = append(group, &alike{pods: compile(t, fmt.Sprint("p", i), spec).pods})
		}
		if got := mayShareAPod(group); got != tt.want {
			t.Errorf("%s: %t", strings.Join(tt.selectors, " and "), got)
		}
	}
}

// A status stays small in a large cluster.
func TestStatusIsBounded(t *testing.T) {
	namespaces := map[string]map[string]string{}
	policies := []*Policy{compile(t, "p", `{"namespaceSelector":{},"defaultMode":"headless","priority":-1,"allowedModes":["headless"]}`)}
	for i := range 50 {
		team := fmt.Sprintf("team-%02d", i)
		namespaces[team] = map[string]string{"team": team}
		policies = append(policies, compile(t, team, `{"namespaceSelector":{"matchLabels":{"team":"`+team+`"}},"defaultMode":"hostnetwork","allowedModes":["hostnetwork"]}`))
	}
	got := NewSet(policies).Statuses(namespaces, nil)["p"]
	if got.Unlabelled != 50 || len(got.UnlabelledExamples) != 10 || got.UnlabelledExamples[9] != "team-09" {
		t.Errorf("%d unlabelled, of which %q", got.Unlabelled, got.UnlabelledExamples)
	}
	for _, c := range got.Conditions {
		if !strings.Contains(c.Message, "team-09 and 40 more") {
			t.Errorf("%s: %s", c.Type, c.Message)
		}
	}
}
