package admission

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/workload"
)

// What is left of a workload says of it all that the whole does.
func TestWorkloadShape(t *testing.T) {
	const (
		template = `{"metadata":{"labels":{"a":"b"},"annotations":{"netmode.io/mode":"headless","other":""},"name":"x"},"spec":{"hostNetwork":true,"subdomain":"s",` +
			`"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}],"lifecycle":{"postStart":{"exec":{"command":["a","b"]}}}}],"volumes":[{}]}}`
		spec = `{"paused":true,"suspend":true,"replicas":3,"parallelism":4,"completionMode":"Indexed","manualSelector":true,"serviceName":"s","ordinals":{"start":5},` +
			`"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%"}},"updateStrategy":{"type":"OnDelete","rollingUpdate":{"maxSurge":1,"partition":2}},` +
			`"selector":{"matchLabels":{"a":"b"}},"template":` + template + `}`
	)
	object := strings.TrimSuffix(spec, "}") + `,"jobTemplate":{"metadata":{},"spec":` + spec + `}}`
	object = `{"metadata":{"name":"web","generateName":"w-"},"status":{"startTime":"now","active":1},"spec":` + object + `}`
	for _, kind := range append(workload.Kinds(), "Deployment") {
		body := workloadRequest(kind, "UPDATE", object, object)
		req, err := decode(body, new([]byte))
		if err != nil {
			t.Fatal(err)
		}
		want := templateOf(t, req, jsontext.Value(object))
		for _, left := range []jsontext.Value{req.Object, *req.OldObject} {
			if diff := cmp.Diff(want, templateOf(t, req, left)); diff != "" {
				t.Errorf("%s: (-whole +what is left):\n%s", kind, diff)
			}
			if strings.Contains(string(left), "volumes") {
				t.Errorf("%s: %s", kind, left)
			}
		}
		mark := templateIn(t, req, req.Object).Workload.Template
		if string(req.sent[mark]) != template || string(req.sent[markOld+mark]) != template {
			t.Errorf("%s: the template is %s, the old one %s", kind, req.sent[mark], req.sent[markOld+mark])
		}
	}
}

type templateView struct {
	Workload workload.Workload
	Pod      api.Pod
}

func templateIn(t *testing.T, req *request, object jsontext.Value) *workload.Template {
	t.Helper()
	template, err := workload.Parse(req.Kind.Group+"/"+req.Kind.Version, req.Kind.Kind, object, "a")
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func templateOf(t *testing.T, req *request, object jsontext.Value) templateView {
	t.Helper()
	template := templateIn(t, req, object)
	view := templateView{Workload: template.Workload}
	if err := json.Unmarshal(template.Pod, &view.Pod); err != nil {
		t.Fatal(err)
	}
	delete(view.Pod.Metadata.Annotations, "other") // only its name is left
	return view
}

func TestSameJSON(t *testing.T) {
	long := strings.Repeat("x", maxReordered)
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`{"a":1,"b":2}`, `{"b":2,"a":2}`, false},
		{`{"a":"` + long + `","b":2}`, `{"a":"` + long + `","b":2}`, true},
		// Too long to be compared but byte by byte.
		{`{"a":"` + long + `","b":2}`, `{"b":2,"a":"` + long + `"}`, false},
	} {
		if sameJSON([]byte(tt.a), []byte(tt.b)) != tt.same {
			t.Errorf("%.30s and %.30s: want %v", tt.a, tt.b, tt.same)
		}
	}
}

// Foreign annotations only count, and do so for the pods that ask for nothing.
func TestManyAnnotations(t *testing.T) {
	var all []string
	for i := range 2 * api.MaxAnnotations {
		all = append(all, fmt.Sprintf(`"k%d":%q`, i, strings.Repeat("v", 100)))
	}
	object := `{"metadata":{"annotations":{` + strings.Join(all, ",") + `,"netmode.io/mode":"default","kubernetes.io/config.mirror":"m","linkerd.io/inject":"enabled"}}}`
	req, err := decode(sent("Pod", "u", object), new([]byte))
	if err != nil {
		t.Fatal(err)
	}
	var pod api.Pod
	if err := api.Decode(req.Object, &pod, ""); err != nil {
		t.Fatal(err)
	}
	annotations := pod.Metadata.Annotations
	if n := len(annotations); n != api.MaxAnnotations+4 || annotations["linkerd.io/inject"] != "enabled" || annotations[api.AnnotationMode] != "default" || annotations[api.AnnotationMirror] != "m" || annotations["k0"] != "" {
		t.Errorf("%d annotations, %v", n, annotations)
	}
	delete(annotations, api.AnnotationMode)
	if !api.Asks(annotations) {
		t.Error("1,000 annotations of others do not ask")
	}
}
