package integration

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/workload"
)

const (
	workloadsEntry = "workloads.mutate.netmode.io"
	copiedMode     = "netmode.io/copied: netmode.io/mode"
	nodeHostname   = "spec.hostNetwork: hostname(1) in the pod is the node's name (NodeHostname)"
)

// TestWorkloadAnnotated: kubectl annotate changes the pod template, which starts a rollout;
// another value changes it again, and without the annotation it is as it was.
func TestWorkloadAnnotated(t *testing.T) {
	t.Parallel()
	for _, kind := range workload.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := testWorkload{kind, shared.namespace(t, nil)}
			spec := ""
			if kind == "Job" {
				spec = "{suspend: true}"
			}
			template := "spec.template."
			if kind == "CronJob" {
				template = "spec.jobTemplate.spec.template."
			}
			plain := w.create(t, "{example.com/a: b}", "{example.com/scrape: 'true'}", spec)
			w.wantTemplate(t, plain, "{}")
			wantWarnings(t, plain)
			before := stored[templated](t, plain)

			asked := w.annotate(t, "netmode.io/mode: hostnetwork")
			w.wantTemplate(t, asked, "{netmode.io/mode: hostnetwork, "+copiedMode+"}")
			if warned := strings.Join(asked.warnings, "\n"); !strings.Contains(warned, "netmode: "+template+nodeHostname) {
				t.Errorf("warnings %s", warned)
			}
			if after := stored[templated](t, asked); after.Generation != before.Generation+1 {
				t.Errorf("generation %d after %d: no rollout begins", after.Generation, before.Generation)
			}
			again := w.annotate(t, "netmode.io/mode: hostnetwork")
			if diff := cmp.Diff(stored[templated](t, asked), stored[templated](t, again)); diff != "" {
				t.Errorf("annotated again, it changes (-first +again):\n%s", diff)
			}

			w.wantTemplate(t, w.annotate(t, "netmode.io/mode: default, netmode.io/mod: x"), "{netmode.io/mode: default, "+copiedMode+"}")
			back := w.annotate(t, "netmode.io/mode: null, netmode.io/mod: null")
			w.wantTemplate(t, back, "{}")
			wantWarnings(t, back)
			if diff := cmp.Diff(w.template(t, plain), w.template(t, back)); diff != "" {
				t.Errorf("the template is not as it was (-before +after):\n%s", diff)
			}
			created := testWorkload{kind, shared.namespace(t, nil)}
			created.wantTemplate(t, created.create(t, "{netmode.io/mode: hostnetwork}", "{}", spec), "{netmode.io/mode: hostnetwork, "+copiedMode+"}")
		})
	}
}

// TestWorkloadsTemplateWins: what the template says by itself counts, and stays.
func TestWorkloadsTemplateWins(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Deployment", shared.namespace(t, nil)}
	created := w.create(t, "{netmode.io/mode: hostnetwork}", "{netmode.io/mode: default}", "")
	w.wantTemplate(t, created, "{netmode.io/mode: default}")
	wantWarnings(t, created, `netmode: spec.template.metadata.annotations[netmode.io/mode]: "default" stays, which the template has by itself, `+
		`and the Deployment says "hostnetwork": remove one of the two, or make them equal (TemplateAnnotationWins)`)
	w.wantTemplate(t, w.annotate(t, "netmode.io/mode: null"), "{netmode.io/mode: default}")
}

