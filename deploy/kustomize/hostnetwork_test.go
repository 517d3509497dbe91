package kustomize_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// What the component changes, and nothing beside it; the result is tested where it is rendered.
func TestHostNetworkPatches(t *testing.T) {
	all := objects(t, "host-network/component/namespace.yaml", "host-network/component/webhook-deployment.yaml")

	namespace := named[*corev1.Namespace](t, all, ownNamespace)
	if want := map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}; !cmp.Equal(want, namespace.Labels) {
		t.Errorf("labels %v", namespace.Labels)
	}

	want := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ownNamespace, Name: webhookName},
		Spec: appsv1.DeploymentSpec{
			Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{
				MaxSurge: new(intstr.FromInt32(0)), MaxUnavailable: new(intstr.FromInt32(1)),
			}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{HostNetwork: true, DNSPolicy: corev1.DNSClusterFirstWithHostNet}},
		},
	}
	if diff := cmp.Diff(want, named[*appsv1.Deployment](t, all, webhookName)); diff != "" {
		t.Error(diff)
	}

	var operations []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	decode(t, read(t, "host-network/component/webhook-ports.yaml"), &operations)
	if len(operations) == 0 {
		t.Error("no operation")
	}
	for _, patch := range readKustomization(t, "host-network/component").Patches {
		of := patch.Target
		if patch.Path == "webhook-ports.yaml" && (of.Group != appsv1.GroupName || of.Kind != "Deployment" || of.Name != webhookName) {
			t.Errorf("the operations are for %+v", of)
		}
	}
}
