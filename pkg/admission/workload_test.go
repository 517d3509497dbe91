package admission

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

const (
	plainTemplate = `{"metadata":{"labels":{"app":"d1"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}],"inventedField":1}}`
	copiedPatch   = `[{"op":"add","path":"%s/metadata/annotations","value":{"netmode.io/mode":"hostnetwork"}},` +
		`{"op":"add","path":"%[1]s/metadata/annotations/netmode.io~1copied","value":"netmode.io/mode"}]`
)

// workloadObject is a workload with annotations, in JSON, and a pod template.
func workloadObject(kind, annotations, template string) string {
	spec := `{"template":` + template + `}`
	if kind == "CronJob" {
		spec = `{"jobTemplate":{"spec":` + spec + `}}`
	}
	return `{"metadata":{"name":"web","namespace":"a","annotations":` + annotations + `,"managedFields":[{"manager":"x"}]},"spec":` + spec + `,"inventedField":{}}`
}

// workloadRequest is a review of a workload; old is null on CREATE.
func workloadRequest(kind, operation, object, old string) []byte {
	group := "apps"
	if kind == "Job" || kind == "CronJob" {
		group = "batch"
	}
	return fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"group":%q,"version":"v1","kind":%q},`+
		`"namespace":"a","name":"web","operation":%q,"object":%s,"oldObject":%s}}`, group, kind, operation, object, old)
}

const asksHostNetwork = `{"netmode.io/mode":"hostnetwork"}`

// Every kind, created and annotated: the template gets the annotation, and the
// second call changes nothing.
func TestWorkloads(t *testing.T) {
	for _, kind := range workload.Kinds() {
		for _, operation := range []string{"CREATE", "UPDATE"} {
			t.Run(kind+" "+operation, func(t *testing.T) {
				old := "null"
				if operation == "UPDATE" {
					old = workloadObject(kind, "null", plainTemplate)
					if kind == "Job" {
						old = strings.Replace(old, `"template"`, `"suspend":true,"template"`, 1)
					}
				}
				at := "/spec/template"
				if kind == "CronJob" {
					at = "/spec/jobTemplate/spec/template"
				}
				r := newReviewer(t)
				body := workloadRequest(kind, operation, workloadObject(kind, asksHostNetwork, plainTemplate), old)
				resp, rec := ask(t, r, body)
				if diff := cmp.Diff(fmt.Sprintf(copiedPatch, at), string(resp.Patch)); diff != "" {
					t.Fatalf("patch (-want +got):\n%s\n%+v", diff, rec)
				}
				if rec.Kind != kind || rec.Name != "web" || rec.Mode != api.ModeHostNetwork || !contains(rec.Reasons, plan.AnnotationCopied) {
					t.Errorf("record %+v", rec)
				}
				want := map[string]string{"decision": "patched", "mode": "hostnetwork", "reasons": join(rec.Reasons)}
				if diff := cmp.Diff(want, resp.AuditAnnotations); diff != "" {
					t.Errorf("audit annotations (-want +got):\n%s", diff)
				}
				patched := apply(t, body, resp.Patch)
				if strings.Count(string(patched), "inventedField") != 2 {
					t.Errorf("fields are gone: %s", patched)
				}
				if again, rec := ask(t, r, workloadRequest(kind, operation, string(patched), old)); len(again.Patch) > 0 || rec.Decision != Unchanged {
					t.Errorf("the second call: %s %s", rec.Decision, again.Patch)
				}
			})
		}
	}
}

// The object's members may come before the kind that says how to read them.
func TestWorkloadMembersInAnyOrder(t *testing.T) {
	members := []string{
		`"uid":"u"`, `"kind":{"group":"apps","version":"v1","kind":"Deployment"}`, `"operation":"UPDATE"`, `"namespace":"a"`,
		`"object":` + workloadObject("Deployment", asksHostNetwork, plainTemplate), `"oldObject":` + workloadObject("Deployment", "null", plainTemplate),
	}
	r := newReviewer(t)
	permute(members, func(members []string) {
		body := []byte(`{"request":{` + strings.Join(members, ",") + `},"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`)
		if _, rec := ask(t, r, body); rec.Decision != Patched {
			t.Fatalf("%s: %s %s", body, rec.Decision, rec.Message)
		}
	})
}

