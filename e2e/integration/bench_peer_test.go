package integration

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"

	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/netmode-io/netmode/pkg/api"
)

// peerVariable set to 1 makes the test binary the peer: a webhook as controller-runtime has them.
const peerVariable = "NETMODE_INTEGRATION_PEER"

// peerServes is what the peer logs once it listens.
const peerServes = "peer serves"

// servePeer serves until the process is ended. It speaks HTTP/1.1, as webhooks behind Services do.
func servePeer(out io.Writer) error {
	runtime.MemProfileRate = 0 //nolint:reassign // as in a program that imports no profiler
	handler, err := ctrladmission.StandaloneWebhook(&ctrladmission.Webhook{Handler: peerHandler{ctrladmission.NewDecoder(scheme.Scheme)}}, ctrladmission.StandaloneOptions{MetricsPath: "/mutate"})
	if err != nil {
		return err
	}
	server := httptest.NewTLSServer(handler)
	defer server.Close()
	if err := json.NewEncoder(out).Encode(startLine{Message: peerServes, Listen: server.URL}); err != nil {
		return err
	}
	select {}
}

// peerCertificate is that of all of httptest's servers.
func peerCertificate() []byte {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// peerAnnotation is what a pod asks the peer with.
const peerAnnotation = "example.com/mode"

// peerHandler does what mode hostnetwork does, the usual way.
type peerHandler struct{ decoder ctrladmission.Decoder }

// Handle implements ctrladmission.Handler.
func (p peerHandler) Handle(_ context.Context, request ctrladmission.Request) ctrladmission.Response {
	pod := &corev1.Pod{}
	if err := p.decoder.Decode(request, pod); err != nil {
		return ctrladmission.Errored(http.StatusBadRequest, err)
	}
	if pod.Annotations[peerAnnotation] != string(api.ModeHostNetwork) {
		return ctrladmission.Allowed("")
	}
	pod.Spec.HostNetwork = true
	if pod.Spec.DNSPolicy == "" || pod.Spec.DNSPolicy == corev1.DNSClusterFirst {
		pod.Spec.DNSPolicy = corev1.DNSClusterFirstWithHostNet
	}
	changed, err := json.Marshal(pod)
	if err != nil {
		return ctrladmission.Errored(http.StatusInternalServerError, err)
	}
	return ctrladmission.PatchResponseFromRaw(request.Object.Raw, changed)
}

// startPeer has the API server call a peer, in a process of its own, for the pods of a namespace.
func (w *world) startPeer(t *testing.T, namespace string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if program, err = w.life.launcher(program); err != nil {
		t.Fatal(err)
	}
	process, err := startProcess(t.Context(), peerServes, "env", peerVariable+"=1", program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.kill() }) // it knows no other end
	w.callWebhook(t, "peer-"+namespace, registrationv1.MutatingWebhook{
		Name:               "peer.example.com",
		ClientConfig:       registrationv1.WebhookClientConfig{URL: new(process.started.Listen + "/mutate"), CABundle: peerCertificate()},
		Rules:              []registrationv1.RuleWithOperations{createsPods()},
		NamespaceSelector:  onlyNamespace(namespace),
		ReinvocationPolicy: new(registrationv1.IfNeededReinvocationPolicy),
	})
}

// callWebhook has the API server call a webhook until the test ends.
func (w *world) callWebhook(t *testing.T, name string, webhook registrationv1.MutatingWebhook) {
	t.Helper()
	webhook.SideEffects, webhook.AdmissionReviewVersions = new(registrationv1.SideEffectClassNone), []string{"v1"}
	configurations := w.admin.AdmissionregistrationV1().MutatingWebhookConfigurations()
	configuration := &registrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks:   []registrationv1.MutatingWebhook{webhook},
	}
	if _, err := configurations.Create(t.Context(), configuration, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := configurations.Delete(context.WithoutCancel(t.Context()), configuration.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// The two ways in which an in-tree MutatingAdmissionPolicy sets fields.
const (
	byApply = `Object{spec: Object.spec{hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet"}}`
	byPatch = `[JSONPatch{op: "add", path: "/spec/hostNetwork", value: true}, JSONPatch{op: "add", path: "/spec/dnsPolicy", value: "ClusterFirstWithHostNet"}]`
)

// mutatingPolicy has the API server itself put the pods of a namespace on the host network.
func (w *world) mutatingPolicy(t *testing.T, namespace, expression string) {
	t.Helper()
	mutation := registrationv1.Mutation{
		PatchType: registrationv1.PatchTypeApplyConfiguration, ApplyConfiguration: &registrationv1.ApplyConfiguration{Expression: expression},
	}
	if expression == byPatch {
		mutation = registrationv1.Mutation{PatchType: registrationv1.PatchTypeJSONPatch, JSONPatch: &registrationv1.JSONPatch{Expression: expression}}
	}
	policies, bindings := w.admin.AdmissionregistrationV1().MutatingAdmissionPolicies(), w.admin.AdmissionregistrationV1().MutatingAdmissionPolicyBindings()
	policy := &registrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: registrationv1.MutatingAdmissionPolicySpec{
			FailurePolicy: new(registrationv1.Fail),
			MatchConstraints: &registrationv1.MatchResources{
				NamespaceSelector: onlyNamespace(namespace),
				ResourceRules:     []registrationv1.NamedRuleWithOperations{{RuleWithOperations: createsPods()}},
			},
			Mutations:          []registrationv1.Mutation{mutation},
			ReinvocationPolicy: registrationv1.IfNeededReinvocationPolicy,
		},
	}
	if _, err := policies.Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &registrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: registrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: namespace},
	}
	if _, err := bindings.Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{bindings.Delete(ctx, namespace, metav1.DeleteOptions{}), policies.Delete(ctx, namespace, metav1.DeleteOptions{})} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// peerMain serves as the peer if the process is to be one.
func peerMain() (isPeer bool) {
	if os.Getenv(peerVariable) != "1" {
		return false
	}
	if err := servePeer(os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "peer:", err)
	}
	return true
}
