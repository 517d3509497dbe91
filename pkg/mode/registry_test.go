package mode_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
)

// fixtures are the rows of every mode. A mode without an entry fails.
func fixtures() map[api.Mode]struct {
	pods     []podRow
	services []serviceRow
} {
	return map[api.Mode]struct {
		pods     []podRow
		services []serviceRow
	}{
		api.ModeDefault:             {defaultPods(), defaultServices()},
		api.ModeHostNetwork:         {slices.Concat(hostNetworkPods(), hostNetworkPodPorts(), hostNetworkPodMeshes(), hostNetworkPodNames(), hostNetworkNames(), reverseNamePods()), hostNetworkServices()},
		api.ModeHeadless:            {append(headlessPods(), reverseNamePods()...), headlessServices()},
		api.ModeStatefulSetHeadless: {slices.Concat(statefulSetHeadlessPods(), statefulSetHeadlessPodNames(), statefulSetHeadlessOnHost(), hostnameEnvPods(), waitRows(), reverseNamePods()), statefulSetHeadlessServices()},
	}
}

// TestModesAreRegistered compares the registry with the vocabulary, both ways
// and in order: documentation is made from either.
func TestModesAreRegistered(t *testing.T) {
	var names []api.Mode
	for _, m := range mode.Modes() {
		names = append(names, m.Name)
		for _, cell := range []string{m.Summary, m.OnPod, m.OnService} {
			if cell == "" || strings.HasSuffix(cell, ".") || strings.ContainsAny(cell, "|\n") {
				t.Errorf("mode %s: the cell of a table must be one line without a full stop: %q", m.Name, cell)
			}
		}
		if found, ok := mode.Find(m.Name); !ok || found.Name != m.Name {
			t.Errorf("Find(%s) = %s, %v", m.Name, found.Name, ok)
		}
	}
	if !slices.Equal(names, api.Modes()) {
		t.Errorf("registered are %v, and the vocabulary has %v", names, api.Modes())
	}
	for _, unknown := range []api.Mode{"", "Headless", "hostnet"} {
		if m, ok := mode.Find(unknown); ok {
			t.Errorf("Find(%q) = %s", unknown, m.Name)
		}
	}
}

// TestPromises finds a mode that changes something and promises nothing, and one whose
// Services the vocabulary knows otherwise.
func TestPromises(t *testing.T) {
	variables := map[string]bool{}
	for _, m := range mode.Modes() {
		p := m.Promise
		if (m.Applied != nil) != (len(p.Pod) > 0) || (len(p.Pod) > 0) != (p.Variable != "") {
			t.Errorf("mode %s writes something: %v, and holds %d things of a Pod with the variable %q", m.Name, m.Applied != nil, len(p.Pod), p.Variable)
		}
		if headless := len(p.Service) > 0; headless != m.Name.Headless() || p.Publishes && !headless {
			t.Errorf("mode %s: headless %v, and it holds %d things of a Service", m.Name, m.Name.Headless(), len(p.Service))
		}
		if p.Variable != "" && variables[p.Variable] {
			t.Errorf("mode %s: another has the variable %s", m.Name, p.Variable)
		}
		variables[p.Variable] = true
		for _, h := range append(p.Pod, p.Service...) {
			if !strings.HasPrefix(h.Message, "spec") || !strings.HasSuffix(h.Message, ")") {
				t.Errorf("mode %s: the message begins with the field and ends with a reason: %+v", m.Name, h)
			}
		}
	}
}

// TestStatusBegins compares what CEL reads with what is written.
func TestStatusBegins(t *testing.T) {
	for _, m := range mode.Modes() {
		for _, source := range []plan.Source{plan.SourceAnnotation, plan.SourceNamespace, plan.SourcePolicy} {
			status := engine.Status{Mode: m.Name, Source: source, Policy: "p", Service: "s"}.String()
			if begins := mode.StatusBegins(string(m.Name), source); !strings.HasPrefix(status, begins+",") {
				t.Errorf("%s does not begin with %s", status, begins)
			}
		}
	}
}

func TestModesReturnsACopy(t *testing.T) {
	modes := mode.Modes()
	modes[0].Name = "changed"
	if got := mode.Modes()[0].Name; got == "changed" {
		t.Error("a caller can change the registry")
	}
}

