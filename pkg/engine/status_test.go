package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

const statusPointer = "/metadata/annotations/netmode.io~1status"

func statusOf(t *testing.T, p *plan.Plan) string {
	t.Helper()
	last := p.Mutations[len(p.Mutations)-1]
	text, ok := last.Value.(string)
	if last.Pointer != statusPointer || !ok {
		t.Fatalf("the last mutation is not the status: %v", last)
	}
	return text
}

// TestStatus is the annotation of a pod with a governing Service and a strategy.
func TestStatus(t *testing.T) {
	raw := annotated(`{"subdomain":"peers"}`, api.AnnotationMode, "statefulset-headless", api.AnnotationStatus, "old")
	p := decidePod(t, raw, &snapshot{})
	const want = `{"mode":"statefulset-headless","source":"annotation","service":"peers","strategy":"append","reasons":` +
		`["GoverningServiceNamed","HostnameSet","ClusterDNSUnknown","ClusterDomainAssumed","SearchAppended"]}`
	if got := statusOf(t, p); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p.Strategy != api.SearchAppend || p.Service != "peers" {
		t.Errorf("service %q, strategy %q", p.Service, p.Strategy)
	}
}

// TestStatusWithoutAnnotations makes the parent, and with a null parent as well.
func TestStatusWithoutAnnotations(t *testing.T) {
	for _, metadata := range []string{`{}`, `{"annotations":null}`, `{"annotations":{}}`} {
		raw := `{"metadata":` + metadata + `,"spec":{"dnsPolicy":"ClusterFirstWithHostNet"}}`
		p := decidePod(t, raw, &snapshot{labels: map[string]string{api.LabelMode: "hostnetwork"}})
		want := `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"add","path":"/metadata/annotations","value":{"netmode.io/status":` +
			`"{\"mode\":\"hostnetwork\",\"source\":\"namespace\",\"reasons\":[\"ModeInherited\",\"HostNetworkSet\",\"NoDeclaredPort\",\"NodeHostname\"]}"}}]`
		if metadata == `{"annotations":{}}` {
			want = `[{"op":"add","path":"/spec/hostNetwork","value":true},{"op":"add","path":"/metadata/annotations/netmode.io~1status","value":` +
				`"{\"mode\":\"hostnetwork\",\"source\":\"namespace\",\"reasons\":[\"ModeInherited\",\"HostNetworkSet\",\"NoDeclaredPort\",\"NodeHostname\"]}"}]`
		}
		if diff := cmp.Diff(want, patchOf(t, []byte(raw), p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", metadata, diff)
		}
	}
}

// TestStatusOfEveryMode: a pod with a mode has a status also where nothing else
// changes, and keeps one that tells the same; any other is written anew.
func TestStatusOfEveryMode(t *testing.T) {
	const (
		served = `{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}`
		status = `{"mode":"hostnetwork","source":"annotation","reasons":["NoDeclaredPort","NodeHostname"]}`
		before = `{"mode":"hostnetwork","source":"annotation","reasons":["HostNetworkSet"]}`
	)
	for _, tt := range []struct{ has, want string }{
		{"", status},
		{before, ""},
		{"{", status},
		{`{"mode":"hostnetwork","source":"annotation"`, status},
		{`{"mode":"hostnetwork","source":"namespace","reasons":[]}`, status},
		{`{"mode":"headless","source":"annotation","reasons":[]}`, status},
		{`{ "mode":"hostnetwork","source":"annotation","reasons":[]}`, status},
		{`{"mode":"hostnetwork","source":"annotation","policy":"p","reasons":[]}`, ""},
		{before + strings.Repeat(" ", 4<<10), status},
	} {
		annotations := []string{api.AnnotationMode, "hostnetwork"}
		if tt.has != "" {
			annotations = append(annotations, api.AnnotationStatus, tt.has)
		}
		p := decidePod(t, annotated(served, annotations...), &snapshot{})
		switch {
		case tt.want == "" && len(p.Mutations) > 0:
			t.Errorf("%s: %v", tt.has, p.Mutations)
		case tt.want != "" && (len(p.Mutations) != 1 || statusOf(t, p) != tt.want):
			t.Errorf("%s: %v\nwant %s", tt.has, p.Mutations, tt.want)
		}
	}
}

// TestNoStatus: a pod that is refused, and one that has no mode, get none, and
// one that the latter brings goes.
func TestNoStatus(t *testing.T) {
	for name, raw := range map[string]string{
		"refused":   annotated(`{"hostUsers":false}`, api.AnnotationMode, "hostnetwork"),
		"not asked": annotated(`{}`),
	} {
		if p := decidePod(t, raw, &snapshot{}); p.Changes() {
			t.Errorf("%s: %v", name, p.Mutations)
		}
	}
	raw := []byte(annotated(`{}`, api.AnnotationStatus, `{"mode":"hostnetwork","source":"policy","policy":"p","reasons":[]}`))
	want := `[{"op":"remove","path":"/metadata/annotations/netmode.io~1status"}]`
	if got := patchOf(t, raw, decidePod(t, string(raw), &snapshot{labels: map[string]string{api.LabelPolicy: api.PolicyEnabled}})); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if p := decidePod(t, string(raw), &snapshot{}); p.Changes() {
		t.Errorf("netmode is not asked, and changes %v", p.Mutations)
	}
	text := statusOf(t, decidePod(t, annotated(`{}`, api.AnnotationMode, "hostnetwork"), &snapshot{}))
	p := decidePod(t, annotated(`{}`, api.AnnotationMode, "hostnetwork", api.AnnotationStatus, text), &snapshot{})
	if len(p.Mutations) != 2 {
		t.Errorf("the same status is written again: %v", p.Mutations)
	}
}
