package workload_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// words reads netmode's annotations from words: "mode=headless service=peers".
func words(text string) map[string]string {
	annotations := map[string]string{}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		annotations[api.Prefix+key] = value
	}
	return annotations
}

// The truth tables of Copy, row by row: m is headless, t is default.
func TestCopy(t *testing.T) {
	const listed, mode = " copied=netmode.io/mode", api.AnnotationMode
	for _, tt := range []struct {
		name, own, template, want string
		ofCronJob                 bool
		steps                     []workload.Step
	}{
		{"m, none", "mode=headless", "", "mode=headless" + listed, false, []workload.Step{{Outcome: workload.Copied, Key: mode, Asked: "headless"}}},
		{"m, none, listed", "mode=headless", listed, "mode=headless" + listed, false, []workload.Step{{Outcome: workload.Copied, Key: mode, Asked: "headless"}}},
		{"m, m, unlisted", "mode=headless", "mode=headless", "mode=headless", false, nil},
		{"m, t, unlisted", "mode=headless", "mode=default", "mode=default", false,
			[]workload.Step{{Outcome: workload.TemplateWins, Key: mode, Asked: "headless", Had: "default"}}},
		{"m, m, listed", "mode=headless", "mode=headless" + listed, "mode=headless" + listed, false, nil},
		{"m, t, listed", "mode=headless", "mode=default" + listed, "mode=headless" + listed, false,
			[]workload.Step{{Outcome: workload.Copied, Key: mode, Asked: "headless", Had: "default"}}},
		{"none, t, unlisted", "", "mode=default", "mode=default", false, nil},
		{"none, none, listed", "", listed, "", false, nil},
		{"none, t, listed", "", "mode=default" + listed, "", false, []workload.Step{{Outcome: workload.CopyRemoved, Key: mode, Had: "default"}}},
		{"Job: none, t", "", "mode=default" + listed, "mode=default" + listed, true,
			[]workload.Step{{Outcome: workload.CopiedByOwner, Key: mode, Had: "default", ByOwner: true}}},
		{"Job: t, t", "mode=default", "mode=default" + listed, "mode=default" + listed, true,
			[]workload.Step{{Outcome: workload.CopiedByOwner, Key: mode, Asked: "default", Had: "default", ByOwner: true}}},
		{"Job: m, t", "mode=headless", "mode=default" + listed, "mode=default" + listed, true, []workload.Step{
			{Outcome: workload.CopiedByOwner, Key: mode, Asked: "headless", Had: "default", ByOwner: true},
			{Outcome: workload.TemplateWins, Key: mode, Asked: "headless", Had: "default", ByOwner: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, metadata := &workload.Workload{Kind: "Deployment"}, &api.ObjectMeta{Annotations: words(tt.own)}
			if tt.ofCronJob {
				w.Kind, metadata.OwnerReferences = "Job", []api.OwnerReference{{Kind: "CronJob"}}
			}
			template := words(tt.template)
			before := maps.Clone(template)
			got, steps := workload.Copy(w, metadata, nil, template)
			if diff := cmp.Diff(words(tt.want), got); diff != "" {
				t.Errorf("template (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.steps, steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, template); diff != "" {
				t.Errorf("what was given has changed (-before +after):\n%s", diff)
			}
			if again, more := workload.Copy(w, metadata, nil, got); !maps.Equal(got, again) || len(more) > 0 && !tt.ofCronJob && more[0].Outcome != workload.TemplateWins {
				t.Errorf("copied again: %v, %v", again, more)
			}
		})
	}
}

// What a Job had copied to its template itself follows the Job again.
func TestCopyOfJobsOwn(t *testing.T) {
	job := &api.ObjectMeta{Annotations: words("service=other"), OwnerReferences: []api.OwnerReference{{Kind: "CronJob"}}}
	const copied = " copied=netmode.io/mode,netmode.io/service"
	got, _ := workload.Copy(&workload.Workload{Kind: "Job"}, job, words("service=peers"), words("mode=headless service=peers"+copied))
	if diff := cmp.Diff(words("mode=headless service=other"+copied), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTemplateFixed(t *testing.T) {
	for _, tt := range []struct {
		w     workload.Workload
		fixed bool
	}{
		{workload.Workload{Kind: "Job"}, true},
		{workload.Workload{Kind: "Job", Suspended: true}, false},
		{workload.Workload{Kind: "Job", Suspended: true, Started: true}, true},
		{workload.Workload{Kind: "CronJob"}, false},
		{workload.Workload{Kind: "Deployment"}, false},
	} {
		if tt.w.TemplateFixed() != tt.fixed {
			t.Errorf("%+v: want %v", tt.w, tt.fixed)
		}
	}
}
