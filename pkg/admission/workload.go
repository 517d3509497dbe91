package admission

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
)

// workloadReview is what is read of a workload's review beside the request:
// the objects, whole.
type workloadReview struct {
	Request struct {
		Object    jsontext.Value `json:"object"`
		OldObject jsontext.Value `json:"oldObject"`
	} `json:"request"`
}

// decodeWorkload reads a workload from a review's body and returns it as it was
// sent, too. An error names the field that cannot be read.
func decodeWorkload(req *request, body []byte) (c *engine.WorkloadCase, object []byte, err error) {
	var review workloadReview
	if err := api.Decode(body, &review, ""); err != nil {
		return nil, nil, err
	}
	object = review.Request.Object
	now, err := decodeTemplated(req, object)
	if err != nil {
		return nil, nil, err
	}
	c = &engine.WorkloadCase{Metadata: &now.metadata, Workload: &now.template.Workload, Pod: &now.pod}
	if req.Operation == operationCreate {
		return c, object, nil
	}
	old, err := decodeTemplated(req, review.Request.OldObject)
	if err != nil {
		return nil, nil, fmt.Errorf("request.oldObject: %w", err)
	}
	c.Old = &engine.OldWorkload{
		Annotations:         old.metadata.Annotations,
		TemplateAnnotations: old.pod.Metadata.Annotations,
		Workload:            &old.template.Workload,
		SameTemplate:        sameJSON(old.template.JSON, now.template.JSON),
	}
	return c, object, nil
}

// templated is an object with a pod template.
type templated struct {
	metadata api.ObjectMeta
	template *manifest.Template
	// pod is the first pod of the template.
	pod api.Pod
}

func decodeTemplated(req *request, object []byte) (*templated, error) {
	var view struct {
		Metadata api.ObjectMeta `json:"metadata"`
	}
	if err := api.Decode(object, &view, ""); err != nil {
		return nil, err
	}
	t := &templated{metadata: view.Metadata}
	var err error
	t.template, err = manifest.PodTemplate(&manifest.Object{
		APIVersion: req.Kind.Group + "/" + req.Kind.Version, Kind: req.Kind.Kind, JSON: object,
	}, req.Namespace)
	if err != nil {
		return nil, err
	}
	return t, api.Decode(t.template.Pod, &t.pod, t.template.Field())
}

// sameJSON compares two values of valid JSON, whatever the order of their
// members.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}
