package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

const namespace = "storm"

// snapshot is a cluster: the Services of the namespace, where they are known, and
// the labels of every Namespace. Without labels, it sends its pods to policies.
type snapshot struct {
	daemonSets []api.Pod
	services   []api.Service
	known      bool
	labels     map[string]string
	policies   policy.Set
	// annotated says that the Namespaces have the annotation netmode.io/mode.
	annotated bool
}

func (a *snapshot) Services(string) ([]api.Service, bool) { return a.services, a.known }

func (a *snapshot) Namespace(string) (api.Namespace, bool) {
	if a.labels == nil && len(a.policies.Policies()) > 0 {
		return api.Namespace{Labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}}, true
	}
	ns := api.Namespace{Labels: a.labels}
	if a.annotated {
		ns.Annotations = map[string]string{api.AnnotationMode: ""}
	}
	return ns, a.labels != nil
}

// DaemonSets are those of manifests.
func (a *snapshot) DaemonSets(string) []api.Pod { return a.daemonSets }

func (a *snapshot) Policies(string) policy.Set { return a.policies }

func decode[T any](t testing.TB, raw []byte) *T {
	t.Helper()
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

func settings() *engine.Settings {
	return &engine.Settings{ExemptNamespaces: []string{"kube-system", "netmode"}, SystemNamespaces: []string{"calico-system"}}
}

// describe is a finding with its verdict, reason, field and, where a person
// reads it, the whole text.
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

func wantFindings(t *testing.T, p *plan.Plan, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, describeAll(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// patchOf is the patch that a webhook would answer with; "" is none.
func patchOf(t testing.TB, raw []byte, p *plan.Plan) string {
	t.Helper()
	if !p.Changes() {
		return ""
	}
	operations, err := patch.Build(raw, p.Mutations)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := patch.Encode(operations)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func decidePod(t testing.TB, raw string, cluster *snapshot) *plan.Plan {
	t.Helper()
	return engine.Decide(engine.Request{Settings: settings(), Snapshot: cluster, Namespace: namespace, Object: decode[api.Pod](t, []byte(raw)), Judge: true})
}

func decideService(t testing.TB, raw string) *plan.Plan {
	t.Helper()
	return engine.Decide(engine.Request{Settings: settings(), Snapshot: engine.EmptySnapshot{}, Namespace: namespace, Object: decode[api.Service](t, []byte(raw)), Judge: true})
}

// annotated is an object with annotations, a list of keys and values by turns.
func annotated(spec string, keysAndValues ...string) string {
	var members []string
	for pair := range slices.Chunk(keysAndValues, 2) {
		members = append(members, fmt.Sprintf("%q:%q", pair[0], pair[1]))
	}
	return `{"metadata":{"name":"nimbus","labels":{"app":"nimbus"},"annotations":{` + strings.Join(members, ",") + `}},"spec":` + spec + `}`
}
