package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// words reads annotations from words: "mode=headless service=peers" are two of
// netmode's; a key with a slash is another's.
func words(text string) map[string]string {
	if text == "" {
		return nil
	}
	annotations := map[string]string{}
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		if !strings.Contains(key, "/") {
			key = api.Prefix + key
		}
		annotations[key] = value
	}
	return annotations
}

// workloadOf is a workload with annotations of its own and of its template. Its
// pods declare a port and cannot be refused in mode hostnetwork.
func workloadOf(kind, own, template string) *engine.WorkloadCase {
	w := &workload.Workload{Kind: kind, Name: "web", Template: "spec.template", Replicas: 1, ReplicasField: "spec.replicas"}
	if kind == "CronJob" {
		w.Template = "spec.jobTemplate.spec.template"
	}
	pod := &api.Pod{Spec: api.PodSpec{Containers: []api.Container{{Name: "web", Ports: []api.ContainerPort{{ContainerPort: 80}}}}}}
	pod.Metadata.Annotations = words(template)
	return &engine.WorkloadCase{Metadata: &api.ObjectMeta{Name: "web", Annotations: words(own)}, Workload: w, Pod: pod}
}

// templateAfter is the template's annotations with the plan's mutations made.
func templateAfter(t *testing.T, c *engine.WorkloadCase, p *plan.Plan) map[string]string {
	t.Helper()
	after := maps.Clone(c.Pod.Metadata.Annotations)
	if after == nil {
		after = map[string]string{}
	}
	below := "/" + strings.ReplaceAll(c.Workload.Template, ".", "/") + "/metadata/annotations/"
	for _, m := range p.Mutations {
		key, ok := strings.CutPrefix(m.Pointer, below)
		if !ok {
			t.Errorf("%s changes, and is not an annotation of the template", m.Pointer)
		}
		key = strings.ReplaceAll(key, "~1", "/")
		value, isText := m.Value.(string)
		switch {
		case m.Action == plan.Remove:
			delete(after, key)
		case m.Action == plan.Set && isText:
			after[key] = value
		default:
			t.Errorf("mutation %+v", m)
		}
	}
	return after
}

