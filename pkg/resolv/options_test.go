package resolv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// givenOptions are those of the policy platform, each "name" or "name:value".
func givenOptions(options ...string) resolv.GivenOptions {
	all := resolv.GivenOptions{Policy: "platform"}
	for _, o := range options {
		name, value, _ := strings.Cut(o, ":")
		all.Options = append(all.Options, api.ResolverOption{Name: api.ResolverOptionName(name), Value: value})
	}
	return all
}

// TestGiveOptions: a policy fills in what the pod leaves unset, in every strategy, and
// tells of each by its name.
func TestGiveOptions(t *testing.T) {
	const cluster, none = `"dnsPolicy":"ClusterFirst",`, `"dnsPolicy":"None",`
	for _, tt := range []struct {
		asked       api.SearchRewrite
		policy, own string
		given       resolv.GivenOptions
		want        string // the pod's options then
		told        int
	}{
		{"prepend", cluster, `null`, givenOptions(), "ndots:5", 0},
		{"prepend", cluster, `null`, givenOptions("ndots:2"), "ndots:2", 1},
		{"prepend", cluster, `{"searches":["own.example"]}`, givenOptions("ndots:2", "rotate"), "ndots:2 rotate", 2},
		{"prepend", cluster, `null`, givenOptions("rotate", "timeout:1"), "ndots:5 rotate timeout:1", 2},
		{"prepend", cluster, `{"options":[{"name":"ndots","value":"3"},{"name":"edns0"}]}`, givenOptions("ndots:2", "timeout:1"), "ndots:3 edns0 timeout:1", 1},
		{"prepend", cluster, `{"options":[{"name":"edns0"}]}`, givenOptions("timeout:1"), "edns0 ndots:5 timeout:1", 1},
		{"prepend", none, `{"nameservers":["192.0.2.53"]}`, givenOptions("ndots:2"), "ndots:2", 1},
		{"prepend", none, `{"nameservers":["192.0.2.53"],"options":[{"name":"rotate"}]}`, givenOptions("rotate"), "rotate", 0},
		{"append", cluster, `null`, givenOptions("ndots:2"), "ndots:2", 1},
		{"init-container", cluster, `{}`, givenOptions("ndots:2"), "ndots:2", 1},
		{"post-start", cluster, `{"options":null}`, givenOptions("ndots:2"), "ndots:2", 1},
		{"none", cluster, `null`, givenOptions("ndots:2"), "ndots:2", 1},
		{"append", cluster, `{"options":[{"name":"single-request-reopen"}]}`, givenOptions("single-request", "ndots:2"), "single-request-reopen ndots:2", 1},
		{"append", cluster, `{"options":[{"name":"single-request"}]}`, givenOptions("single-request-reopen"), "single-request", 0},
		{"append", cluster, `null`, givenOptions("single-request", "single-request-reopen"), "single-request single-request-reopen", 2},
	} {
		t.Run(fmt.Sprintf("%s, %s%s, given %v", tt.asked, tt.policy, tt.own, tt.given.Options), func(t *testing.T) {
			c := rewriteCase{spec: `{` + tt.policy + `"dnsConfig":` + tt.own + `,"containers":[{"name":"main"}]}`, asked: tt.asked, options: tt.given,
				settings: resolv.Settings{Facts: facts["known"], InitContainer: withImage}}
			p, spec := c.run(t)
			var pod api.PodSpec
			if err := json.Unmarshal([]byte(spec), &pod); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range pod.DNSConfig.Options {
				if o.Value != nil {
					o.Name += ":" + *o.Value
				}
				got = append(got, o.Name)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			told := 0
			for _, f := range p.Trace {
				if f.Reason == plan.ResolverOption {
					told++
					if !strings.HasSuffix(p.Message(&f), ", which policy platform gives (ResolverOption)") || f.Verdict != plan.Changed {
						t.Errorf("told %s", p.Message(&f))
					}
				}
			}
			if told != tt.told {
				t.Errorf("%d options are told of, want %d", told, tt.told)
			}
			checkIdempotence(t, c, p, spec)
			c.spec, c.written, c.options = spec, p.Strategy, resolv.GivenOptions{} // the policy went
			if p, _ := c.run(t); len(p.Mutations) > 0 {
				t.Errorf("without the policy: %v", p.Mutations)
			}
		})
	}
}

func TestNdotsOfPod(t *testing.T) {
	for _, tt := range []struct {
		spec  string
		want  int
		known bool
	}{
		{`{}`, 5, true},
		{`{"dnsPolicy":"ClusterFirst"}`, 5, true},
		{`{"dnsPolicy":"ClusterFirst","dnsConfig":{"options":[{"name":"ndots","value":"2"}]}}`, 2, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":"2"},{"name":"ndots","value":"3"},{"name":"rotate"}]}}`, 3, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":"2"},{"name":"ndots"}]}}`, 1, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":""}]}}`, 1, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":"99"}]}}`, 15, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":"0"}]}}`, 0, true},
		{`{"dnsConfig":{"options":[{"name":"ndots","value":"many"}]}}`, 0, false},
		{`{"dnsPolicy":"None"}`, 1, true},
		{`{"dnsPolicy":"Default"}`, 0, false},
		{`{"hostNetwork":true,"dnsPolicy":"ClusterFirst"}`, 0, false},
		{`{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}`, 5, true},
		{`{"hostNetwork":true,"dnsPolicy":"None"}`, 1, true},
	} {
		var pod api.Pod
		if err := json.Unmarshal([]byte(`{"spec":`+tt.spec+`}`), &pod); err != nil {
			t.Fatal(err)
		}
		if got, known := resolv.Ndots(&pod); known != tt.known || known && got != tt.want {
			t.Errorf("%s: %d, %t, want %d, %t", tt.spec, got, known, tt.want, tt.known)
		}
	}
}
