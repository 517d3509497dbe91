package mode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/workload"
)

// namespace is where every object of the rows lives.
const namespace = "storm"

// podRow is one line of a mode's contract, on one Pod.
type podRow struct {
	// line says which promise the row holds the mode to.
	line string
	// metadata and spec are the Pod's, in JSON. The mode's annotation is not
	// needed: the row's list says which mode runs.
	metadata, spec string
	// services are those of the namespace, a JSON list; "" means that nobody knows.
	services        string
	namespaceLabels map[string]string
	// namespaceAnnotations are those of the namespace; it is known either way.
	namespaceAnnotations map[string]string
	workload             *workload.Workload
	uid                  string
	search               resolv.Settings
	// patch is the whole JSON Patch; "" is none.
	patch string
	// want is every finding but those that passed, in order; see describe.
	want []string
}

// serviceRow is one line of a mode's contract, on one Service.
type serviceRow struct {
	line           string
	metadata, spec string
	// services are those of podRow.
	services string
	patch    string
	want     []string
}

// describe is a finding with all that a row checks: verdict, reason, field,
// and the whole text of what a person reads.
func describe(p *plan.Plan, f *plan.Finding) string {
	s := strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Verdict, f.Reason, f.Path()))
	if f.Verdict == plan.Warned || f.Verdict == plan.Refused {
		s += ": " + p.Text(f)
	}
	return s
}

func describeAll(p *plan.Plan) []string {
	var all []string
	for _, f := range p.Trace {
		if f.Verdict != plan.Passed {
			all = append(all, describe(p, &f))
		}
	}
	return all
}

// neighbours is a cluster that knows one namespace, and maybe its Services.
type neighbours struct {
	services  []api.Service
	known     bool
	namespace api.Namespace
}

func (n neighbours) Services(in string) ([]api.Service, bool) {
	if in != namespace {
		return nil, false
	}
	return n.services, n.known
}

func (n neighbours) Namespace(name string) (api.Namespace, bool) {
	if name != namespace {
		return api.Namespace{}, false
	}
	return n.namespace, true
}

// around is a cluster with these Services; "" is one of which nothing is known.
func around(t testing.TB, services string) neighbours {
	t.Helper()
	if services == "" {
		return neighbours{}
	}
	return neighbours{services: decode[[]api.Service](t, services), known: true}
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func object(kind, metadata, spec string) string {
	if metadata == "" {
		metadata = `{"name":"web"}`
	}
	return `{"apiVersion":"v1","kind":"` + kind + `","metadata":` + metadata + `,"spec":` + spec + `}`
}

func asks(t testing.TB, meta api.ObjectMeta) api.Intent {
	t.Helper()
	intent, errs := api.ParseAnnotations(meta.Annotations, field.NewPath("metadata", "annotations"))
	if len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	return intent
}

func find(t testing.TB, name api.Mode) mode.Mode {
	t.Helper()
	m, ok := mode.Find(name)
	if !ok {
		t.Fatalf("mode %s is not registered", name)
	}
	return m
}

func (row *podRow) decide(t testing.TB, m mode.Mode, raw string) *plan.Plan {
	t.Helper()
	pod := decode[api.Pod](t, raw)
	cluster := around(t, row.services)
	cluster.namespace = api.Namespace{Labels: row.namespaceLabels, Annotations: row.namespaceAnnotations}
	p := &plan.Plan{Mode: m.Name, Source: plan.SourceAnnotation}
	m.CheckPod(&mode.PodCase{
		Pod:             &pod,
		Namespace:       namespace,
		NamespaceLabels: row.namespaceLabels,
		Intent:          asks(t, pod.Metadata),
		UID:             row.uid,
		Workload:        row.workload,
		Snapshot:        cluster,
		Search:          &row.search,
		Plan:            p,
	})
	return p
}

func (row *serviceRow) decide(t testing.TB, m mode.Mode, raw string) *plan.Plan {
	t.Helper()
	service := decode[api.Service](t, raw)
	p := &plan.Plan{Mode: m.Name}
	m.CheckService(&mode.ServiceCase{Service: &service, Namespace: namespace, Intent: asks(t, service.Metadata), Snapshot: around(t, row.services), Plan: p})
	return p
}

func runPodRows(t *testing.T, name api.Mode, rows []podRow) {
	m := find(t, name)
	for i := range rows {
		row := &rows[i]
		t.Run(row.line, func(t *testing.T) {
			raw := object("Pod", row.metadata, row.spec)
			p := row.decide(t, m, raw)
			judge(t, p, row.patch, row.want, raw, func(again string) *plan.Plan { return row.decide(t, m, again) })
		})
	}
}

func runServiceRows(t *testing.T, name api.Mode, rows []serviceRow) {
	m := find(t, name)
	for i := range rows {
		row := &rows[i]
		t.Run(row.line, func(t *testing.T) {
			raw := object("Service", row.metadata, row.spec)
			p := row.decide(t, m, raw)
			judge(t, p, row.patch, row.want, raw, func(again string) *plan.Plan { return row.decide(t, m, again) })
		})
	}
}

// applied is the object as the plan makes it.
func applied(t *testing.T, raw string, p *plan.Plan) string {
	t.Helper()
	operations, err := patch.Build([]byte(raw), p.Mutations)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := patch.Apply([]byte(raw), operations)
	if err != nil {
		t.Fatal(err)
	}
	return string(patched)
}

// judge compares a plan with what a row wants, and asks for the plan of the
// patched object, which must change nothing.
func judge(t *testing.T, p *plan.Plan, wantPatch string, want []string, raw string, again func(string) *plan.Plan) {
	t.Helper()
	if diff := cmp.Diff(want, describeAll(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	refused := slices.ContainsFunc(want, isRefusal)
	if p.Refused() != refused {
		t.Errorf("refused: %v, want %v", p.Refused(), refused)
	}
	if !p.Changes() {
		if wantPatch != "" {
			t.Errorf("changes nothing, want %s", wantPatch)
		}
		return
	}
	operations, err := patch.Build([]byte(raw), p.Mutations)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := patch.Encode(operations)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantPatch, string(encoded)); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
	if second := again(applied(t, raw, p)); len(second.Mutations) > 0 || second.Refused() {
		t.Errorf("the patched object is changed again or refused: %v\n%v", second.Mutations, describeAll(second))
	}
}
