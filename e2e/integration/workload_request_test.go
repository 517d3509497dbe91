package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/pkg/api"
)

// workload is one in the API server, called web, or still to come.
type testWorkload struct{ kind, namespace string }

// manifest is the workload with annotations of its own, in YAML, and with those of its
// template. The spec is more of it, in YAML, and may be empty.
func (w testWorkload) manifest(own, template, spec string) string {
	apiVersion, labels := "apps/v1", "{app: web}"
	selector := "selector: {matchLabels: {app: web}}"
	restart := "Always"
	if w.kind == "Job" || w.kind == "CronJob" {
		apiVersion, selector, restart = "batch/v1", "", "Never"
	}
	if spec == "" {
		spec = "{}"
	}
	annotations := func(a string) string {
		if a == "{}" {
			return "" // an empty map would have an owner, too
		}
		return ", annotations: " + a
	}
	indented := func(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }
	body := fmt.Sprintf(`
%s
template:
  metadata: {labels: %s%s}
  spec: {restartPolicy: %s, containers: [{name: web, image: "registry.example.com/web:1", ports: [{containerPort: 8080}]}]}`,
		selector, labels, annotations(template), restart)
	if w.kind == "CronJob" {
		body = "\nschedule: \"0 3 * * *\"\njobTemplate:\n  spec:" + strings.ReplaceAll(indented(body), "\n", "\n  ")
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: web%s}\nspec:\n  <<: %s%s\n", apiVersion, w.kind, annotations(own), spec, indented(body))
}

// client leads to the workload's kind.
func (w testWorkload) client() rest.Interface {
	if w.kind == "Job" || w.kind == "CronJob" {
		return shared.admin.BatchV1().RESTClient()
	}
	return shared.admin.AppsV1().RESTClient()
}

func (w testWorkload) resource() string { return strings.ToLower(w.kind) + "s" }

// send adds the workload's place and the object to a request, and sends it.
func (w testWorkload) send(ctx context.Context, request *rest.Request, options any, body []byte, sub ...string) *answer {
	a := &answer{}
	request = request.Namespace(w.namespace).Resource(w.resource()).SubResource(sub...).SetHeader("Accept", "application/json")
	switch o := options.(type) {
	case *metav1.CreateOptions:
		request = request.VersionedParams(o, scheme.ParameterCodec).SetHeader("Content-Type", "application/json")
	case *metav1.UpdateOptions:
		request = request.Name("web").VersionedParams(o, scheme.ParameterCodec).SetHeader("Content-Type", "application/json")
	case *metav1.PatchOptions:
		request = request.Name("web").VersionedParams(o, scheme.ParameterCodec)
	}
	result := request.Body(body).Do(context.WithValue(ctx, answerKey{}, a))
	if a.err = result.Error(); a.err == nil {
		a.object, a.err = result.Raw()
	}
	return a
}

// create is kubectl create.
func (w testWorkload) create(t *testing.T, own, template, spec string) *answer {
	t.Helper()
	return w.send(t.Context(), w.client().Post(), &metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}, toJSON(t, w.manifest(own, template, spec)))
}

// merge is kubectl patch --type=merge, and kubectl annotate. The patch is YAML.
func (w testWorkload) merge(t *testing.T, patch string, sub ...string) *answer {
	t.Helper()
	return w.send(t.Context(), w.client().Patch(types.MergePatchType), &metav1.PatchOptions{FieldManager: "kubectl-annotate"}, toJSON(t, patch), sub...)
}

// annotate is kubectl annotate with words such as netmode.io/mode: headless; null removes.
func (w testWorkload) annotate(t *testing.T, annotations string) *answer {
	t.Helper()
	return w.merge(t, "metadata: {annotations: {"+annotations+"}}")
}

// apply is kubectl apply --server-side of a manifest by a manager.
func (w testWorkload) apply(t *testing.T, manager, manifest string) *answer {
	t.Helper()
	options := &metav1.PatchOptions{FieldManager: manager, FieldValidation: metav1.FieldValidationStrict}
	return w.send(t.Context(), w.client().Patch(types.ApplyPatchType), options, toJSON(t, manifest))
}

// replace changes the stored object as kubectl replace does.
func (w testWorkload) replace(t *testing.T, change func(object map[string]any)) *answer {
	t.Helper()
	raw, err := w.client().Get().Namespace(w.namespace).Resource(w.resource()).Name("web").SetHeader("Accept", "application/json").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	change(object)
	if raw, err = json.Marshal(object); err != nil {
		t.Fatal(err)
	}
	return w.send(t.Context(), w.client().Put(), &metav1.UpdateOptions{}, raw)
}

// templated is the part of a workload that has to do with copies.
type templated struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Template    corev1.PodTemplateSpec `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

// template is the pod template of an answer that must not be an error.
func (w testWorkload) template(t *testing.T, a *answer) *corev1.PodTemplateSpec {
	t.Helper()
	object := stored[templated](t, a)
	if w.kind == "CronJob" {
		return &object.Spec.JobTemplate.Spec.Template
	}
	return &object.Spec.Template
}

// wantTemplate holds the template of an answer to netmode's annotations, in YAML.
func (w testWorkload) wantTemplate(t *testing.T, a *answer, annotations string) {
	t.Helper()
	want := *from[map[string]string](t, annotations)
	got := maps.Clone(w.template(t, a).Annotations)
	maps.DeleteFunc(got, func(key, _ string) bool { return !strings.HasPrefix(key, api.Prefix) })
	if len(want)+len(got) > 0 {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("annotations of the template (-want +got):\n%s", diff)
		}
	}
}

// post creates an object of the workload's kind.
func (w testWorkload) post(t *testing.T, object any) *answer {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return w.send(t.Context(), w.client().Post(), &metav1.CreateOptions{}, raw)
}

// ownedBy is what a controller writes into the objects that it makes.
func ownedBy(owner *batchv1.CronJob) *metav1.OwnerReference {
	return metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("CronJob"))
}