// TestWorkloadServerSideApply: one manager owns the template and another the annotation. Neither
// is in the other's way, and applying again changes nothing.
func TestWorkloadServerSideApply(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Deployment", shared.namespace(t, nil)}
	app := w.manifest("{}", "{example.com/scrape: 'true'}", "")
	mode := func(annotations string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web" + annotations + "}\n"
	}
	const copied = "{netmode.io/mode: hostnetwork, " + copiedMode + "}"
	w.wantTemplate(t, w.apply(t, "app", app), "{}")
	asked := w.apply(t, "platform", mode(", annotations: {netmode.io/mode: hostnetwork}"))
	w.wantTemplate(t, asked, copied)
	for _, managed := range stored[templated](t, asked).ManagedFields {
		// What a webhook writes has no owner, so that nobody takes it away by applying without it.
		if fields := string(managed.FieldsV1.GetRawBytes()); strings.Contains(fields, "f:netmode.io/mode") != (managed.Manager == "platform") || strings.Contains(fields, "f:netmode.io/copied") {
			t.Errorf("%s owns %s", managed.Manager, fields)
		}
	}
	for _, manager := range []struct{ name, manifest string }{
		{"app", app}, {"platform", mode(", annotations: {netmode.io/mode: hostnetwork}")}, {"app", app}, {"app", app}, {"platform", mode(", annotations: {netmode.io/mode: hostnetwork}")},
	} {
		again := w.apply(t, manager.name, manager.manifest)
		w.wantTemplate(t, again, copied)
		if diff := cmp.Diff(stored[templated](t, asked), stored[templated](t, again)); diff != "" {
			t.Errorf("applied again by %s, it changes (-first +again):\n%s", manager.name, diff)
		}
		if strings.Contains(strings.Join(again.warnings, "\n"), "CopiedAgain") {
			t.Errorf("warnings %q", again.warnings)
		}
	}
	// A new version of the application keeps the mode.
	next := strings.Replace(app, "web:1", "web:2", 1)
	w.wantTemplate(t, w.apply(t, "app", next), copied)
	// The manager that owned the annotation gives it up, and the copy goes with it.
	w.wantTemplate(t, w.apply(t, "platform", mode("")), "{}")
	gone := w.apply(t, "app", next)
	w.wantTemplate(t, gone, "{}")
	again := w.apply(t, "app", next)
	if diff := cmp.Diff(stored[templated](t, gone), stored[templated](t, again)); diff != "" {
		t.Errorf("applied again, it changes (-first +again):\n%s", diff)
	}
}

// TestWorkloadAppliedWhole: one manager applies annotation and template, again and again.
func TestWorkloadAppliedWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"StatefulSet", "CronJob"} {
		w := testWorkload{kind, shared.namespace(t, nil)}
		manifest := w.manifest("{netmode.io/mode: hostnetwork, netmode.io/search-rewrite: none}", "{example.com/scrape: 'true'}", "")
		first := w.apply(t, "app", manifest)
		w.wantTemplate(t, first, "{netmode.io/mode: hostnetwork, netmode.io/search-rewrite: none, netmode.io/copied: 'netmode.io/mode,netmode.io/search-rewrite'}")
		for range 2 {
			again := w.apply(t, "app", manifest)
			if diff := cmp.Diff(stored[templated](t, first), stored[templated](t, again)); diff != "" {
				t.Errorf("%s: applied again, it changes (-first +again):\n%s", kind, diff)
			}
		}
		w.wantTemplate(t, w.apply(t, "app", w.manifest("{netmode.io/mode: hostnetwork}", "{example.com/scrape: 'true'}", "")), "{netmode.io/mode: hostnetwork, "+copiedMode+"}")
		w.wantTemplate(t, w.apply(t, "app", w.manifest("{}", "{example.com/scrape: 'true'}", "")), "{}")
	}
}

// TestWorkloadUndone: kubectl rollout undo brings back the template of a StatefulSet, and not the
// annotation, which counts. The person is told.
func TestWorkloadUndone(t *testing.T) {
	t.Parallel()
	w := testWorkload{"StatefulSet", shared.namespace(t, nil)}
	first := w.create(t, "{}", "{}", "")
	asked := w.annotate(t, "netmode.io/mode: hostnetwork")
	undo := func(to *answer) *answer {
		return w.replace(t, func(object map[string]any) {
			var old map[string]any
			if err := json.Unmarshal(to.object, &old); err != nil {
				t.Fatal(err)
			}
			spec, ok := object["spec"].(map[string]any)
			oldSpec, oldOK := old["spec"].(map[string]any)
			if !ok || !oldOK {
				t.Fatal("no spec")
			}
			spec["template"] = oldSpec["template"]
		})
	}
	const told = "netmode: spec.template.metadata.annotations: they follow those of the StatefulSet again, which the request left as they were: " +
		"to go back, change or remove the annotation of the workload itself (CopiedAgain)"
	wantTold := func(a *answer) {
		t.Helper()
		if !strings.Contains(strings.Join(a.warnings, "\n"), told) {
			t.Errorf("warnings %q\nwant %s", a.warnings, told)
		}
	}
	undone := undo(first)
	w.wantTemplate(t, undone, "{netmode.io/mode: hostnetwork, "+copiedMode+"}")
	wantTold(undone)
	w.wantTemplate(t, w.annotate(t, "netmode.io/mode: null"), "{}")
	undone = undo(asked)
	w.wantTemplate(t, undone, "{}")
	wantTold(undone)
}
