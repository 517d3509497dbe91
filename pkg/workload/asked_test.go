package workload_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/workload"
)

func TestAskedIn(t *testing.T) {
	const asks, pod = `"metadata":{"annotations":{"a":"b","netmode.io/mode":"headless","netmode.io/service":"db"}}`, `"spec":{"containers":[]}`
	for name, tt := range map[string]struct {
		object string
		want   workload.Asked
	}{
		"nothing":           {`{"kind":"A","spec":{"template":{` + pod + `}}}`, workload.Asked{}},
		"no JSON":           {`{"netmode.io/mode"`, workload.Asked{}},
		"written by us":     {`{"metadata":{"annotations":{"netmode.io/status":"{}","netmode.io/copied":"a"}}}`, workload.Asked{}},
		"a label, a text":   {`{"metadata":{"labels":{"netmode.io/mode":"a"}},"data":{"x":"{\"metadata\":{\"annotations\":{\"netmode.io/mode\":\"\"}}}"}}`, workload.Asked{}},
		"a value":           {`{"metadata":{"annotations":{"a":"netmode.io/mode"}}}`, workload.Asked{}},
		"own":               {`{` + asks + `}`, workload.Asked{Own: []string{"netmode.io/mode", "netmode.io/service"}}},
		"own, escaped":      {`{"metadata":{"annotations":{"netmode.io\/\u006dode":1}}}`, workload.Asked{Own: []string{"netmode.io/mode"}}},
		"a template":        {`{"spec":{"template":{` + asks + `,` + pod + `}}}`, workload.Asked{Templates: []string{"spec.template"}, InTemplates: []string{"spec.template.metadata.annotations"}}},
		"at the root":       {`{"template":{` + pod + `,` + asks + `}}`, workload.Asked{Templates: []string{"template"}, InTemplates: []string{"template.metadata.annotations"}}},
		"a pod's own":       {`{` + asks + `,` + pod + `}`, workload.Asked{Own: []string{"netmode.io/mode", "netmode.io/service"}}},
		"no pod in it":      {`{"spec":{"jobTemplate":{` + asks + `}}}`, workload.Asked{Elsewhere: []string{"spec.jobTemplate.metadata.annotations"}}},
		"under other names": {`{"spec":{"podAnnotations":{"netmode.io/mode":""},"kinds":{"netmode.io/mode":""}}}`, workload.Asked{Elsewhere: []string{"spec.podAnnotations"}}},
		"in a list": {`{"spec":{"replicatedJobs":[{"template":{` + asks + `,"spec":{"template":{` + asks + `,` + pod + `}}}}]}}`, workload.Asked{
			Templates:   []string{"spec.replicatedJobs[0].template.spec.template"},
			InTemplates: []string{"spec.replicatedJobs[0].template.spec.template.metadata.annotations"},
			Elsewhere:   []string{"spec.replicatedJobs[0].template.metadata.annotations"},
		}},
		"too deep": {strings.Repeat(`{"a":`, 70) + `{` + asks + `}` + strings.Repeat("}", 70), workload.Asked{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, workload.AskedIn([]byte(tt.object))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A hostile object has so many places that their list would be longer than itself.
func TestAskedInStops(t *testing.T) {
	key := strings.Repeat("x", 10_000)
	object := `{"` + key + `":[` + strings.Repeat(`{"annotations":{"netmode.io/a":""}},`, 10_000) + `0]}`
	if got := workload.AskedIn([]byte(object)); len(got.Elsewhere) != 100 {
		t.Errorf("%d places, want 100", len(got.Elsewhere))
	}
}