// An order of members that differs is no change of the template.
func TestSameTemplate(t *testing.T) {
	bad := `{"netmode.io/mode":"hostnet"}`
	reordered := `{"spec":{"inventedField":1,"containers":[{"image":"i","name":"c","ports":[{"containerPort":80}]}]},"metadata":{"labels":{"app":"d1"}}}`
	for template, decision := range map[string]Decision{plainTemplate: Unchanged, reordered: Unchanged, strings.Replace(plainTemplate, "80", "81", 1): Refused} {
		body := workloadRequest("Deployment", "UPDATE", workloadObject("Deployment", bad, template), workloadObject("Deployment", bad, plainTemplate))
		resp, rec := ask(t, newReviewer(t), body)
		if rec.Decision != decision || decision == Unchanged && len(resp.Warnings) != 1 {
			t.Errorf("%s: %s %q", template, rec.Decision, resp.Warnings)
		}
	}
}

// Workloads that netmode leaves alone.
func TestWorkloadLeftAlone(t *testing.T) {
	asks := workloadObject("Deployment", asksHostNetwork, plainTemplate)
	plain := workloadRequest("Deployment", "CREATE", asks, "null")
	edit := func(old, with string) []byte { return []byte(strings.Replace(string(plain), old, with, 1)) }
	deleted := strings.Replace(workloadObject("Deployment", `{"netmode.io/mode":"hostnet"}`, plainTemplate), `"name":"web"`, `"name":"web","deletionTimestamp":"2026-11-24T00:00:00Z"`, 1)
	for name, tt := range map[string]struct {
		body   []byte
		kind   string
		reason plan.Reason
	}{
		"DELETE":        {edit(`"CREATE"`, `"DELETE"`), "Deployment", plan.UnsupportedOperation},
		"scale":         {edit(`"operation"`, `"subResource":"scale","operation"`), KindOther, plan.UnsupportedKind},
		"status":        {edit(`"operation"`, `"subResource":"status","operation"`), KindOther, plan.UnsupportedKind},
		"another group": {edit(`"apps"`, `"batch"`), KindOther, plan.UnsupportedKind},
		"apps/v1beta1":  {edit(`"version":"v1"`, `"version":"v1beta1"`), KindOther, plan.UnsupportedKind},
		"ReplicaSet":    {edit(`"kind":"Deployment"`, `"kind":"ReplicaSet"`), KindOther, plan.UnsupportedKind},
		"kube-system":   {edit(`"namespace":"a","name"`, `"namespace":"kube-system","name"`), "Deployment", plan.ExemptNamespace},
		"being deleted": {workloadRequest("Deployment", "UPDATE", deleted, deleted), "Deployment", plan.BeingDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReviewer(t)
			if _, rec := ask(t, r, plain); rec.Decision != Patched {
				t.Fatalf("without the change it is %s", rec.Decision)
			}
			resp, rec := ask(t, r, tt.body)
			if rec.Decision != Unchanged || rec.Kind != tt.kind || !contains(rec.Reasons, tt.reason) || len(resp.Warnings) > 0 {
				t.Errorf("%+v, warnings %q", rec, resp.Warnings)
			}
		})
	}
}