func TestRulesAreNamed(t *testing.T) {
	for _, m := range mode.Modes() {
		pods, services := names(m)
		if len(pods) == 0 || len(services) == 0 {
			t.Errorf("mode %s: %d rules for Pods and %d for Services: it must say something about both", m.Name, len(pods), len(services))
		}
		for _, list := range [][]string{pods, services} {
			for i, name := range list {
				if name == "" || strings.TrimSpace(name) != name {
					t.Errorf("mode %s: rule %d has no good name: %q", m.Name, i, name)
				}
				if slices.Contains(list[:i], name) {
					t.Errorf("mode %s: two rules are called %q", m.Name, name)
				}
			}
		}
	}
}

func names(m mode.Mode) (pods, services []string) {
	for _, r := range m.PodRules {
		pods = append(pods, r.Name)
	}
	for _, r := range m.ServiceRules {
		services = append(services, r.Name)
	}
	return pods, services
}

// TestModesUseKnownAnnotations finds a misspelt key, and one that means
// something to no mode.
func TestModesUseKnownAnnotations(t *testing.T) {
	used := []string{api.AnnotationMode}
	for _, m := range mode.Modes() {
		for _, key := range slices.Concat(m.PodAnnotations, m.ServiceAnnotations) {
			if !slices.Contains(api.AuthorAnnotations(), key) {
				t.Errorf("mode %s uses %s, which is no annotation of an author", m.Name, key)
			}
			used = append(used, key)
		}
	}
	for _, key := range api.AuthorAnnotations() {
		if !slices.Contains(used, key) {
			t.Errorf("%s means something to no mode", key)
		}
	}
}

// seen is what the rows of one mode, or one rule, have shown.
type seen map[plan.Verdict]bool

// TestEveryModeHasFixtures demands of every mode rows that change, keep and
// refuse, and of every rule a row where it finds something and one where it
// passes. An exception that no longer holds fails, too.
func TestEveryModeHasFixtures(t *testing.T) {
	never := map[api.Mode][]plan.Verdict{
		api.ModeDefault: {plan.Changed, plan.Refused}, // it opts out
	}
	all := fixtures()
	for name := range all {
		if !slices.Contains(api.Modes(), name) {
			t.Errorf("fixtures of %s, which is no mode", name)
		}
	}
	for _, m := range mode.Modes() {
		rows, ok := all[m.Name]
		if !ok {
			t.Errorf("mode %s has no fixtures", m.Name)
			continue
		}
		verdicts, rules := seen{}, map[string]seen{}
		for i := range rows.pods {
			look(rows.pods[i].decide(t, m, object("Pod", rows.pods[i].metadata, rows.pods[i].spec)), "Pod", verdicts, rules)
		}
		for i := range rows.services {
			look(rows.services[i].decide(t, m, object("Service", rows.services[i].metadata, rows.services[i].spec)), "Service", verdicts, rules)
		}
		for _, v := range []plan.Verdict{plan.Changed, plan.Kept, plan.Refused} {
			if want := !slices.Contains(never[m.Name], v); verdicts[v] != want {
				t.Errorf("mode %s: a row with the verdict %s: %v, want %v", m.Name, v, verdicts[v], want)
			}
		}
		pods, services := names(m)
		for kind, list := range map[string][]string{"Pod": pods, "Service": services} {
			for _, rule := range list {
				checkRuleSeen(t, m.Name, kind, rule, rules[kind+"/"+rule])
			}
		}
	}
}

// checkRuleSeen knows the rules that always find something.
func checkRuleSeen(t *testing.T, name api.Mode, kind, rule string, got seen) {
	t.Helper()
	always := map[api.Mode][]string{
		api.ModeDefault:             {"Pod/opt out", "Service/opt out"},
		api.ModeHostNetwork:         {"Pod/governing Service", "Pod/hostname", "Pod/search rewrite", "Pod/hostname(1)", "Service/Service"},
		api.ModeHeadless:            {"Pod/governing Service"},
		api.ModeStatefulSetHeadless: {"Pod/governing Service", "Pod/hostname", "Pod/hostname(1)"},
	}
	finds := got[plan.Changed] || got[plan.Kept] || got[plan.Warned] || got[plan.Refused]
	if !finds {
		t.Errorf("mode %s, %s: no row where the rule %q finds something", name, kind, rule)
	}
	if want := !slices.Contains(always[name], kind+"/"+rule); got[plan.Passed] != want {
		t.Errorf("mode %s, %s: a row that the rule %q passes: %v, want %v", name, kind, rule, got[plan.Passed], want)
	}
}

func look(p *plan.Plan, kind string, verdicts seen, rules map[string]seen) {
	for _, f := range p.Trace {
		verdicts[f.Verdict] = true
		key := kind + "/" + f.Rule
		if rules[key] == nil {
			rules[key] = seen{}
		}
		rules[key][f.Verdict] = true
	}
}
