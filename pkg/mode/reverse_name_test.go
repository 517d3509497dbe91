package mode_test

import (
	"slices"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

const oneHeadless = ": have one headless Service select the pods"

// service is one of a list, in JSON.
func service(name, spec string) string {
	return `{"metadata":{"name":"` + name + `"},"spec":{` + spec + `}}`
}

// reverseNamePods are served already, in any mode, but for the names that Services give
// them back.
func reverseNamePods() []podRow {
	const (
		metadata = `{"name":"nimbus","labels":{"app":"nimbus","tier":"x"},"annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"none"}}`
		none     = `"clusterIP":"None",`
	)
	return []podRow{{line: "headless Services beside the governing one", metadata: metadata,
		spec: `{"hostNetwork":true,"hostname":"nimbus","subdomain":"nimbus","dnsPolicy":"ClusterFirstWithHostNet",` + withEnv(`{"name":"NETMODE_HOSTNAME","value":"nimbus"}`) + `}`,
		services: `[` + service("web", selected) + `,` + service("b", none+`"selector":{"tier":"x"}`) + `,` + service("a", none+selected) + `,` +
			service("nimbus", none+selected) + `,` + service("c", none+`"selector":{"app":"other"}`) + `,` + service("", none+selected) + `]`}}
}

func TestReverseName(t *testing.T) {
	const warned = "warned ReverseNames metadata.labels: headless Services select the pod beside nimbus: a, b" + oneHeadless
	row := reverseNamePods()[0]
	off := row
	off.spec = `{"hostname":"nimbus","subdomain":"nimbus",` + onePort + `}`
	unlabelled := row
	unlabelled.metadata = `{"name":"nimbus","labels":{"tier":"x"},"annotations":{"netmode.io/service":"nimbus","netmode.io/search-rewrite":"none"}}`
	for _, tt := range []struct {
		mode api.Mode
		row  podRow
		says string
		warn bool
	}{
		{api.ModeHeadless, off, "a reverse look-up of the pod's address gives its name in Service nimbus, and one of the address itself in a, b, web", true},
		{api.ModeStatefulSetHeadless, off, "a reverse look-up of the pod's address gives its name in Service nimbus, and one of the address itself in a, b, web", true},
		{api.ModeHostNetwork, row, "a reverse look-up of the node's address, which all pods on the host network share, gives its name in Service nimbus, and one of the address itself in a, b, web", true},
		{api.ModeStatefulSetHeadless, unlabelled, "", false}, // one Service selects it, and it is not the governing one
	} {
		p := tt.row.decide(t, find(t, tt.mode), object("Pod", tt.row.metadata, tt.row.spec))
		says := ""
		for _, f := range p.Findings(plan.Passed) {
			if f.Rule == "reverse name" {
				says = f.Detail
			}
		}
		if says != tt.says || slices.Contains(describeAll(p), warned) != tt.warn {
			t.Errorf("mode %s says %q\n%q", tt.mode, says, describeAll(p))
		}
	}
	// The cure: one headless Service.
	off.services = `[` + service("web", selected) + `,` + service("nimbus", `"clusterIP":"None",`+selected) + `]`
	if p := off.decide(t, find(t, api.ModeHeadless), object("Pod", off.metadata, off.spec)); p.Has(plan.ReverseNames) {
		t.Errorf("with one: %q", describeAll(p))
	}
}

// reverseNameServices are Services beside others.
func reverseNameServices() []serviceRow {
	row := func(line, selector, others string, names string) serviceRow {
		r := serviceRow{line: line, spec: `{"selector":` + selector + `}`, services: `[` + others + `]`, patch: `[` + setClusterIP + `]`, want: []string{clusterIPNone}}
		if names != "" {
			r.want = append(r.want, "warned ReverseNames spec.selector: headless Services select pods of this one, too: "+names+oneHeadless)
		}
		return r
	}
	const app, both = `{"app":"nimbus"}`, `{"app":"nimbus","tier":"x"}`
	headless := func(name, selector string) string { return service(name, `"clusterIP":"None","selector":`+selector) }
	asking := `{"metadata":{"name":"z","annotations":{"netmode.io/mode":"headless"}},"spec":{"selector":` + app + `}}`
	return []serviceRow{
		row("another of the same selector", app, headless("b", app)+`,`+headless("a", app), "a, b"),
		row("one that is to be headless", app, asking, "z"),
		row("one that selects more", both, headless("a", app), "a"),
		row("one that selects fewer", app, headless("a", both), "a"),
		row("one that selects others", both, headless("a", `{"app":"nimbus","tier":"y"}`), ""),
		row("one that may select some", `{"tier":"x"}`, headless("a", app), ""),
		row("one that selects nothing", app, headless("a", `{}`)+`,`+headless("b", `null`), ""),
		row("one with a cluster IP", app, service("a", `"clusterIP":"10.96.0.7",`+selected), ""),
		row("itself, and one without a name", app, headless("web", app)+`,`+headless("", app), ""),
	}
}