func TestMalformedWorkloads(t *testing.T) {
	good := workloadObject("Deployment", asksHostNetwork, plainTemplate)
	for _, tt := range []struct{ operation, object, old, want string }{
		{"CREATE", "null", "null", "request.object: Required value: there is no object to look at"},
		{"CREATE", `{"metadata":[]}`, "null", "metadata: is a list, and must be an object"},
		{"CREATE", `{"metadata":{},"spec":{}}`, "null", "spec.template: Required value: a Deployment has one"},
		{"CREATE", `{"metadata":{},"spec":{"template":{"spec":{"hostNetwork":"yes"}}}}`, "null", "spec.template.spec.hostNetwork: is a string, and must be true or false"},
		{"UPDATE", good, "null", "request.oldObject: spec.template: Required value: a Deployment has one"},
		{"UPDATE", good, `{"spec":5}`, "request.oldObject: spec: is a number, and must be an object"},
		{"UPDATE", good, `{"metadata":{"annotations":{"a":1}}}`, "request.oldObject: metadata.annotations.a: is a number, and must be a string: put quotes around it"},
	} {
		_, rec := ask(t, newReviewer(t), workloadRequest("Deployment", tt.operation, tt.object, tt.old))
		if rec.Decision != Malformed || rec.Message != tt.want {
			t.Errorf("%s %s %s: %s %q\nwant %q", tt.operation, tt.object, tt.old, rec.Decision, rec.Message, tt.want)
		}
	}
}

// Memory that is behind is asked past for a workload as for a pod; what is
// missing all the same may come before the pods.
func TestWorkloadBeforeItsService(t *testing.T) {
	selecting := api.Service{Metadata: api.ObjectMeta{Name: "young"}, Spec: api.ServiceSpec{ClusterIP: api.ClusterIPNone, Selector: map[string]string{"app": "d1"}}}
	body := workloadRequest("Deployment", "CREATE", workloadObject("Deployment", `{"netmode.io/mode":"headless"}`, plainTemplate), "null")
	for _, tt := range []struct {
		latest []api.Service
		reason plan.Reason
	}{
		{[]api.Service{selecting}, plan.GoverningServiceDerived},
		{nil, plan.GoverningServiceUnknown},
	} {
		asked := 0
		r := newReviewer(t)
		r.Snapshots = lagging{latest: tt.latest, asked: &asked}
		if _, rec := ask(t, r, body); rec.Decision != Patched || !contains(rec.Reasons, tt.reason) || asked != 1 {
			t.Errorf("%s %v after %d live lists, want patched, %s", rec.Decision, rec.Reasons, asked, tt.reason)
		}
	}
}

// FuzzWorkloadReview: whatever the two objects are, there is an answer, and what
// is patched is not patched again.
func FuzzWorkloadReview(f *testing.F) {
	plain, asks := workloadObject("Job", "null", plainTemplate), workloadObject("Job", asksHostNetwork, plainTemplate)
	f.Add("Job", asks, plain)
	f.Add("Deployment", asks, "null")
	f.Add("CronJob", workloadObject("CronJob", asksHostNetwork, `{"metadata":null}`), `{"spec":{"jobTemplate":{}}}`)
	f.Add("StatefulSet", `{"metadata":{"annotations":null},"spec":{"template":{"metadata":{"annotations":{"netmode.io/copied":",,"}}}}}`, "[]")
	f.Fuzz(func(t *testing.T, kind, object, old string) {
		if !json.Valid([]byte(object)) || !json.Valid([]byte(old)) {
			return
		}
		if _, err := json.Marshal(kind); err != nil || !workload.IsKind("apps", "v1", kind) && !workload.IsKind("batch", "v1", kind) {
			return
		}
		operation := "UPDATE"
		if old == "null" {
			operation = "CREATE"
		}
		r := newReviewer(t)
		body := workloadRequest(kind, operation, object, old)
		answer, rec, err := r.Review(t.Context(), body)
		if err != nil {
			return // such as a name twice
		}
		resp := readAnswer(t, body, answer, rec)
		if rec.Decision != Patched {
			return
		}
		again := workloadRequest(kind, operation, string(apply(t, body, resp.Patch)), old)
		if resp, rec := ask(t, r, again); rec.Decision != Unchanged {
			t.Errorf("the second call: %s %s", rec.Decision, resp.Patch)
		}
	})
}
