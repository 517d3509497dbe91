package mode_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

const conflict = `refused GoverningServiceConflict metadata.annotations[netmode.io/service]: Invalid value: "nimbus": spec.subdomain is other: ` +
	"make netmode.io/service and subdomain (a StatefulSet's serviceName) equal, or remove the annotation"

const annotationField = "metadata.annotations[netmode.io/service]"

func notHeadless(field string) string {
	return "warned GoverningServiceClusterIP " + field + ": Service nimbus is not headless: " +
		"annotate the Service with the same mode when it is created, or create it anew with clusterIP: None"
}

func ofType(kind string) string {
	return "warned GoverningServiceType " + annotationField + ": Service nimbus is of type " + kind + ": " +
		"make a second Service with clusterIP: None and the same selector, and name that one (a StatefulSet must be created anew for that)"
}

func missing(field string) string {
	return "warned GoverningServiceMissing " + field + ": there is no Service nimbus in namespace storm: create it"
}

func mismatch(field string) string {
	return "warned GoverningServiceMismatch " + field + ": Service nimbus does not select the pod: make the Service's selector match the pod's labels"
}

// TestGoverningService holds both headless modes to one truth table: what the
// annotation, the subdomain and the Services of the namespace say, and which
// Service governs.
func TestGoverningService(t *testing.T) {
	const (
		derived   = "kept GoverningServiceDerived"
		nobody    = "refused GoverningServiceUnknown " + annotationField + ": Required value: the pod names no governing Service, and "
		nameIt    = ": name it with the annotation netmode.io/service on the pod template"
		noneThere = nobody + "no headless Service of namespace storm selects it" + nameIt
		several   = "refused GoverningServiceAmbiguous " + annotationField + ": Required value: the pod names no governing Service, and several headless Services select it: "
		nameOne   = ": name one with the annotation netmode.io/service on the pod template"

		selected = `"selector":{"app":"nimbus"}`
	)
	service := func(name, spec string) string { return `{"metadata":{"name":"` + name + `"},"spec":{` + spec + `}}` }
	asking := func(name, asked, spec string) string {
		return `{"metadata":{"name":"` + name + `","annotations":{"netmode.io/mode":"` + asked + `"}},"spec":{` + spec + `}}`
	}
	good := service("nimbus", `"clusterIP":"None",`+selected)
	for _, test := range []struct {
		name                  string
		annotation, subdomain string
		services              string
		governing             string
		want                  []string
	}{
		{"the annotation, and nobody knows the Services", "nimbus", "", "", "nimbus", []string{named}},
		{"the annotation, and the Service is good", "nimbus", "", `[` + good + `]`, "nimbus", []string{named}},
		{"the annotation goes before a Service that could be derived", "nimbus", "", `[` + service("other", `"clusterIP":"None",`+selected) + `,` + good + `]`, "nimbus", []string{named}},
		{"the annotation, and the Service is a NodePort", "nimbus", "", `[` + service("nimbus", `"type":"NodePort","clusterIP":"10.96.0.1",`+selected) + `]`, "nimbus", []string{named, ofType("NodePort")}},
		{"the annotation, and the Service is a LoadBalancer", "nimbus", "", `[` + service("nimbus", `"type":"LoadBalancer","clusterIP":"10.96.0.1",`+selected) + `]`, "nimbus", []string{named, ofType("LoadBalancer")}},
		{"the annotation, and the Service is an ExternalName that asks to be headless", "nimbus", "", `[` + asking("nimbus", "headless", `"type":"ExternalName",`+selected) + `]`, "nimbus", []string{named, ofType("ExternalName")}},
		{"annotation and subdomain agree", "nimbus", "nimbus", `[` + good + `]`, "nimbus", []string{named}},
		{"annotation and subdomain disagree", "nimbus", "other", `[` + good + `]`, "", []string{conflict}},
		{"they disagree, and nobody knows the Services", "nimbus", "other", "", "", []string{conflict}},
		{"the subdomain, and nobody knows the Services", "", "nimbus", "", "nimbus", []string{namedBySpec}},
		{"the subdomain, and the Service is good", "", "nimbus", `[` + good + `]`, "nimbus", []string{namedBySpec}},
		{"the subdomain goes before a Service that could be derived", "", "nimbus", `[` + good + `,` + service("other", `"clusterIP":"None",`+selected) + `]`, "nimbus", []string{namedBySpec}},
		{"a named Service is missing: it may come later", "nimbus", "", `[]`, "nimbus", []string{named, missing(annotationField)}},
		{"a subdomain's Service is missing", "", "nimbus", `[` + service("other", `"clusterIP":"None",`+selected) + `]`, "nimbus", []string{namedBySpec, missing("spec.subdomain")}},
		{"a named Service has a cluster IP", "nimbus", "", `[` + service("nimbus", `"clusterIP":"10.96.0.7",`+selected) + `]`, "nimbus", []string{named, notHeadless(annotationField)}},
		{"a named Service has none yet, and does not ask", "nimbus", "", `[` + service("nimbus", selected) + `]`, "nimbus", []string{named, notHeadless(annotationField)}},
		{"a named Service asks to be headless", "nimbus", "", `[` + asking("nimbus", "statefulset-headless", selected) + `]`, "nimbus", []string{named}},
		{"a named Service asked too late", "", "nimbus", `[` + asking("nimbus", "headless", `"clusterIP":"10.96.0.7",`+selected) + `]`, "nimbus", []string{namedBySpec, notHeadless("spec.subdomain")}},
		{"a named Service asks for another mode", "nimbus", "", `[` + asking("nimbus", "hostnetwork", selected) + `]`, "nimbus", []string{named, notHeadless(annotationField)}},
		{"a named Service does not select the pod", "nimbus", "", `[` + service("nimbus", `"clusterIP":"None","selector":{"app":"nimbus","tier":"x"}`) + `]`, "nimbus", []string{named, mismatch(annotationField)}},
		{"a named Service has no selector", "", "nimbus", `[` + service("nimbus", `"clusterIP":"None"`) + `]`, "nimbus", []string{namedBySpec, mismatch("spec.subdomain")}},
		{"a named Service is wrong twice", "nimbus", "", `[` + service("nimbus", `"clusterIP":"10.96.0.7"`) + `]`, "nimbus", []string{named, notHeadless(annotationField), mismatch(annotationField)}},
		{"the one headless Service that selects the pod", "", "", `[` + good + `]`, "nimbus", []string{derived}},
		{"one that asks to be headless", "", "", `[` + asking("nimbus", "headless", selected) + `]`, "nimbus", []string{derived}},
		{"a cluster IP and others' pods do not count", "", "",
			`[` + service("a", `"clusterIP":"10.96.0.7",`+selected) + `,` + service("b", `"clusterIP":"None","selector":{"app":"other"}`) + `,` + good + `]`, "nimbus", []string{derived}},
		{"a selector is never derived from a part of it", "", "", `[` + service("b", `"clusterIP":"None","selector":{"app":"nimbus","tier":"x"}`) + `]`, "", []string{noneThere}},
		{"a Service without selector is never derived", "", "", `[` + service("nimbus", `"clusterIP":"None"`) + `]`, "", []string{noneThere}},
		{"nor one with an empty selector", "", "", `[` + service("nimbus", `"clusterIP":"None","selector":{}`) + `,` + service("b", `"clusterIP":"None","selector":null`) + `]`, "", []string{noneThere}},
		{"nor one that asked too late", "", "", `[` + asking("nimbus", "headless", `"clusterIP":"10.96.0.7",`+selected) + `]`, "", []string{noneThere}},
		{"nor one that has no name yet", "", "", `[{"metadata":{"generateName":"nimbus-"},"spec":{"clusterIP":"None",` + selected + `}}]`, "", []string{noneThere}},
		{"several could be meant: they are named in order", "", "",
			`[` + service("zeta", `"clusterIP":"None",`+selected) + `,` + asking("beta", "headless", selected) + `,` + good + `]`, "", []string{several + "beta, nimbus, zeta" + nameOne}},
		{"no Service at all", "", "", `[]`, "", []string{noneThere}},
		{"nobody knows the Services", "", "", "", "", []string{nobody + "there is no cluster to look for one" + nameIt}},
	} {
		for _, name := range []api.Mode{api.ModeHeadless, api.ModeStatefulSetHeadless} {
			t.Run(string(name)+"/"+test.name, func(t *testing.T) {
				metadata := `{"name":"nimbus-0","labels":{"app":"nimbus"}}`
				if test.annotation != "" {
					metadata = `{"name":"nimbus-0","labels":{"app":"nimbus"},"annotations":{"netmode.io/service":"` + test.annotation + `"}}`
				}
				spec := `{"subdomain":"` + test.subdomain + `",` + onePort + `}`
				row := podRow{services: test.services}
				p := row.decide(t, find(t, name), object("Pod", metadata, spec))
				if p.Service != test.governing {
					t.Errorf("governing Service %q, want %q", p.Service, test.governing)
				}
				checkRule(t, p, "governing Service", test.want)
				checkGoverned(t, p, test.governing)
			})
		}
	}
}

