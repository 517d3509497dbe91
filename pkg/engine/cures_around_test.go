package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// scene is an object and what is around it.
type scene struct {
	// object is its kind, and itself in JSON; old is what it was before an update.
	object, old string
	// services are those of its namespace, in JSON; "" means that nobody knows.
	services string
	// daemonSet is the pod of another DaemonSet.
	daemonSet string
	namespace string
	// labels are the namespace's: "key=value key=value".
	labels   string
	policies []string // pairs of a name and a spec
	settings engine.Settings
}

// edit is what an author does.
type edit func(t *testing.T, s *scene)

// swap writes one text of the object in the place of another.
func swap(was, is string) edit {
	return func(t *testing.T, s *scene) {
		t.Helper()
		s.object = swapped(t, s.object, was, is)
	}
}

// swapServices is swap for the Services.
func swapServices(was, is string) edit {
	return func(t *testing.T, s *scene) {
		t.Helper()
		s.services = swapped(t, s.services, was, is)
	}
}

func swapped(t *testing.T, text, was, is string) string {
	t.Helper()
	if !strings.Contains(text, was) {
		t.Fatalf("there is no %s in %s", was, text)
	}
	return strings.ReplaceAll(text, was, is)
}

func relabel(labels string) edit { return func(_ *testing.T, s *scene) { s.labels = labels } }

// anew is an object that is created in the place of one that was updated.
func anew(more edit) edit {
	return func(t *testing.T, s *scene) {
		t.Helper()
		s.old = ""
		more(t, s)
	}
}

func both(one, other edit) edit {
	return func(t *testing.T, s *scene) {
		t.Helper()
		one(t, s)
		other(t, s)
	}
}

func asItIs(*testing.T, *scene) {}

// decide is the plan for the object.
func (s *scene) decide(t *testing.T) *plan.Plan {
	t.Helper()
	around := &snapshot{known: s.services != "", labels: map[string]string{}, policies: policies(t, s.policies...)}
	if around.known {
		around.services = *decode[[]api.Service](t, []byte(s.services))
	}
	if s.daemonSet != "" {
		around.daemonSets = append(around.daemonSets, *decode[api.Pod](t, []byte(s.daemonSet)))
	}
	for word := range strings.FieldsSeq(s.labels) {
		key, value, _ := strings.Cut(word, "=")
		around.labels[key] = value
	}
	request := engine.Request{Settings: &s.settings, Snapshot: around, Namespace: s.namespace, UID: "u", Judge: true}
	if request.Namespace == "" {
		request.Namespace = namespace
	}
	kind, raw, _ := strings.Cut(s.object, " ")
	switch kind {
	case "Pod":
		request.Object = decode[api.Pod](t, []byte(raw))
	case "Service":
		request.Object = decode[api.Service](t, []byte(raw))
	default:
		c := workloadIn(t, s.object)
		if s.old != "" {
			old := workloadIn(t, s.old)
			c.Old = &engine.OldWorkload{Annotations: old.Metadata.Annotations, TemplateAnnotations: old.Pod.Metadata.Annotations, Workload: old.Workload}
		}
		request.Object = c
	}
	return engine.Decide(request)
}

func workloadIn(t *testing.T, object string) *engine.WorkloadCase {
	t.Helper()
	kind, raw, _ := strings.Cut(object, " ")
	apiVersion := "apps/v1"
	if strings.HasSuffix(kind, "Job") {
		apiVersion = "batch/v1"
	}
	template, err := workload.Parse(apiVersion, kind, []byte(raw), namespace)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := template.FirstPod()
	if err != nil {
		t.Fatal(err)
	}
	return &engine.WorkloadCase{Metadata: &template.Metadata, Workload: &template.Workload, Pod: pod}
}

// told is a scene of which something is told, and what its author then does as the
// message says: says is in it.
type told struct {
	reason plan.Reason
	says   string
	scene  scene
	does   edit
}

func allTold() []told {
	return slices.Concat(toldOfPods(), toldOfSearches(), toldOfServices(), toldOfWorkloads(), toldOfUpdates())
}

// asking is an object with an annotation of the mode and others, keys and values by
// turns, and the rest of its metadata.
func asking(kind, mode, metadata, spec string, others ...string) string {
	annotations := fmt.Sprintf("%q:%q", api.AnnotationMode, mode)
	for pair := range slices.Chunk(others, 2) {
		annotations += fmt.Sprintf(",%q:%q", pair[0], pair[1])
	}
	return kind + ` {"metadata":{` + metadata + `"annotations":{` + annotations + `}},"spec":` + spec + `}`
}

// The DNS of a cluster, as netmode may know it.
func knowsDNS(nodeSearches ...string) engine.Settings {
	return engine.Settings{Search: resolv.Settings{
		Facts:         resolv.Facts{Nameservers: []string{"10.96.0.10"}, Domain: "cluster.local", NodeSearches: nodeSearches},
		InitContainer: resolv.InitContainer{Image: "netmode:1"},
	}}
}

// Every cure that is printed, followed, ends what it is printed for, and brings no
// refusal.
func TestCuresOfWhatIsTold(t *testing.T) {
	for _, c := range allTold() {
		t.Run(string(c.reason)+" "+c.says, func(t *testing.T) {
			before := c.scene.decide(t)
			said := slices.ContainsFunc(before.Trace, func(f plan.Finding) bool {
				return f.Reason == c.reason && strings.Contains(before.Message(&f), c.says)
			})
			if !said || !strings.Contains(c.reason.Doc().Cure, c.says) {
				t.Fatalf("%q\nwant %s of %s in it", describeAll(before), c.says, c.reason)
			}
			c.does(t, &c.scene)
			if after := c.scene.decide(t); after.Has(c.reason) || after.Refused() {
				t.Errorf("the cure of %s: %s\nis followed, and this is told:\n%q", c.reason, c.says, describeAll(after))
			}
		})
	}
}