// TestCopyTruthTable is the truth table of the copies, row by row.
func TestCopyTruthTable(t *testing.T) {
	for _, tt := range []struct {
		name, own, template string
		want                string
		warned              bool
	}{
		{"nothing", "", "", "", false},
		{"others' annotations", "example.com/mode=headless", "example.com/x=y", "example.com/x=y", false},
		{"m, none, unlisted", "mode=hostnetwork", "", "mode=hostnetwork copied=netmode.io/mode", false},
		{"m, none, unlisted, beside another's", "mode=hostnetwork", "example.com/x=y", "example.com/x=y mode=hostnetwork copied=netmode.io/mode", false},
		{"m, none, listed", "mode=hostnetwork", "copied=netmode.io/mode", "mode=hostnetwork copied=netmode.io/mode", false},
		{"m, m, unlisted", "mode=hostnetwork", "mode=hostnetwork", "mode=hostnetwork", false},
		{"m, t, unlisted", "mode=hostnetwork", "mode=default", "mode=default", true},
		{"m, empty t, unlisted", "service=peers", "mode=default service=", "mode=default service=", true},
		{"m, m, listed", "mode=hostnetwork", "mode=hostnetwork copied=netmode.io/mode", "mode=hostnetwork copied=netmode.io/mode", false},
		{"m, t, listed", "mode=hostnetwork", "mode=default copied=netmode.io/mode", "mode=hostnetwork copied=netmode.io/mode", false},
		{"none, t, unlisted", "", "mode=hostnetwork", "mode=hostnetwork", false},
		{"none, t, listed", "", "mode=hostnetwork copied=netmode.io/mode", "", false},
		{"none, none, listed", "", "copied=netmode.io/mode", "", false},
		{"one stays and one goes", "mode=default", "mode=default search-rewrite=append copied=netmode.io/mode,netmode.io/search-rewrite", "mode=default copied=netmode.io/mode", false},
		{"all keys, sorted", "service=a publish-not-ready-addresses=true mode=headless search-rewrite=none", "",
			"service=a publish-not-ready-addresses=true mode=headless search-rewrite=none " +
				"copied=netmode.io/mode,netmode.io/publish-not-ready-addresses,netmode.io/search-rewrite,netmode.io/service", false},
		{"one copied beside one by itself", "mode=headless service=a", "service=a", "mode=headless service=a copied=netmode.io/mode", false},
		{"a list in disorder", "mode=headless service=a", "mode=headless service=a copied=netmode.io/service,netmode.io/mode",
			"mode=headless service=a copied=netmode.io/mode,netmode.io/service", false},
		{"a list with what nobody copied", "", "example.com/x=y status={} mode=headless service=a copied=example.com/x,netmode.io/status,,nonsense,netmode.io/copied",
			"example.com/x=y status={} mode=headless service=a", false},
		{"an empty list", "", "copied=", "", false},
		{"status and copied are never copied", "mode=hostnetwork status={} copied=netmode.io/mode", "", "mode=hostnetwork copied=netmode.io/mode", false},
		{"nor are unknown keys", "mode=hostnetwork moed=headless", "", "mode=hostnetwork copied=netmode.io/mode", true},
	} {
		for _, kind := range workload.Kinds() {
			c := workloadOf(kind, tt.own, tt.template)
			before := maps.Clone(c.Pod.Metadata.Annotations)
			p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: c})
			pod := p.FirstPod
			want := words(tt.want)
			if want == nil {
				want = map[string]string{}
			}
			after := templateAfter(t, c, p)
			if diff := cmp.Diff(want, after); diff != "" {
				t.Errorf("%s, %s: template (-want +got):\n%s", kind, tt.name, diff)
			}
			if len(after)+len(pod.Metadata.Annotations) > 0 && !maps.Equal(after, pod.Metadata.Annotations) {
				t.Errorf("%s, %s: the pod that comes back has %v", kind, tt.name, pod.Metadata.Annotations)
			}
			if !maps.Equal(before, c.Pod.Metadata.Annotations) {
				t.Errorf("%s, %s: the pod that was given has changed", kind, tt.name)
			}
			if warned := hasReason(p, plan.Warned, plan.TemplateAnnotationWins, plan.AnnotationUnknown); warned != tt.warned {
				t.Errorf("%s, %s: warned %v, %q", kind, tt.name, warned, describeAll(p))
			}
		}
	}
}