// At a template that asks for the mode a Service may still come. An inherited
// mode that cannot serve the pods is set aside by its refusal.
func TestGoverningServiceOfTemplate(t *testing.T) {
	const nameIt = ": the pod names no governing Service, and "
	several := `[{"metadata":{"name":"a"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"}}},{"metadata":{"name":"b"},"spec":{"clusterIP":"None","selector":{"app":"nimbus"}}}]`
	for _, name := range []api.Mode{api.ModeHeadless, api.ModeStatefulSetHeadless} {
		for services, want := range map[string]string{
			"":      "warned GoverningServiceUnknown " + annotationField + nameIt + "there is no cluster to look for one",
			"[]":    "warned GoverningServiceUnknown " + annotationField + nameIt + "no headless Service of namespace storm selects it",
			several: "warned GoverningServiceAmbiguous " + annotationField + nameIt + "several headless Services select it: a, b",
		} {
			row := podRow{services: services, workload: &workload.Workload{Kind: "StatefulSet"}}
			raw := object("Pod", `{"name":"nimbus-0","labels":{"app":"nimbus"}}`, `{"hostname":"nimbus-0",`+onePort+`}`)
			p := row.decide(t, find(t, name), raw)
			if got := describeAll(p); p.Refused() || p.Changes() || !strings.HasPrefix(got[0], want) {
				t.Errorf("%s: changes %v, %q\nwant %s", name, p.Mutations, got, want)
			}
		}
	}
}

