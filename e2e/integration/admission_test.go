package integration

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	reviewer "github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/workload"
)

// admission is one object on its way into the cluster.
type admission struct {
	object   *manifest.Object
	pod      []byte // of the object's template, else nil
	settings *engine.Settings
	around   engineCluster
	invalid  string // to Kubernetes, in these words among others; "" if it is valid
}

func (a *admission) check(t *testing.T) {
	input := a.input(t)
	entry := a.entry(t, input)
	planned, plan := a.review(t, entry, input)
	want, unplanned := a.alone(t, planned), a.alone(t, input)
	got := shared.post(t.Context(), a.object.Namespace, a.resource(), input)
	if got.err == nil && slices.Contains(a.settings.ExemptNamespaces, a.object.Namespace) {
		defer shared.remove(t, a.resource(), got)
	}
	a.wantAsOffline(t, entry, input, got)

	if !plan.Allowed {
		wantDenied(t, got, string(entry)+".mutate.netmode.io", plan.Result.Message)
		wantWarnings(t, got, plan.Warnings...)
		return
	}
	wantWarnings(t, got.withoutPolicies(), slices.Concat(want.warnings, plan.Warnings)...)
	if want.err == nil { // what Kubernetes refuses does not come so far
		for _, difference := range differences(got, a.judge(t, a.back(t, input, want.object))) {
			t.Error(difference)
		}
	}
	switch {
	case a.invalid != "":
		for _, refused := range []*answer{unplanned, want, got} {
			if refused.err == nil || !strings.Contains(refused.err.Error(), a.invalid) {
				t.Errorf("want an error with %q, got %v", a.invalid, refused.err)
			}
		}
	case want.err != nil:
		t.Errorf("what netmode plans is invalid to Kubernetes: %v\nwithout netmode: %v", want.err, unplanned.err)
	case got.err == nil:
		if diff := cmp.Diff(essence(t, a.back(t, input, want.object)), essence(t, got.object)); diff != "" {
			t.Errorf("stored is not what is planned (-planned +stored):\n%s", diff)
		}
	}
}

// input is what a person or a controller sends.
func (a *admission) input(t *testing.T) []byte {
	t.Helper()
	raw := a.pod
	if raw == nil {
		var err error
		if raw, err = workload.Admitted(a.object.APIVersion, a.object.Kind, a.object.JSON, a.object.Namespace); err != nil {
			t.Fatal(err)
		}
	}
	switch a.object.Kind {
	case "StatefulSet":
		raw = withClaims(t, raw, a.object.JSON)
	case "DaemonSet":
		var err error
		if raw, err = workload.OnNode(raw, "node-1.example"); err != nil {
			t.Fatal(err)
		}
	}
	return edit(t, raw, func(metadata map[string]any) {
		metadata["namespace"] = a.object.Namespace
		delete(metadata, "deletionTimestamp") // as the API server does on create
		if owners, ok := metadata["ownerReferences"].([]any); ok {
			for _, owner := range owners {
				if owner, ok := owner.(map[string]any); ok && owner["uid"] == nil {
					owner["uid"] = "00000000-0000-4000-8000-000000000000"
				}
			}
		}
	})
}

