package integration

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// benchPod is a pod as a ReplicaSet creates it; its annotations are to be filled in.
const benchPod = `
metadata:
  %s
  labels: {app.kubernetes.io/name: gateway, app.kubernetes.io/instance: gateway, app.kubernetes.io/version: "4.17.2", pod-template-hash: 6d4cf56db6}
  annotations: {checksum/config: 6d0f3c97a1b2e8456d0f3c97a1b2e8456d0f3c97a1b2e8456d0f3c97a1b2e845, prometheus.io/scrape: "true", %s}
spec:
  containers:
  - name: gateway
    image: registry.example.com/platform/gateway:v4.17.2
    args: [--config=/etc/gateway/gateway.yaml, "--listen=:8080"]
    ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 8081}]
    env:
    - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: BACKEND_URL, value: "https://backend.platform.example.com:8443/api/v2?pool=32&timeout=2s"}
    - {name: BACKEND_TOKEN, valueFrom: {secretKeyRef: {name: gateway, key: token}}}
    resources: {requests: {cpu: 250m, memory: 512Mi}, limits: {memory: 1Gi}}
    livenessProbe: {httpGet: {path: /healthz/live, port: http}, periodSeconds: 10}
    readinessProbe: {httpGet: {path: /healthz/ready, port: http}, periodSeconds: 5}
    volumeMounts: [{name: config, mountPath: /etc/gateway, readOnly: true}, {name: scratch, mountPath: /tmp}]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsNonRoot: true, capabilities: {drop: [ALL]}}
  terminationGracePeriodSeconds: 30
  volumes: [{name: config, configMap: {name: gateway}}, {name: scratch, emptyDir: {sizeLimit: 2Gi}}]
`

// What the pods ask for. Who asks nobody has an annotation of the same length.
const (
	askNobody     = "example.com/none: hostnetwork"
	askPeer       = peerAnnotation + ": hostnetwork"
	askNetmode    = api.AnnotationMode + ": hostnetwork"
	askStateful   = api.AnnotationMode + ": statefulset-headless, " + api.AnnotationService + ": gateway"
	ofReplicaSet  = "generateName: gateway-6d4cf56db6-"
	ofStatefulSet = "name: gateway-0"

	onHost     = `"hostNetwork":true`
	ownNetwork = `"dnsPolicy":"ClusterFirst"`
)

// arrange makes the stages and their namespaces.
func (b *bench) arrange(t *testing.T) {
	t.Helper()
	w := b.world
	made := func(name, asks, want, lack string, labels map[string]string) *setup {
		return &setup{
			timings: timings{setup: name}, namespace: w.namespace(t, labels), want: want, lack: lack,
			pod: toJSON(t, fmt.Sprintf(benchPod, ofReplicaSet, asks)),
		}
	}
	none := made(noAdmission, askNobody, ownNetwork, onHost, nil)
	none.namespace = metav1.NamespaceSystem // which netmode and all policies leave alone
	byPolicy := made(mutatingByPolicy, askNobody, onHost, "", nil)
	w.mutatingPolicy(t, byPolicy.namespace, byApply)
	byJSONPatch := made(mutatingByPolicy+", JSONPatch", askNobody, onHost, "", nil)
	w.mutatingPolicy(t, byJSONPatch.namespace, byPatch)
	byPeer := made("webhook with controller-runtime", askPeer, onHost, "", nil)
	w.startPeer(t, byPeer.namespace)
	stateful := made("netmode, statefulset-headless", "", `"searches":["gateway.`, onHost, nil)
	stateful.pod = []byte(strings.Replace(string(toJSON(t, fmt.Sprintf(benchPod, ofStatefulSet, askStateful))), `"spec":{`, `"spec":{"hostname":"gateway-0","subdomain":"gateway",`, 1))
	if a := w.post(t.Context(), stateful.namespace, "services", toJSON(t, `
metadata: {name: gateway, annotations: {netmode.io/mode: statefulset-headless}}
spec: {selector: {app.kubernetes.io/name: gateway}, ports: [{port: 8080}]}`)); a.err != nil {
		t.Fatal(a.err)
	}
	w.waitUntilSeen(t, stateful.namespace, "gateway")

	const asked, nothing = "netmode, hostnetwork", "netmode, nothing asked"
	b.stages = []*stage{{setups: []*setup{
		none, byPolicy, byJSONPatch, byPeer, made(nothing, askNobody, ownNetwork, onHost, nil),
		made(asked, askNetmode, onHost, "", nil), stateful,
	}}}
	for _, n := range []int{1, 10, 100} {
		match, others := fmt.Sprintf(", %d policies that match", n), fmt.Sprintf(", %d policies that do not", n)
		if n == 1 {
			match, others = ", 1 policy that matches", ", 1 policy that does not"
		}
		team := map[string]string{"team": fmt.Sprintf("bench-%d", n)}
		b.stages = append(b.stages,
			newStage(n, true, `{matchLabels: {team: `+team["team"]+`}}`,
				made(asked+match, askNetmode, onHost, "", team), made(nothing+match, askNobody, ownNetwork, onHost, team)),
			newStage(n, false, "{matchLabels: {team: others}}",
				made(asked+others, askNetmode, onHost, "", nil), made(nothing+others, askNobody, ownNetwork, onHost, nil)))
	}
}

// newStage is one of policies; the first setup's namespace is that of probes.
func newStage(policies int, match bool, selector string, setups ...*setup) *stage {
	return &stage{policies: policies, match: match, selector: selector, marked: setups[0].namespace, setups: setups}
}
