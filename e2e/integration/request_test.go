package integration

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// answer is what came back of a request.
type answer struct {
	object   []byte   // JSON, unless err
	warnings []string // in their order
	err      error
}

// answerKey is where a request's context has the answer that warnings belong to.
type answerKey struct{}

// toAnswer hands warnings to the request that they came with, as kubectl would print them.
type toAnswer struct{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (toAnswer) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if a, ok := ctx.Value(answerKey{}).(*answer); ok {
		a.warnings = append(a.warnings, text)
	}
}

// dryRun makes a request change nothing.
const dryRun = true

// post creates an object, pods or services, from JSON.
func (w *world) post(ctx context.Context, namespace, resource string, object []byte, dry ...bool) *answer {
	a := &answer{}
	options := &metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	if len(dry) > 0 {
		options.DryRun = []string{metav1.DryRunAll}
	}
	result := w.admin.CoreV1().RESTClient().Post().Namespace(namespace).Resource(resource).
		VersionedParams(options, scheme.ParameterCodec).SetHeader("Content-Type", "application/json").
		Body(object).Do(context.WithValue(ctx, answerKey{}, a))
	if a.err = result.Error(); a.err == nil {
		a.object, a.err = result.Raw()
	}
	return a
}

// remove deletes what an answer stored, for tests that come after it.
func (w *world) remove(t *testing.T, resource string, a *answer) {
	t.Helper()
	object := stored[metav1.PartialObjectMetadata](t, a)
	err := w.admin.CoreV1().RESTClient().Delete().Namespace(object.Namespace).Resource(resource).Name(object.Name).Do(t.Context()).Error()
	if err != nil {
		t.Error(err)
	}
}

// do runs a request of client-go's with a context that collects its warnings.
func do[T any](ctx context.Context, request func(context.Context) (T, error)) (T, *answer) {
	a := &answer{}
	var result T
	result, a.err = request(context.WithValue(ctx, answerKey{}, a))
	return result, a
}

// from reads an object of a manifest.
func from[T any](t *testing.T, manifest string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict([]byte(manifest), object); err != nil {
		t.Fatalf("%v in\n%s", err, manifest)
	}
	return object
}

// toJSON reads a manifest without an opinion about its fields.
func toJSON(t *testing.T, manifest string) []byte {
	t.Helper()
	object, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatalf("%v in\n%s", err, manifest)
	}
	return object
}

// stored reads the object of an answer that must not be an error.
func stored[T any](t *testing.T, a *answer) *T {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	object := new(T)
	if err := json.Unmarshal(a.object, object); err != nil {
		t.Fatal(err)
	}
	return object
}

// namespace makes a namespace for a test.
func (w *world) namespace(t *testing.T, labels map[string]string) string {
	t.Helper()
	ns, err := w.admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the webhook logged of it:\n%s", w.webhook.log.about(ns.Name))
		}
	})
	return ns.Name
}