// The author of a StatefulSet writes serviceName.
func TestConflictNamesTheAuthorsField(t *testing.T) {
	row := podRow{services: "[]", workload: &workload.Workload{Kind: "StatefulSet", SubdomainField: "spec.serviceName"}}
	raw := object("Pod", `{"name":"nimbus-0","annotations":{"netmode.io/service":"nimbus"}}`, `{"subdomain":"other",`+onePort+`}`)
	got := row.decide(t, find(t, api.ModeStatefulSetHeadless), raw).Denial()
	if want := strings.Replace(strings.TrimPrefix(conflict, "refused GoverningServiceConflict "), "spec.subdomain", "spec.serviceName", 1); got != want+" (GoverningServiceConflict)" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// checkRule compares the findings of one rule.
func checkRule(t *testing.T, p *plan.Plan, rule string, want []string) {
	t.Helper()
	var got []string
	for _, f := range p.Trace {
		if f.Rule == rule {
			got = append(got, describe(p, &f))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// checkGoverned demands that no name is derived from a Service that was not
// found, and that nothing else hides the refusal.
func checkGoverned(t *testing.T, p *plan.Plan, governing string) {
	t.Helper()
	if p.Refused() != (governing == "") {
		t.Errorf("refused: %v, want %v: %s", p.Refused(), governing == "", p.Denial())
	}
	for _, m := range p.Mutations {
		if m.Pointer == "/spec/subdomain" && m.Value != governing {
			t.Errorf("subdomain becomes %v, want %q", m.Value, governing)
		}
		if governing == "" && m.Pointer != "/spec/hostname" {
			t.Errorf("without a governing Service %s is set", m.Pointer)
		}
	}
}

// TestNamelessService asks about a pod for which no governing Service was
// found, beside a Service that has no name yet: there is nothing to compare.
func TestNamelessService(t *testing.T) {
	row := podRow{services: `[{"metadata":{"generateName":"x-"},"spec":{"clusterIP":"None","ports":[{"port":80,"targetPort":"p"}]}}]`}
	raw := object("Pod", "", `{"containers":[{"name":"a","ports":[{"name":"p","containerPort":81}]}]}`)
	p := row.decide(t, find(t, api.ModeHeadless), raw)
	if warned := p.Findings(plan.Warned); len(warned) > 0 {
		t.Errorf("warned about a Service that does not govern: %v", warned)
	}
}

var _ mode.Snapshot = neighbours{}
