package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
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
			t.Logf("the webhook's log:\n%s", w.webhook.log)
		}
	})
	return ns.Name
}

// served is how many reviews the webhook has answered.
func (w *world) served(ctx context.Context) (float64, error) {
	text, err := fetch(ctx, "http://"+w.webhook.started.Ops+"/metrics")
	if err != nil {
		return 0, err
	}
	return sum(text, "netmode_admission_reviews_total")
}

// called is how often the API server has called the webhook entry of this name.
func (w *world) called(ctx context.Context, entry string) (float64, error) {
	text, err := w.admin.RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return 0, err
	}
	return sum(string(text), "apiserver_admission_webhook_request_total", `name="`+entry+`"`)
}

// sum adds the samples of a metric whose labels hold all of these texts.
func sum(text, metric string, labels ...string) (float64, error) {
	total := 0.0
lines:
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, metric+"{")
		if !ok {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(rest, label) {
				continue lines
			}
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, "}")+1:]), 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", line, err)
		}
		total += value
	}
	return total, nil
}

func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return string(text), err
}
