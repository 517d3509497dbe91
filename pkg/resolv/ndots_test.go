package resolv_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// ndotsWarnings are those about ndots.
func ndotsWarnings(p *plan.Plan) []string {
	var all []string
	for _, f := range p.Findings(plan.Warned) {
		if f.Reason == plan.SearchNdots {
			all = append(all, p.Message(&f))
		}
	}
	return all
}

func TestNdots(t *testing.T) {
	const (
		cure = ": set ndots to 5, or remove it (SearchNdots)"
		zero = " keeps images with musl (Alpine) from searching peers' short names, and has others ask for them as they are first" + cure
		word = " is no number, and each resolver makes something else of it" + cure
	)
	at := func(index int, value, why string) []string {
		return []string{fmt.Sprintf("spec.dnsConfig.options[%d].value: %q%s", index, value, why)}
	}
	for _, tt := range []struct {
		options string
		want    []string
	}{
		{`null`, nil},
		{`[]`, nil},
		{`[{"name":"rotate"}]`, nil},
		{`[{"name":"ndots","value":"0"}]`, at(0, "0", zero)},
		{`[{"name":"edns0"},{"name":"ndots","value":"00"}]`, at(1, "00", zero)},
		{`[{"name":"ndots","value":"1"}]`, nil},
		{`[{"name":"ndots","value":"5"}]`, nil},
		{`[{"name":"ndots","value":"10"}]`, nil},
		{`[{"name":"ndots","value":"99"}]`, nil},
		{`[{"name":"ndots","value":"-1"}]`, at(0, "-1", word)},
		{`[{"name":"ndots","value":"five"}]`, at(0, "five", word)},
		{`[{"name":"ndots","value":" 5"}]`, at(0, " 5", word)},
		{`[{"name":"ndots","value":"0x5"}]`, at(0, "0x5", word)},
		{`[{"name":"ndots"}]`, nil},
		{`[{"name":"ndots","value":null}]`, nil},
		{`[{"name":"ndots","value":""}]`, nil},
		{`[{"name":"timeout","value":"0"}]`, nil},
		{`[{"name":"ndots","value":"0"},{"name":"ndots","value":"5"}]`, nil},
		{`[{"name":"ndots","value":"5"},{"name":"rotate"},{"name":"ndots","value":"0"},{"name":"edns0"}]`, at(2, "0", zero)},
	} {
		spec := `{"containers":[{"name":"main"}],"dnsConfig":{"options":` + tt.options + `}}`
		for _, asked := range append(api.SearchRewrites(), "") {
			c := rewriteCase{spec: spec, asked: asked, settings: resolv.Settings{Facts: facts["known"], InitContainer: resolv.InitContainer{Image: "netmode:1"}}}
			want := tt.want
			if asked == api.SearchNone {
				want = nil
			}
			p, patched := c.run(t)
			if diff := cmp.Diff(want, ndotsWarnings(p)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", asked, tt.options, diff)
			}
			// It stays so in a pod that is rewritten already, as by render.
			c.spec, c.written = patched, p.Strategy
			again, _ := c.run(t)
			if diff := cmp.Diff(want, ndotsWarnings(again)); diff != "" {
				t.Errorf("%s %s, again (-want +got):\n%s", asked, tt.options, diff)
			}
		}
	}
}