// withClaims adds the volumes of a StatefulSet's claims to its pod, as its controller does.
func withClaims(t *testing.T, pod, set []byte) []byte {
	t.Helper()
	var from appsv1.StatefulSet
	if err := json.Unmarshal(set, &from); err != nil {
		t.Fatal(err)
	}
	for _, claim := range from.Spec.VolumeClaimTemplates {
		volume := corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name},
		}}
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{"volumes": []corev1.Volume{volume}}})
		if err == nil {
			pod, err = strategicpatch.StrategicMergePatch(pod, patch, corev1.Pod{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return pod
}

// alone is what Kubernetes by itself makes of an object: netmode does not touch what bears the
// label, and there are no policies.
func (a *admission) alone(t *testing.T, object []byte) *answer {
	t.Helper()
	namespace := bare(a.object.Namespace)
	object = edit(t, object, func(metadata map[string]any) {
		labels, ok := metadata["labels"].(map[string]any)
		if !ok {
			labels = map[string]any{}
			metadata["labels"] = labels
		}
		labels[api.LabelIgnore], metadata["namespace"] = "true", namespace
	})
	return shared.post(t.Context(), namespace, a.resource(), object, dryRun)
}

// back is what alone stores, with the namespace and the labels of the input.
func (a *admission) back(t *testing.T, input, stored []byte) []byte {
	t.Helper()
	var meta metav1.PartialObjectMetadata
	if err := json.Unmarshal(input, &meta); err != nil {
		t.Fatal(err)
	}
	return edit(t, stored, func(metadata map[string]any) {
		metadata["namespace"] = a.object.Namespace
		delete(metadata, "labels")
		if len(meta.Labels) > 0 {
			metadata["labels"] = meta.Labels
		}
	})
}

// entry is the webhook entry which the object is sent to; "": it is sent to none. Objects with an annotation of their author's are sent, and all pods of namespaces
// with a mode or with policies, outside of kube-system and netmode's own namespace.
func (a *admission) entry(t *testing.T, input []byte) api.Entry {
	t.Helper()
	var meta metav1.PartialObjectMetadata
	if err := json.Unmarshal(input, &meta); err != nil {
		t.Fatal(err)
	}
	asks := func(key string) bool {
		return strings.HasPrefix(key, "netmode.io/") && key != api.AnnotationStatus && key != api.AnnotationCopied
	}
	_, hasMode := a.around.namespace.Labels[api.LabelMode]
	switch {
	case slices.Contains(a.settings.ExemptNamespaces, a.object.Namespace):
		return ""
	case slices.ContainsFunc(slices.Collect(maps.Keys(meta.Annotations)), asks):
		return api.EntryAsked
	case a.isService():
		return ""
	case hasMode:
		return api.EntryNamespace
	case a.around.namespace.Labels[api.LabelPolicy] == api.PolicyEnabled:
		return api.EntryPolicy
	}
	return ""
}

// review is what the reviewer answers about an object that is sent to an entry, and the object
// with it.
func (a *admission) review(t *testing.T, entry api.Entry, input []byte) ([]byte, *admissionv1.AdmissionResponse) {
	t.Helper()
	if entry == "" {
		return input, &admissionv1.AdmissionResponse{Allowed: true}
	}
	kind := "Pod"
	if a.isService() {
		kind = "Service"
	}
	review, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Kind: metav1.GroupVersionKind{Version: "v1", Kind: kind}, Operation: admissionv1.Create,
			Namespace: a.object.Namespace, Object: runtime.RawExtension{Raw: input},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	asIs := reviewer.Reviewer{Entry: entry, Settings: a.settings, Snapshots: reviewer.FixedSnapshot{Of: a.around}}
	text, _, err := asIs.Review(t.Context(), review)
	if err != nil {
		t.Fatal(err)
	}
	var answered admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &answered); err != nil {
		t.Fatal(err)
	}
	response := answered.Response
	if len(response.Patch) == 0 {
		return input, response
	}
	operations, err := jsonpatch.DecodePatch(response.Patch)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := operations.Apply(input)
	if err != nil {
		t.Fatal(err)
	}
	return planned, response
}

// judge is what Go makes of the object as it is in the end.
func (a *admission) judge(t *testing.T, final []byte) verdict {
	t.Helper()
	if slices.Contains(a.settings.ExemptNamespaces, a.object.Namespace) {
		return nil
	}
	policies := a.around.Policies(a.object.Namespace)
	if a.isService() {
		return judgeService(t, policies, final)
	}
	return judgePod(t, policies, a.around.namespace.Labels, final)
}

func (a *admission) isService() bool { return a.pod == nil && a.object.Kind == "Service" }

func (a *admission) resource() string {
	if a.isService() {
		return "services"
	}
	return "pods"
}

// edit changes an object's metadata.
func edit(t *testing.T, raw []byte, change func(metadata map[string]any)) []byte {
	t.Helper()
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		t.Fatalf("no metadata in %s", raw)
	}
	change(metadata)
	edited, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

// essence is a stored object without what differs from one create to the next.
func essence(t *testing.T, stored []byte) map[string]any {
	t.Helper()
	var object map[string]any
	var name any // of a pod whose name is generated, in each request another
	raw := edit(t, stored, func(metadata map[string]any) {
		for _, key := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"} {
			delete(metadata, key)
		}
		if metadata["generateName"] != nil {
			name = metadata["name"]
			delete(metadata, "name")
		}
	})
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		t.Fatalf("no spec in %s", raw)
	}
	if name != nil && spec["hostname"] == name {
		spec["hostname"] = "the pod's name"
		for _, list := range []string{"containers", "initContainers"} {
			hideHostname(spec[list], name)
		}
	}
	if ip, ok := spec["clusterIP"].(string); ok && ip != corev1.ClusterIPNone {
		spec["clusterIP"], spec["clusterIPs"] = "allocated", nil
	}
	return object
}

// hideHostname puts the same text into the variables that tell containers their pod's hostname.
func hideHostname(containers, hostname any) {
	list, _ := containers.([]any)
	for _, c := range list {
		container, _ := c.(map[string]any)
		env, _ := container["env"].([]any)
		for _, v := range env {
			if variable, ok := v.(map[string]any); ok && variable["name"] == api.EnvHostname && variable["value"] == hostname {
				variable["value"] = "the pod's name"
			}
		}
	}
}
