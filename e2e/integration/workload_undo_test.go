package integration

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const copiedHost = "{netmode.io/mode: hostnetwork, " + copiedMode + "}"

// undoDeployment is kubectl rollout undo --to-revision: one patch puts the template and the
// annotations of a ReplicaSet in the place of the Deployment's, but for those of
// deployment.kubernetes.io and of kubectl apply (k8s.io/kubectl/pkg/polymorphichelpers,
// DeploymentRollbacker). A ReplicaSet has the annotations that the Deployment had with it.
func (w testWorkload) undoDeployment(t *testing.T, template *corev1.PodTemplateSpec, annotations map[string]string) *answer {
	t.Helper()
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/spec/template", "value": template},
		{"op": "replace", "path": "/metadata/annotations", "value": annotations},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.send(t.Context(), w.client().Patch(types.JSONPatchType), &metav1.PatchOptions{}, patch)
}

// TestDeploymentUndone: unlike a StatefulSet or DaemonSet, a Deployment gets its own annotations
// back with the template. So undo does what it says: before the annotation, the mode is gone from
// both, and nobody is told to remove it; back again, it is in both.
func TestDeploymentUndone(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Deployment", shared.namespace(t, nil)}
	want := func(a *answer, own map[string]string, template string) {
		t.Helper()
		w.wantTemplate(t, a, template)
		if diff := cmp.Diff(own, stored[templated](t, a).Annotations); diff != "" {
			t.Errorf("annotations (-want +got):\n%s", diff)
		}
		if strings.Contains(strings.Join(a.warnings, "\n"), "CopiedAgain") {
			t.Errorf("warnings %q", a.warnings)
		}
	}
	undo := func(to *answer) *answer {
		t.Helper()
		return w.undoDeployment(t, w.template(t, to), stored[templated](t, to).Annotations)
	}
	bare := map[string]string{"example.com/a": "b"}
	hostnetwork, none := maps.Clone(bare), maps.Clone(bare)
	hostnetwork["netmode.io/mode"], none["netmode.io/mode"] = "hostnetwork", "default"

	plain := w.create(t, "{example.com/a: b}", "{}", "")
	asked := w.annotate(t, "netmode.io/mode: hostnetwork")
	want(asked, hostnetwork, copiedHost)
	undone := undo(plain)
	want(undone, bare, "{}")
	wantWarnings(t, undone)
	if diff := cmp.Diff(w.template(t, plain), w.template(t, undone)); diff != "" {
		t.Errorf("the template is not as it was (-before +after):\n%s", diff)
	}
	want(undo(asked), hostnetwork, copiedHost)

	other := w.annotate(t, "netmode.io/mode: default")
	want(other, none, "{netmode.io/mode: default, "+copiedMode+"}")
	want(undo(asked), hostnetwork, copiedHost)
	want(undo(other), none, "{netmode.io/mode: default, "+copiedMode+"}")
	// What came back by undo is followed as what was written by hand.
	want(w.annotate(t, "netmode.io/mode: null"), bare, "{}")
}

// TestDeploymentUndoneToBeforeNetmode: a revision may have the annotation and, since netmode was
// not there yet, no copy of it. The annotation counts, as it would if it were applied.
func TestDeploymentUndoneToBeforeNetmode(t *testing.T) {
	t.Parallel()
	w := testWorkload{"Deployment", shared.namespace(t, nil)}
	first := w.template(t, w.create(t, "{netmode.io/mode: hostnetwork}", "{}", ""))
	first.Annotations = nil
	w.wantTemplate(t, w.merge(t, `spec: {template: {spec: {containers: [{name: web, image: "registry.example.com/web:2"}]}}}`), copiedHost)
	undone := w.undoDeployment(t, first, map[string]string{"netmode.io/mode": "hostnetwork"})
	w.wantTemplate(t, undone, copiedHost)
	if image := w.template(t, undone).Spec.Containers[0].Image; image != "registry.example.com/web:1" {
		t.Errorf("image %s", image)
	}
	if !strings.Contains(strings.Join(undone.warnings, "\n"), "they follow those of the Deployment again") {
		t.Errorf("warnings %q", undone.warnings)
	}
}
