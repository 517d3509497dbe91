package integration

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

const (
	plainService    = `{metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 80}]}}`
	headlessService = `{metadata: {name: db, annotations: {netmode.io/mode: headless}}, spec: {selector: {app: db}, ports: [{port: 80}]}}`
	noHeadless      = `metadata.annotations[netmode.io/mode]: Invalid value: "headless": policy `
	defaultService  = `{metadata: {name: db, annotations: {netmode.io/mode: default}}, spec: {selector: {app: db}, ports: [{port: 80}]}}`
)

func (p *policed) postService(t *testing.T, manifest string) *answer {
	t.Helper()
	return shared.post(t.Context(), p.name, "services", toJSON(t, manifest), dryRun)
}

// TestServicePolicies: a Service that asks for a mode which a policy forbids is refused, or its
// author warned. Policies that choose pods have no say in Services.
func TestServicePolicies(t *testing.T) {
	t.Parallel()
	p := shared.policed(t)
	p.policy(t, "pods", `{podSelector: {}, allowedModes: [hostnetwork]}`)
	a := p.postService(t, headlessService)
	stored[corev1.Service](t, a)
	wantWarnings(t, a)
	warns := p.policy(t, "warns", `{enforcement: Warn, allowedModes: [hostnetwork]}`)
	a = p.postService(t, headlessService)
	if service := stored[corev1.Service](t, a); service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("clusterIP %q", service.Spec.ClusterIP)
	}
	wantWarnings(t, a, warningOf(forServices(warns), noHeadless+warns+" allows hostnetwork"+setAnother))
	denies := p.policy(t, "denies", `{allowedModes: [statefulset-headless]}`)
	wantForbidden(t, p.postService(t, headlessService), forServices(denies), noHeadless+denies+" allows statefulset-headless"+setAnother)
	for _, manifest := range []string{plainService, defaultService} {
		stored[corev1.Service](t, p.postService(t, manifest))
	}
}

// TestServicePolicyHoldsInTheEnd: a Service is judged by what it asks for after every other
// webhook, be netmode called again or, since nothing was asked for, never before.
func TestServicePolicyHoldsInTheEnd(t *testing.T) {
	t.Parallel()
	const asks = `{"op": "add", "path": "/metadata/annotations", "value": {"netmode.io/mode": "headless"}}`
	const headless = `{"op": "add", "path": "/spec/clusterIP", "value": "None"}`
	for _, tt := range []struct {
		what, service string
		change        []string
	}{
		{"another mode is asked for", defaultService, []string{asks}},
		{"nothing was asked for", plainService, []string{asks, headless}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			p := shared.policed(t)
			denies := p.policy(t, "denies", `{allowedModes: [statefulset-headless]}`)
			stored[corev1.Service](t, p.postService(t, tt.service))
			shared.secondWebhookOfServices(t, p.name, func(service *corev1.Service) []string {
				if service.Spec.ClusterIP == corev1.ClusterIPNone {
					return nil // by netmode already
				}
				return tt.change
			})
			wantForbidden(t, p.postService(t, tt.service), forServices(denies), noHeadless+denies+" allows statefulset-headless"+setAnother)
		})
	}
}
