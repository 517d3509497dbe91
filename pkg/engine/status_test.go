package engine_test

import (
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
	p := decidePod(t, raw, &around{})
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
		p := decidePod(t, raw, &around{labels: map[string]string{api.LabelMode: "hostnetwork"}})
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

// TestNoStatus: an object that is as its mode promises, one that is refused,
// and one that nobody asked about get none; one that would be the same again is
// not written.
func TestNoStatus(t *testing.T) {
	served := annotated(`{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet"}`, api.AnnotationMode, "hostnetwork")
	refused := annotated(`{"hostUsers":false}`, api.AnnotationMode, "hostnetwork")
	for name, raw := range map[string]string{"served": served, "refused": refused, "not asked": annotated(`{}`)} {
		p := decidePod(t, raw, &around{})
		for _, m := range p.Mutations {
			if m.Pointer == statusPointer {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
	raw := annotated(`{"subdomain":"peers","hostname":"a"}`, api.AnnotationMode, "headless")
	if p := decidePod(t, raw, &around{}); !p.Refused() {
		t.Fatal("want a refusal of the hostname")
	}
	text := statusOf(t, decidePod(t, annotated(`{}`, api.AnnotationMode, "hostnetwork"), &around{}))
	p := decidePod(t, annotated(`{}`, api.AnnotationMode, "hostnetwork", api.AnnotationStatus, text), &around{})
	if len(p.Mutations) != 2 {
		t.Errorf("the same status is written again: %v", p.Mutations)
	}
}
