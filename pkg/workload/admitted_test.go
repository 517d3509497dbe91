package workload_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/workload"
)

func admit(o *manifest.Object) ([]byte, error) {
	return workload.Admitted(o.APIVersion, o.Kind, o.JSON, "storm")
}

func admitted(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := admit(only(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAdmittedPod(t *testing.T) {
	pod := podOf(t, admitted(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: other, labels: {b: c}}\nspec: {dnsPolicy: None, hostname: h, containers: [{name: x}]}\n"))
	seconds, links := int64(30), true
	want := corev1.PodSpec{
		DNSPolicy: corev1.DNSNone, Hostname: "h", Containers: []corev1.Container{{Name: "x"}}, RestartPolicy: corev1.RestartPolicyAlways,
		SecurityContext: &corev1.PodSecurityContext{}, SchedulerName: "default-scheduler", TerminationGracePeriodSeconds: &seconds, EnableServiceLinks: &links,
	}
	if diff := cmp.Diff(want, pod.Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if pod.Namespace != "storm" || pod.Name != "a" || pod.Labels["b"] != "c" {
		t.Errorf("metadata %+v", pod.ObjectMeta)
	}
	for _, bare := range []string{"", "metadata:\nspec:\n", "metadata: {}\nspec: {}\n"} {
		if pod := podOf(t, admitted(t, "apiVersion: v1\nkind: Pod\n"+bare)); pod.Namespace != "storm" || pod.Spec.DNSPolicy != corev1.DNSClusterFirst {
			t.Errorf("%q: %+v", bare, pod)
		}
	}
}

func TestAdmittedService(t *testing.T) {
	read := func(text string) corev1.Service {
		var service corev1.Service
		strict := json.NewDecoder(bytes.NewReader(admitted(t, text)))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&service); err != nil {
			t.Fatal(err)
		}
		if service.APIVersion != "v1" || service.Kind != "Service" || service.Namespace != "storm" {
			t.Errorf("got %+v", service)
		}
		return service
	}
	cluster := corev1.ServiceInternalTrafficPolicyCluster
	want := corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, SessionAffinity: corev1.ServiceAffinityNone, InternalTrafficPolicy: &cluster}
	if diff := cmp.Diff(want, read("apiVersion: v1\nkind: Service\n").Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want.Type, want.SessionAffinity, want.ClusterIP = corev1.ServiceTypeNodePort, corev1.ServiceAffinityClientIP, "10.96.0.99"
	if diff := cmp.Diff(want, read("apiVersion: v1\nkind: Service\nspec: {type: NodePort, sessionAffinity: ClientIP, clusterIP: 10.96.0.99}\n").Spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAdmittedOthers come back as they are.
func TestAdmittedOthers(t *testing.T) {
	for _, text := range []string{"apiVersion: v1\nkind: ConfigMap\n", "apiVersion: example.com/v1\nkind: Pod\nspec: 5\n", "apiVersion: serving.knative.dev/v1\nkind: Service\n"} {
		if got, want := string(admitted(t, text)), string(only(t, text).JSON); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAdmittedOfWrongType(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Pod\nspec: []\n":    "spec: is a list, and must be an object",
		"apiVersion: v1\nkind: Service\nspec: 5\n": "spec: is a number, and must be an object",
	} {
		got, err := admit(only(t, text))
		if got != nil || err == nil || err.Error() != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
