package integration

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestServiceThenPod: a pod finds the Service that was created a moment before it, however far
// the webhook's cache is behind.
func TestServiceThenPod(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	for i := range 50 {
		name := fmt.Sprintf("db%d", i)
		pod := toJSON(t, fmt.Sprintf(
			`{metadata: {name: %s, labels: {app: %s}, annotations: {netmode.io/mode: headless}}, spec: {containers: [{name: c, image: i}]}}`, name, name))
		if a := shared.post(t.Context(), ns, "services", toJSON(t, fmt.Sprintf(
			`{metadata: {name: %s, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: %s}}}`, name, name))); a.err != nil {
			t.Fatal(a.err)
		}
		a := shared.post(t.Context(), ns, "pods", pod)
		if a.err != nil {
			t.Fatalf("pod %d: %v", i, a.err)
		}
		if spec := stored[corev1.Pod](t, a).Spec; spec.Subdomain != name || spec.Hostname != name {
			t.Errorf("hostname %s, subdomain %s, want %s", spec.Hostname, spec.Subdomain, name)
		}
	}
}

// TestRefusedThenServiceThenPod: who was refused for want of a Service, makes it and tries again at
// once, is not refused again.
func TestRefusedThenServiceThenPod(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	for i := range 20 {
		name := fmt.Sprintf("db%d", i)
		pod := toJSON(t, fmt.Sprintf(
			`{metadata: {name: %s, labels: {app: %s}, annotations: {netmode.io/mode: headless}}, spec: {containers: [{name: c, image: i}]}}`, name, name))
		if a := shared.post(t.Context(), ns, "pods", pod); a.err == nil {
			t.Fatal("accepted without a Service")
		}
		if a := shared.post(t.Context(), ns, "services", toJSON(t, fmt.Sprintf(
			`{metadata: {name: %s, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: %s}}}`, name, name))); a.err != nil {
			t.Fatal(a.err)
		}
		if a := shared.post(t.Context(), ns, "pods", pod); a.err != nil {
			t.Fatalf("pod %d: %v", i, a.err)
		}
	}
}

// TestPodThenService: a pod may come before the Service that it names, as kubectl apply -f dir/
// and restores have it.
func TestPodThenService(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	a := shared.post(t.Context(), ns, "pods", toJSON(t, `
metadata: {name: peer-0, labels: {app: peer}, annotations: {netmode.io/mode: statefulset-headless, netmode.io/service: peers}}
spec: {containers: [{name: c, image: i}]}`))
	if pod := stored[corev1.Pod](t, a); pod.Spec.Subdomain != "peers" {
		t.Errorf("subdomain %q", pod.Spec.Subdomain)
	}
	wantWarnings(t, a, "netmode: metadata.annotations[netmode.io/service]: there is no Service peers in namespace "+ns+": create it (GoverningServiceMissing)")
	a = shared.post(t.Context(), ns, "services", toJSON(t, `{metadata: {name: peers, annotations: {netmode.io/mode: statefulset-headless}}, spec: {selector: {app: peer}}}`))
	if service := stored[corev1.Service](t, a); service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("clusterIP %q", service.Spec.ClusterIP)
	}
}

// TestNamespaceThenPod: the labels of a namespace that was created a moment before the pod are
// known, however far the webhook's cache is behind.
func TestNamespaceThenPod(t *testing.T) {
	t.Parallel()
	pod := toJSON(t, `
metadata:
  name: peer-0
  annotations: {netmode.io/mode: statefulset-headless, netmode.io/service: peers, netmode.io/search-rewrite: init-container}
spec: {containers: [{name: c, image: i}]}`)
	for range 20 {
		ns := shared.namespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
		a := shared.post(t.Context(), ns, "pods", pod)
		wantDenied(t, a, "asked.mutate.netmode.io", `metadata.annotations[netmode.io/search-rewrite]: Invalid value: "init-container": `+
			"the namespace enforces PodSecurity restricted, and the init container must run as root: use netmode.io/search-rewrite: auto (InitContainerRoot)")
	}
}

// TestGoverningService: which Service governs a pod is what the cluster has, and refusals name
// the candidates.
func TestGoverningService(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	for _, service := range []string{
		`{metadata: {name: front}, spec: {selector: {app: peer}, ports: [{port: 80}]}}`,
		`{metadata: {name: peers}, spec: {clusterIP: None, selector: {app: peer}}}`,
		`{metadata: {name: one}, spec: {clusterIP: None, selector: {app: twice}}}`,
		`{metadata: {name: two, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: twice}}}`,
	} {
		if a := shared.post(t.Context(), ns, "services", toJSON(t, service)); a.err != nil {
			t.Fatal(a.err)
		}
	}
	create := func(app string) *answer {
		return shared.post(t.Context(), ns, "pods", toJSON(t, fmt.Sprintf(
			`{metadata: {name: %s-0, labels: {app: %s}, annotations: {netmode.io/mode: statefulset-headless}}, spec: {containers: [{name: c, image: i}]}}`, app, app)))
	}
	if pod := stored[corev1.Pod](t, create("peer")); pod.Spec.Subdomain != "peers" {
		t.Errorf("subdomain %q, want the one headless Service peers", pod.Spec.Subdomain)
	}
	wantDenied(t, create("twice"), "asked.mutate.netmode.io", "metadata.annotations[netmode.io/service]: Required value: "+
		"the pod names no governing Service, and several headless Services select it: one, two: name one with the annotation netmode.io/service on the pod template (GoverningServiceAmbiguous)")
	wantDenied(t, create("lost"), "asked.mutate.netmode.io", "metadata.annotations[netmode.io/service]: Required value: "+
		"the pod names no governing Service, and no headless Service of namespace "+ns+" selects it: name it with the annotation netmode.io/service on the pod template (GoverningServiceUnknown)")
}
