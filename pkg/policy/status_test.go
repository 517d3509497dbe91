package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		{"alone", map[string]string{"p": all}, "p", 4, []string{"storm-b", "web"}, "true Effective: the policy has no defaultMode", "false NoConflict"},
		{"of a team", map[string]string{"p": storm + `,"defaultMode":"headless"`}, "p", 3, []string{"storm-b"}, "true Effective: no other", "false NoConflict"},
		{"of nobody", map[string]string{"p": `"namespaceSelector":{"matchLabels":{"team":"none"}},"defaultMode":"headless"`, "q": all + `,"defaultMode":"headless","priority":9`}, "p", 0, nil, "true Effective", "false NoConflict"},
		{"overridden by priority", map[string]string{"p": storm + `,"defaultMode":"headless"`, "q": all + `,"defaultMode":"hostnetwork","priority":1`}, "p", 3, []string{"storm-b"},
			"false Overridden: defaultMode headless holds nowhere, since policy q has a higher say: raise priority", "false NoConflict"},
		{"overrides", map[string]string{"p": storm + `,"defaultMode":"headless"`, "q": all + `,"defaultMode":"hostnetwork","priority":1`}, "q", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
		{"overridden by name", map[string]string{"p": all + `,"defaultMode":"headless"`, "a": all + `,"defaultMode":"headless"`}, "p", 4, []string{"storm-b", "web"}, "false Overridden: defaultMode headless holds nowhere, since policy a ", "false NoConflict"},
		{"overridden in part", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": storm + `,"defaultMode":"hostnetwork","priority":1`}, "p", 4, []string{"storm-b", "web"},
			"false PartlyOverridden: defaultMode headless does not hold in 3 of 4 namespaces, since policy q has a higher say", "false NoConflict"},
		{"not by one without a default", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"priority":1,"requireMode":true`}, "p", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
		{"not by one for some pods", map[string]string{"p": all + `,"defaultMode":"headless"`, "q": all + `,"priority":1,"defaultMode":"hostnetwork","podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
		{"by one for the same pods", map[string]string{"p": all + `,"defaultMode":"headless","podSelector":{"matchLabels":{"a":"b"}}`, "q": all + `,"priority":1,"defaultMode":"hostnetwork","podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "web"}, "false Overridden", "false NoConflict"},
		{"nothing in common", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": storm + `,"allowedModes":["hostnetwork"]`}, "p", 4, []string{"storm-b", "web"}, "true Effective",
			"true NothingInCommon: in 3 of 4 namespaces this policy and q allow no mode in common, so every mode but default is refused"},
		{"nothing in common, the other", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": storm + `,"allowedModes":["hostnetwork"]`}, "q", 3, []string{"storm-b"}, "true Effective", "true NothingInCommon: in 3 of 3 namespaces this policy and p "},
		{"one in common", map[string]string{"p": all + `,"allowedModes":["headless","hostnetwork"]`, "q": all + `,"allowedModes":["hostnetwork"]`}, "p", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
		{"a warning is no conflict", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": all + `,"allowedModes":["hostnetwork"],"enforcement":"Warn"`}, "p", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
		{"in conflict for some pods", map[string]string{"p": all + `,"allowedModes":["headless"]`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"a":"b"}}`}, "p", 4, []string{"storm-b", "web"}, "true Effective", "true NothingInCommon: in 4 of 4 namespaces this policy and q "},
		{"for other pods", map[string]string{
			"p": all + `,"allowedModes":["headless"],"podSelector":{"matchLabels":{"a":"c"}}`, "q": all + `,"allowedModes":["hostnetwork"],"podSelector":{"matchLabels":{"a":"b"}}`,
			"r": all + `,"allowedModes":["headless","hostnetwork"]`,
		}, "r", 4, []string{"storm-b", "web"}, "true Effective", "false NoConflict"},
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
				if have := fmt.Sprintf("%t %s: %s", c.True, c.Reason, c.Message); !strings.HasPrefix(have, want) {
					t.Errorf("have %s\nwant %s", have, want)
				}
			}
		})
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
