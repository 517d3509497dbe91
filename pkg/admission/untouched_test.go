package admission

import (
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

type change func(request *admissionv1.AdmissionRequest, object map[string]any)

// Each of these would be patched without the change.
func TestLeftAlone(t *testing.T) {
	operation := func(o admissionv1.Operation) change {
		return func(request *admissionv1.AdmissionRequest, _ map[string]any) { request.Operation = o }
	}
	subResource := func(name string) change {
		return func(request *admissionv1.AdmissionRequest, _ map[string]any) { request.SubResource = name }
	}
	namespace := func(name string) change {
		return func(request *admissionv1.AdmissionRequest, _ map[string]any) { request.Namespace = name }
	}
	kind := func(group, version, kind string) change {
		return func(request *admissionv1.AdmissionRequest, _ map[string]any) {
			request.Kind = metav1.GroupVersionKind{Group: group, Version: version, Kind: kind}
		}
	}
	metadata := func(name, key string, value any) change {
		return func(_ *admissionv1.AdmissionRequest, object map[string]any) {
			if key == "" {
				member(object, "metadata")[name] = value
				return
			}
			member(object, "metadata", name)[key] = value
		}
	}
	mirror := func(request *admissionv1.AdmissionRequest, object map[string]any) {
		member(object, "metadata", "annotations")[api.AnnotationMirror] = "0123"
		request.UserInfo.Groups = []string{"system:authenticated", "system:nodes"}
	}
	for _, tt := range []struct {
		name    string
		change  change
		reason  plan.Reason
		kind    string
		podOnly bool
	}{
		{"ReplicaSet", kind("apps", "v1", "ReplicaSet"), plan.UnsupportedKind, KindOther, false},
		{"Pod of another group", kind("example.com", "v1", "Pod"), plan.UnsupportedKind, KindOther, false},
		{"Service of Knative", kind("serving.knative.dev", "v1", "Service"), plan.UnsupportedKind, KindOther, false},
		{"another version", kind("", "v2", "Pod"), plan.UnsupportedKind, KindOther, false},
		{"hostile kind", kind("", "v1", "Pod\"} 1\n"), plan.UnsupportedKind, KindOther, false},
		{"Pod UPDATE", operation(admissionv1.Update), plan.UnsupportedOperation, "Pod", true},
		{"DELETE", operation(admissionv1.Delete), plan.UnsupportedOperation, "", false},
		{"CONNECT", operation(admissionv1.Connect), plan.UnsupportedOperation, "", false},
		{"no operation", operation(""), plan.UnsupportedOperation, "", false},
		{"hostile operation", operation("CREATE\n"), plan.UnsupportedOperation, "", false},
		{"status", subResource("status"), plan.UnsupportedKind, KindOther, false},
		{"ephemeral containers", subResource("ephemeralcontainers"), plan.UnsupportedKind, KindOther, true},
		{"binding", subResource("binding"), plan.UnsupportedKind, KindOther, true},
		{"ignore label", metadata("labels", "netmode.io/ignore", "true"), plan.IgnoreLabel, "", false},
		{"kube-system", namespace("kube-system"), plan.ExemptNamespace, "", false},
		{"netmode's own namespace", namespace("netmode-system"), plan.ExemptNamespace, "", false},
		{"deletionTimestamp", metadata("deletionTimestamp", "", "2026-11-23T05:00:58Z"), plan.BeingDeleted, "", false},
		{"Service UPDATE", operation(admissionv1.Update), plan.UnsupportedOperation, "", false},
		{"mirror pod", mirror, plan.MirrorPod, "Pod", true},
	} {
		for _, fixture := range []string{replicaSetPod, statefulSetPod, serviceCreate} {
			if tt.podOnly && fixture == serviceCreate {
				continue
			}
			t.Run(tt.name+" "+fixture, func(t *testing.T) {
				want, r := "mode=hostnetwork", newReviewer(t)
				if fixture == serviceCreate {
					want = "mode=headless"
				}
				if _, rec := ask(t, r, annotated(t, fixture, want)); rec.Decision != Patched {
					t.Fatalf("without the change it is %s", rec.Decision)
				}
				_, rec := ask(t, r, edited(t, fixture, func(request *admissionv1.AdmissionRequest, object map[string]any) {
					annotate(object, want)
					tt.change(request, object)
				}))
				if rec.Decision != Unchanged || !contains(rec.Reasons, tt.reason) {
					t.Errorf("%s, reasons %v, want unchanged, %s", rec.Decision, rec.Reasons, tt.reason)
				}
				if tt.kind != "" && rec.Kind != tt.kind {
					t.Errorf("counted as %q, want %q", rec.Kind, tt.kind)
				}
			})
		}
	}
}

// A bad annotation on what is left alone is not netmode's business.
func TestLeftAloneWithBadAnnotation(t *testing.T) {
	for _, ns := range []string{"kube-system", "netmode-system"} {
		body := edited(t, replicaSetPod, func(request *admissionv1.AdmissionRequest, object map[string]any) {
			annotate(object, "mode=nonsense")
			request.Namespace = ns
		})
		if _, rec := ask(t, newReviewer(t), body); rec.Decision != Unchanged {
			t.Errorf("%s: %s %s", ns, rec.Decision, rec.Message)
		}
	}
}

// DELETE sends no object, and an object of another kind is not even decoded.
func TestNoObjectNeeded(t *testing.T) {
	deletion := edited(t, replicaSetPod, func(request *admissionv1.AdmissionRequest, _ map[string]any) { request.Operation = admissionv1.Delete })
	bodies := map[string][]byte{
		"no kind and no object": []byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}`),
		"node":                  []byte(replaced(t, replicaSetPod, `"kind":{"group":"","version":"v1","kind":"Pod"}`, `"kind":{"group":"","version":"v1","kind":"Node"}`)),
		"DELETE":                deletion,
	}
	for name, body := range bodies {
		if _, rec := ask(t, newReviewer(t), body); rec.Decision != Unchanged {
			t.Errorf("%s: %s %s", name, rec.Decision, rec.Message)
		}
	}
}

// Whoever is no kubelet gets nothing by the annotation of mirror pods.
func TestForgedMirrorPod(t *testing.T) {
	for _, groups := range [][]string{nil, {"system:authenticated"}, {"system:nodes:x"}} {
		body := edited(t, replicaSetPod, func(request *admissionv1.AdmissionRequest, object map[string]any) {
			annotate(object, "mode=hostnetwork")
			member(object, "metadata", "annotations")[api.AnnotationMirror] = "0123"
			request.UserInfo.Groups = groups
		})
		if _, rec := ask(t, newReviewer(t), body); rec.Decision != Patched {
			t.Errorf("%v: %s %v", groups, rec.Decision, rec.Reasons)
		}
	}
}
