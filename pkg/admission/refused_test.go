package admission

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/engine"
)

func TestBadAnnotationsAreRefused(t *testing.T) {
	bad := []string{"", " ", "headless ", "Hostnetwork", "TRUE", "a.b", "ノード", strings.Repeat("x", 64)}
	for _, tt := range []struct {
		key, want string
		bad       []string
	}{
		{"mode", "Unsupported value: %s: " + apitest.SupportedModes(), slices.Concat(bad, []string{"hostnet", "auto"})},
		{"search-rewrite", "Unsupported value: %s: " + apitest.SupportedStrategies(), slices.Concat(bad, []string{"first", "default"})},
		{"publish-not-ready-addresses", `Unsupported value: %s: supported values: "true", "false"`, slices.Concat(bad, []string{"yes", "1"})},
		{"service", `Invalid value: %s: must be the name of a Service in the pod's namespace: `, slices.Concat(bad, []string{"a/b", "-a"})},
	} {
		for _, value := range tt.bad {
			for _, fixture := range []string{replicaSetPod, serviceCreate} {
				t.Run(tt.key+"="+value+" "+fixture, func(t *testing.T) {
					resp, rec := ask(t, newReviewer(t), annotated(t, fixture, tt.key+"="+value))
					want := "metadata.annotations[netmode.io/" + tt.key + "]: " + strings.Replace(tt.want, "%s", `"`+value+`"`, 1)
					if rec.Decision != Refused || !strings.HasPrefix(rec.Message, want) {
						t.Fatalf("%s: %q, want it to begin %q", rec.Decision, rec.Message, want)
					}
					if !strings.HasSuffix(rec.Message, "(AnnotationInvalid)") || resp.Result.Reason != metav1.StatusReasonInvalid {
						t.Errorf("message %q, reason %s", rec.Message, resp.Result.Reason)
					}
				})
			}
		}
	}
}

func TestTwoProblemsAreBothNamed(t *testing.T) {
	resp, rec := ask(t, newReviewer(t), annotated(t, replicaSetPod, "mode=host", "search-rewrite=first"))
	wantBegin := `2 problems: metadata.annotations[netmode.io/mode]: Unsupported value: "host"`
	if !strings.HasPrefix(rec.Message, wantBegin) || !strings.Contains(rec.Message, `; metadata.annotations[netmode.io/search-rewrite]: Unsupported value: "first"`) {
		t.Errorf("message %q", rec.Message)
	}
	if d := resp.Result.Details; d.Kind != "Pod" || d.Name != "d1-78c56bf446-" {
		t.Errorf("details of %s %q", d.Kind, d.Name)
	}
	var fields []string
	for _, cause := range resp.Result.Details.Causes {
		if cause.Type != "AnnotationInvalid" || !strings.HasSuffix(cause.Message, " (netmode: AnnotationInvalid)") {
			t.Errorf("cause %+v", cause)
		}
		fields = append(fields, cause.Field)
	}
	if diff := cmp.Diff([]string{"metadata.annotations[netmode.io/mode]", "metadata.annotations[netmode.io/search-rewrite]"}, fields); diff != "" {
		t.Errorf("fields of the causes (-want +got):\n%s", diff)
	}
}

// Two problems in the object itself, found by rules of the mode.
func TestTwoRulesRefuse(t *testing.T) {
	_, rec := ask(t, newReviewer(t), edited(t, replicaSetPod, func(_ *admissionv1.AdmissionRequest, object map[string]any) {
		annotate(object, "mode=hostnetwork")
		member(object, "spec")["hostUsers"] = false
		member(object, "spec")["containers"] = []any{map[string]any{"name": "c", "ports": []any{map[string]any{"containerPort": 80, "hostPort": 8080}}}}
	}))
	for _, want := range []string{"2 problems: ", "spec.containers[0].ports[0].hostPort: Invalid value: 8080", "spec.hostUsers: Invalid value: false", "(HostPortMismatch)", "(UserNamespace)"} {
		if !strings.Contains(rec.Message, want) {
			t.Errorf("message %q, want %q in it", rec.Message, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		fixture     string
		annotations []string
		want        string
	}{
		{replicaSetPod, []string{"mod=headless"}, "netmode: metadata.annotations[netmode.io/mod]: the key means nothing to netmode; the nearest that does is netmode.io/mode"},
		{replicaSetPod, []string{"mode=hostnetwork"}, "netmode: spec.containers: no port is declared"},
	} {
		resp, rec := ask(t, newReviewer(t), annotated(t, tt.fixture, tt.annotations...))
		if !resp.Allowed || !strings.Contains(strings.Join(resp.Warnings, "\n"), tt.want) {
			t.Errorf("%v: %s, warnings %q, want %q", tt.annotations, rec.Decision, resp.Warnings, tt.want)
		}
	}
}

// labelled is a cluster whose namespaces all have the label netmode.io/mode.
type labelled struct {
	engine.EmptySnapshot
	mode string
}

func (l labelled) Namespace(string) (api.Namespace, bool) {
	return api.Namespace{Labels: map[string]string{api.LabelMode: l.mode}}, true
}

// What a namespace gives is audited and patched as what a pod asks for.
func TestInheritedMode(t *testing.T) {
	r := &Reviewer{Entry: api.EntryNamespace, Settings: knownDNS(t), Snapshots: FixedSnapshot{labelled{mode: "hostnetwork"}}}
	resp, rec := ask(t, r, fixture(t, replicaSetPod))
	if rec.Decision != Patched || rec.Mode != api.ModeHostNetwork || resp.AuditAnnotations["mode"] != "hostnetwork" {
		t.Errorf("%+v, audit %v", rec, resp.AuditAnnotations)
	}
	r.Snapshots = FixedSnapshot{labelled{mode: "statefulset-headless"}}
	resp, rec = ask(t, r, fixture(t, replicaSetPod))
	if rec.Decision != Unchanged || !contains(rec.Reasons, "NotApplicable") || len(resp.Warnings) > 0 {
		t.Errorf("a mode that cannot serve the pod: %+v, warnings %q", rec, resp.Warnings)
	}
}
