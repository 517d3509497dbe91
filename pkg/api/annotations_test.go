package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
)

var annotationsPath = field.NewPath("metadata", "annotations")

const (
	noLabel = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with ` +
		`an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`
	waitCure  = `: use self, all, a number of addresses, or names of pods: pod, pod.service, pod.service.namespace`
	wantBools = `supported values: "true", "false"`
)

var wantModes, wantRewrites = apitest.SupportedModes(), apitest.SupportedStrategies()

func TestParseAnnotationsAccepts(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		key, value string
		want       api.Intent
	}{
		{"mode", "default", api.Intent{Mode: api.ModeDefault}},
		{"mode", "hostnetwork", api.Intent{Mode: api.ModeHostNetwork}},
		{"mode", "headless", api.Intent{Mode: api.ModeHeadless}},
		{"mode", "statefulset-headless", api.Intent{Mode: api.ModeStatefulSetHeadless}},
		{"service", "peers", api.Intent{Service: "peers"}},
		{"service", "0-peers", api.Intent{Service: "0-peers"}},
		{"service", strings.Repeat("a", 63), api.Intent{Service: strings.Repeat("a", 63)}},
		{"search-rewrite", "auto", api.Intent{SearchRewrite: api.SearchAuto}},
		{"search-rewrite", "prepend", api.Intent{SearchRewrite: api.SearchPrepend}},
		{"search-rewrite", "append", api.Intent{SearchRewrite: api.SearchAppend}},
		{"search-rewrite", "init-container", api.Intent{SearchRewrite: api.SearchInitContainer}},
		{"search-rewrite", "post-start", api.Intent{SearchRewrite: api.SearchPostStart}},
		{"search-rewrite", "none", api.Intent{SearchRewrite: api.SearchNone}},
		{"peers", "workers", api.Intent{Peers: []api.Peer{{Service: "workers"}}}},
		{"peers", "workers,zk.data", api.Intent{Peers: []api.Peer{{Service: "workers"}, {Service: "zk", Namespace: "data"}}}},
		{"peers", " workers ,\n\tzk.data\r\n", api.Intent{Peers: []api.Peer{{Service: "workers"}, {Service: "zk", Namespace: "data"}}}},
		{"peers", "a,a,0-a.a", api.Intent{Peers: []api.Peer{{Service: "a"}, {Service: "a"}, {Service: "0-a", Namespace: "a"}}}},
		{"peers", "kube-dns.kube-system", api.Intent{Peers: []api.Peer{{Service: "kube-dns", Namespace: "kube-system"}}}},
		{"peers", strings.Repeat("a", 63) + "." + strings.Repeat("b", 63), api.Intent{Peers: []api.Peer{{Service: strings.Repeat("a", 63), Namespace: strings.Repeat("b", 63)}}}},
		{"peers", "a" + strings.Repeat(",a", 9), api.Intent{Peers: slices.Repeat([]api.Peer{{Service: "a"}}, 10)}},
		{"wait", "self", api.Intent{Wait: api.Wait{Self: true}}},
		{"wait", "all", api.Intent{Wait: api.Wait{All: true}}},
		{"wait", "1", api.Intent{Wait: api.Wait{Addresses: 1}}},
		{"wait", "2000", api.Intent{Wait: api.Wait{Addresses: 2000}}},
		{"wait", "zk-0, zk-1.zk,zk-0,self,db.data.prod,x.example.org.", api.Intent{Wait: api.Wait{Self: true, Names: []string{"zk-0", "zk-1.zk", "db.data.prod", "x.example.org."}}}},
		{"wait", "0a", api.Intent{Wait: api.Wait{Names: []string{"0a"}}}},
		{"wait-timeout", "1s", api.Intent{WaitTimeout: time.Second}},
		{"wait-timeout", "60m", api.Intent{WaitTimeout: time.Hour}},
		{"publish-not-ready-addresses", "true", api.Intent{PublishNotReadyAddresses: &yes}},
		{"publish-not-ready-addresses", "false", api.Intent{PublishNotReadyAddresses: &no}},
	}
	for _, tt := range tests {
		t.Run(tt.key+"="+tt.value, func(t *testing.T) {
			key := "netmode.io/" + tt.key
			intent, errs := api.ParseAnnotations(map[string]string{key: tt.value}, annotationsPath)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			tt.want.Keys = []string{key}
			if diff := cmp.Diff(tt.want, intent); diff != "" {
				t.Errorf("intent differs (-want +got):\n%s", diff)
			}
		})
	}
}

func noPeer(value, entry, why string) string {
	return fmt.Sprintf(`Invalid value: %q: must be names of Services, such as zk, or zk.data for one of namespace data, with commas between them: %q is none: %s`, value, entry, why)
}

func TestParseAnnotationsRefuses(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"mode", "hostnet", `Unsupported value: "hostnet": ` + wantModes},
		{"mode", "", `Unsupported value: "": ` + wantModes},
		{"mode", "HostNetwork", `Unsupported value: "HostNetwork": ` + wantModes},
		{"mode", "headless ", `Unsupported value: "headless ": ` + wantModes},
		{"mode", "head\nless", `Unsupported value: "head\nless": ` + wantModes},
		{"service", "", `Invalid value: "": must be the name of a Service in the pod's namespace: ` + noLabel},
		{"service", "Peers", `Invalid value: "Peers": must be the name of a Service in the pod's namespace: ` + noLabel},
		{"service", "peers.default", `Invalid value: "peers.default": must be the name of a Service in the pod's namespace: must not contain dots`},
		{"service", "peers-", `Invalid value: "peers-": must be the name of a Service in the pod's namespace: ` + noLabel},
		{"service", strings.Repeat("a", 64), `Invalid value: "` + strings.Repeat("a", 64) +
			`": must be the name of a Service in the pod's namespace: must be no more than 63 characters`},
		{"search-rewrite", "first", `Unsupported value: "first": ` + wantRewrites},
		{"search-rewrite", "", `Unsupported value: "": ` + wantRewrites},
		{"search-rewrite", "initContainer", `Unsupported value: "initContainer": ` + wantRewrites},
		{"peers", "", noPeer("", "", noLabel)},
		{"peers", ",", noPeer(",", "", noLabel)},
		{"peers", "zk,", noPeer("zk,", "", noLabel)},
		{"peers", "zk kafka", noPeer("zk kafka", "zk kafka", noLabel)},
		{"peers", "zk;kafka", noPeer("zk;kafka", "zk;kafka", noLabel)},
		{"peers", "a,Zk", noPeer("a,Zk", "Zk", noLabel)},
		{"peers", "ключ", noPeer("ключ", "ключ", noLabel)},
		{"peers", "zk\u00a0", noPeer("zk\u00a0", "zk\u00a0", noLabel)},
		{"peers", "zk.", noPeer("zk.", "zk.", noLabel)},
		{"peers", ".data", noPeer(".data", ".data", noLabel)},
		{"peers", "zk.data.svc", noPeer("zk.data.svc", "zk.data.svc", "must not contain dots")},
		{"peers", "zk/data", noPeer("zk/data", "zk/data", noLabel)},
		{"peers", "zk.Data,Kafka", noPeer("zk.Data,Kafka", "zk.Data", noLabel)},
		{"peers", strings.Repeat("a", 200), noPeer(strings.Repeat("a", 200), strings.Repeat("a", 127)+"...", "must be no more than 63 characters")},
		{"peers", "a" + strings.Repeat(",a", 10), `Invalid value: "a` + strings.Repeat(",a", 10) + `": must name at most 10 Services`},
		{"peers", strings.Repeat(",", 100_000), `Invalid value: "` + strings.Repeat(",", 100_000) + `": must name at most 10 Services`},
		{"wait", "", `Invalid value: "": "" is no DNS name` + waitCure},
		{"wait", "0", `Invalid value: "0": must be 1 to 2000 addresses`},
		{"wait", "2001", `Invalid value: "2001": must be 1 to 2000 addresses`},
		{"wait", "-1", `Invalid value: "-1": must be 1 to 2000 addresses`},
		{"wait", "99999999999999999999", `Invalid value: "99999999999999999999": must be 1 to 2000 addresses`},
		{"wait", "zk-0,all", `Invalid value: "zk-0,all": "all" stands alone` + waitCure},
		{"wait", "Zk_0", `Invalid value: "Zk_0": "Zk_0" is no DNS name` + waitCure},
		{"wait", "a,,b", `Invalid value: "a,,b": "" is no DNS name` + waitCure},
		{"wait", "a.b.c.d", `Invalid value: "a.b.c.d": "a.b.c.d" has more than three parts, and no dot at its end as an absolute name has` + waitCure},
		{"wait", "a.", `Invalid value: "a.": "a." has no domain` + waitCure},
		{"wait", strings.Repeat("a", 64), `Invalid value: "` + strings.Repeat("a", 64) + `": "` + strings.Repeat("a", 64) + `" is no DNS name` + waitCure},
		{"wait", strings.Repeat("a,", 100) + "a", `Too many: 101: must have at most 100 items`},
		{"wait-timeout", "5", `Invalid value: "5": must be a duration from 1s to 1h, such as 5m`},
		{"wait-timeout", "999ms", `Invalid value: "999ms": must be a duration from 1s to 1h, such as 5m`},
		{"wait-timeout", "1h0m1s", `Invalid value: "1h0m1s": must be a duration from 1s to 1h, such as 5m`},
		{"publish-not-ready-addresses", "yes", `Unsupported value: "yes": ` + wantBools},
		{"publish-not-ready-addresses", "True", `Unsupported value: "True": ` + wantBools},
		{"publish-not-ready-addresses", "", `Unsupported value: "": ` + wantBools},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s=%q", tt.key, tt.value), func(t *testing.T) {
			key := "netmode.io/" + tt.key
			intent, errs := api.ParseAnnotations(map[string]string{key: tt.value}, annotationsPath)
			if len(errs) != 1 {
				t.Fatalf("got %d errors, want 1: %v", len(errs), errs)
			}
			want := "metadata.annotations[" + key + "]: " + tt.want
			if diff := cmp.Diff(want, errs[0].Error()); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
			// A refused value is not kept, but its key was the author's.
			if diff := cmp.Diff(api.Intent{Keys: []string{key}}, intent); diff != "" {
				t.Errorf("intent differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseAnnotationsOfManyKeys(t *testing.T) {
	annotations := map[string]string{
		"netmode.io/status":             "not JSON",
		"netmode.io/copied":             "anything",
		"netmode.io/service":            "peers",
		"netmode.io/search-rewrite":     "last",
		"netmode.io/mode":               "hostnet",
		"netmode.io/modes":              "headless",
		"netmode.io/serach-rewrite":     "none",
		"netmode.io/":                   "",
		"netmode.io":                    "no slash, so another's key",
		"other.example/netmode.io/mode": "hostnetwork",
		"mode":                          "hostnetwork",
	}
	want := api.Intent{
		Service: "peers",
		Keys:    []string{"netmode.io/mode", "netmode.io/search-rewrite", "netmode.io/service"},
		Unknown: []api.UnknownKey{
			{Key: "netmode.io/", Nearest: "netmode.io/mode"},
			{Key: "netmode.io/modes", Nearest: "netmode.io/mode"},
			{Key: "netmode.io/serach-rewrite", Nearest: "netmode.io/search-rewrite"},
		},
	}
	wantErrors := `[metadata.annotations[netmode.io/mode]: Unsupported value: "hostnet": ` + wantModes +
		`, metadata.annotations[netmode.io/search-rewrite]: Unsupported value: "last": ` + wantRewrites + `]`
	for range 100 { // a map's order differs from run to run
		intent, errs := api.ParseAnnotations(annotations, annotationsPath)
		if diff := cmp.Diff(want, intent); diff != "" {
			t.Fatalf("intent differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(wantErrors, errs.ToAggregate().Error()); diff != "" {
			t.Fatalf("errors differ (-want +got):\n%s", diff)
		}
	}
}

func TestParseAnnotationsWithoutOwnKeys(t *testing.T) {
	for name, annotations := range map[string]map[string]string{
		"no map":         nil,
		"another's keys": {"example.org/mode": "hostnet", "Netmode.io/mode": "hostnet"},
		"netmode wrote":  {"netmode.io/status": "{", "netmode.io/copied": "netmode.io/mode"},
	} {
		t.Run(name, func(t *testing.T) {
			intent, errs := api.ParseAnnotations(annotations, annotationsPath)
			if diff := cmp.Diff(api.Intent{}, intent); diff != "" || len(errs) > 0 {
				t.Errorf("got errors %v and (-want +got):\n%s", errs, diff)
			}
		})
	}
}

func TestNearestKey(t *testing.T) {
	tests := []struct{ key, want string }{
		{"netmode.io/Mode", "netmode.io/mode"},
		{"netmode.io/node", "netmode.io/mode"},
		{"netmode.io/services", "netmode.io/service"},
		{"netmode.io/governing-service", "netmode.io/service"},
		{"netmode.io/search", "netmode.io/service"}, // 5 edits, and 8 to search-rewrite
		{"netmode.io/search-rewrit", "netmode.io/search-rewrite"},
		{"netmode.io/searchRewrite", "netmode.io/search-rewrite"},
		{"netmode.io/publish-not-ready", "netmode.io/publish-not-ready-addresses"},
		{"netmode.io/statuss", "netmode.io/service"},                  // only an author's keys are proposed
		{"netmode.io/" + strings.Repeat("x", 300), "netmode.io/mode"}, // all are equally far,
	}
	for _, tt := range tests {
		intent, errs := api.ParseAnnotations(map[string]string{tt.key: ""}, annotationsPath)
		if len(errs) > 0 {
			t.Errorf("%s: %v", tt.key, errs)
		}
		if diff := cmp.Diff([]api.UnknownKey{{Key: tt.key, Nearest: tt.want}}, intent.Unknown); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", tt.key, diff)
		}
	}
}

func TestAsks(t *testing.T) {
	for key, want := range map[string]bool{
		"netmode.io/mode": true, "netmode.io/mod": true, "netmode.io/": true,
		"netmode.io/status": false, "netmode.io/copied": false, "netmode.iox/mode": false, "example.com/netmode.io/mode": false,
	} {
		if got := api.Asks(map[string]string{key: "", "example.com/a": "b"}); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if api.Asks(nil) {
		t.Error("no annotations ask")
	}
}