// TestCopyOfCronJob is the truth table of what a CronJob copied, in the template
// of a Job that it makes: beside it, the Job's own annotations are copied as ever.
func TestCopyOfCronJob(t *testing.T) {
	const template, theirs = "mode=statefulset-headless copied=netmode.io/mode", "kept CopiedByOwner spec.template.metadata.annotations[netmode.io/mode]"
	const both = "mode=statefulset-headless service=peers copied=netmode.io/mode,netmode.io/service"
	const copied = "changed AnnotationCopied spec.template.metadata.annotations[netmode.io/service]"
	suspended := func(c *engine.WorkloadCase, own, template string) *engine.WorkloadCase {
		c.Workload.Suspended = true
		return updated(c, own, template)
	}
	for _, tt := range []struct {
		name string
		c    *engine.WorkloadCase
		want string
		said []string
	}{
		{"none, t", workloadOf("Job", "", template), template, []string{theirs}},
		{"t, t", workloadOf("Job", "mode=statefulset-headless", template), template, []string{theirs}},
		{"m, t", workloadOf("Job", "mode=headless", template), template, []string{theirs,
			`warned TemplateAnnotationWins spec.template.metadata.annotations[netmode.io/mode]: "statefulset-headless" stays, which came from the CronJob, ` +
				`and the Job says "headless": remove one of the two, or make them equal`}},
		{"one of its own beside it", workloadOf("Job", "service=peers", template), both, []string{theirs, copied}},
		{"and once more", workloadOf("Job", "service=peers", both), both, []string{theirs, "kept CopiedByOwner spec.template.metadata.annotations[netmode.io/service]"}},
		{"one of its own that the template has by itself", workloadOf("Job", "service=peers", "mode=statefulset-headless service=other copied=netmode.io/mode"),
			"mode=statefulset-headless service=other copied=netmode.io/mode", []string{theirs,
				`warned TemplateAnnotationWins spec.template.metadata.annotations[netmode.io/service]: "other" stays, which the template has by itself, ` +
					`and the Job says "peers": remove one of the two, or make them equal`}},
		{"its own changes while it is suspended", suspended(workloadOf("Job", "service=other", both), "service=peers", both),
			"mode=statefulset-headless service=other copied=netmode.io/mode,netmode.io/service", []string{theirs, copied}},
		{"its own is removed while it is suspended", suspended(workloadOf("Job", "", both), "service=peers", both),
			template, []string{theirs, "changed CopyRemoved spec.template.metadata.annotations[netmode.io/service]"}},
		{"nothing of it changes while it is suspended", suspended(workloadOf("Job", "mode=headless", template), "mode=headless", template), template, []string{theirs,
			`warned TemplateAnnotationWins spec.template.metadata.annotations[netmode.io/mode]: "statefulset-headless" stays, which came from the CronJob, ` +
				`and the Job says "headless": remove one of the two, or make them equal`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Metadata.OwnerReferences = []api.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: "web", Controller: true}}
			tt.c.Pod.Spec.Hostname = "web-0"
			p := decideWorkload(tt.c, engine.EmptySnapshot{})
			if diff := cmp.Diff(words(tt.want), templateAfter(t, tt.c, p)); diff != "" {
				t.Errorf("template (-want +got):\n%s", diff)
			}
			var said []string
			for _, f := range p.Trace {
				if f.Rule == "copy" && f.Verdict != plan.Passed {
					said = append(said, describe(p, &f))
				}
			}
			if diff := cmp.Diff(tt.said, said); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func hasReason(p *plan.Plan, verdict plan.Verdict, reasons ...plan.Reason) bool {
	for _, f := range p.Findings(verdict) {
		if slices.Contains(reasons, f.Reason) {
			return true
		}
	}
	return false
}

// FuzzWorkload: whatever stands in the annotations, nothing but the author's
// keys and the list changes, unlisted ones stay, and the second plan is empty.
func FuzzWorkload(f *testing.F) {
	f.Add("hostnetwork", "peers", "default", "", "netmode.io/mode", uint8(0b1011))
	f.Add("headless", "a", "headless", "b", "netmode.io/service,netmode.io/mode,x", uint8(0b1111))
	f.Add("", "", "", "", ",,netmode.io/status", uint8(0b10000))
	f.Fuzz(func(t *testing.T, mode, service, templateMode, templateService, copied string, there uint8) {
		own, template := map[string]string{}, map[string]string{"example.com/x": "y", api.AnnotationStatus: "{}"}
		for i, put := range []func(){
			func() { own[api.AnnotationMode] = mode },
			func() { own[api.AnnotationService] = service },
			func() { template[api.AnnotationMode] = templateMode },
			func() { template[api.AnnotationService] = templateService },
			func() { template[api.AnnotationCopied] = copied },
		} {
			if there&(1<<i) != 0 {
				put()
			}
		}
		c := workloadOf("Deployment", "", "")
		c.Metadata.Annotations, c.Pod.Metadata.Annotations = own, template
		p := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: c})
		pod := p.FirstPod
		if p.Refused() {
			return
		}
		after := templateAfter(t, c, p)
		if after["example.com/x"] != "y" || after[api.AnnotationStatus] != "{}" {
			t.Errorf("what was nobody's to change: %v", after)
		}
		listed := "," + template[api.AnnotationCopied] + ","
		for _, key := range api.AuthorAnnotations() {
			if value, ok := template[key]; ok && !strings.Contains(listed, ","+key+",") && after[key] != value {
				t.Errorf("%s was the template's own, and became %q", key, after[key])
			}
		}
		c.Pod = pod
		if again := engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: c}); again.Changes() || again.Refused() {
			t.Errorf("the second plan: %v %s", again.Mutations, again.Denial())
		}
	})
}
