package integration

import (
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
)

// TestWarnings: what netmode warns of arrives where kubectl prints it, whole, and once: also for
// pods that netmode saw several times.
func TestWarnings(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	shared.secondWebhook(t, ns, registrationv1.NeverReinvocationPolicy, addSidecar("[]"))
	tests := []struct {
		name, resource, manifest string
		want                     []string
	}{
		{"a pod with four, called twice", "pods", `
metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork, netmode.io/mod: headless}}
spec: {dnsPolicy: Default, containers: [{name: c, image: i}]}`, []string{
			"netmode: metadata.annotations[netmode.io/mod]: the key means nothing to netmode; the nearest that does is netmode.io/mode: correct the key or remove it (AnnotationUnknown)",
			"netmode: spec.dnsPolicy: Default stays, and the pod may not resolve Service names: set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names (DNSPolicyKept)",
			"netmode: spec.containers: no port is declared, so the scheduler cannot keep two such pods off one node: list every port that the pod listens on under containers[].ports (NoDeclaredPort)",
			"netmode: spec.hostNetwork: hostname(1) in the pod is the node's name (NodeHostname)",
		}},
		{"a Service, with Kubernetes' own", "services", `
metadata: {name: peers, annotations: {netmode.io/mode: headless}}
spec: {sessionAffinity: ClientIP, ports: [{port: 80, targetPort: 8080}]}`, []string{
			"netmode: spec.ports[0].targetPort: 8080 differs from port 80, and a headless Service does not translate ports: make port equal to the port that the container listens on (PortNotTranslated)",
			"netmode: spec.selector: the Service has none, so no pod gets a name from it: add a selector that matches the pods (ServiceWithoutSelector)",
			"netmode: spec.sessionAffinity: ClientIP does nothing in a headless Service: remove sessionAffinity (SessionAffinityIgnored)",
			"spec.SessionAffinity is ignored for headless services",
		}},
		{"a Service that only asks", "services", `
metadata: {name: quiet, annotations: {netmode.io/mode: headless}}
spec: {selector: {app: peer}, ports: [{port: 80}]}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := shared.post(t.Context(), ns, tt.resource, toJSON(t, tt.manifest))
			if a.err != nil {
				t.Fatal(a.err)
			}
			wantWarnings(t, a, tt.want...)
		})
	}
}
