package integration

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	registrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// markSecond is the label that a secondWebhook leaves on what it was called with.
const markSecond = "second-webhook"

// secondWebhook has the API server call another mutating webhook after netmode, since its
// configuration's name sorts later, for the pods of one namespace until the test ends. change
// returns JSON Patch operations as JSON.
func (w *world) secondWebhook(t *testing.T, namespace string, reinvocation registrationv1.ReinvocationPolicyType, change func(*corev1.Pod) []string) {
	t.Helper()
	second(t, w, namespace, "pods", `{metadata: {name: probe}, spec: {containers: [{name: c, image: i}]}}`, reinvocation, change)
}

// secondWebhookOfServices is secondWebhook for Services.
func (w *world) secondWebhookOfServices(t *testing.T, namespace string, change func(*corev1.Service) []string) {
	t.Helper()
	second(t, w, namespace, "services", `{metadata: {name: probe}, spec: {ports: [{port: 80}]}}`, registrationv1.IfNeededReinvocationPolicy, change)
}

// objectOf is a pointer to a T that has metadata.
type objectOf[T any] interface {
	*T
	metav1.Object
}

func second[T any, P objectOf[T]](t *testing.T, w *world, namespace, resource, probe string, reinvocation registrationv1.ReinvocationPolicyType, change func(P) []string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if err := answerReview(writer, request, change); err != nil {
			t.Error(err)
			http.Error(writer, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	creates := createsPods()
	creates.Resources = []string{resource}
	w.callWebhook(t, "zz-"+namespace, registrationv1.MutatingWebhook{
		Name: "second.example.com",
		ClientConfig: registrationv1.WebhookClientConfig{
			URL:      new(server.URL),
			CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		},
		Rules:              []registrationv1.RuleWithOperations{creates},
		NamespaceSelector:  onlyNamespace(namespace),
		ReinvocationPolicy: &reinvocation,
	})
	if err := w.poll(t.Context(), "the second webhook is not called", func(ctx context.Context) error {
		a := w.post(ctx, namespace, resource, toJSON(t, probe), dryRun)
		if a.err != nil || stored[metav1.PartialObjectMetadata](t, a).Labels[markSecond] == "" {
			return errors.Join(a.err, errors.New("no label "+markSecond))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// answerReview answers an AdmissionReview of an object.
func answerReview[T any, P objectOf[T]](writer http.ResponseWriter, request *http.Request, change func(P) []string) error {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		return err
	}
	object := P(new(T))
	if err := json.Unmarshal(review.Request.Object.Raw, object); err != nil {
		return err
	}
	marked := map[string]string{markSecond: "yes"}
	maps.Copy(marked, object.GetLabels())
	labels, err := json.Marshal(marked)
	if err != nil {
		return err
	}
	patch := []byte("[" + `{"op": "add", "path": "/metadata/labels", "value": ` + string(labels) + `}`)
	// The probe asks only whether it is called.
	if object.GetName() != "probe" {
		for _, operation := range change(object) {
			patch = append(append(patch, ','), operation...)
		}
	}
	review.Response = &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Allowed: true, Patch: append(patch, ']'), PatchType: new(admissionv1.PatchTypeJSONPatch),
	}
	return json.NewEncoder(writer).Encode(&review)
}

// addSidecar is a second webhook that adds a container once, with these ports.
func addSidecar(ports string) func(*corev1.Pod) []string {
	return func(pod *corev1.Pod) []string {
		if slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "sidecar" }) {
			return nil
		}
		return []string{`{"op": "add", "path": "/spec/containers/0", "value": {"name": "sidecar", "image": "registry.example.com/sidecar:1", "ports": ` + ports + `}}`}
	}
}
