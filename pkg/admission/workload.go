package admission

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
)

// decodeWorkload reads a workload from a review. An error names the field that
// cannot be read.
func decodeWorkload(req *request) (*engine.WorkloadCase, error) {
	now, err := decodeTemplated(req, req.Object)
	if err != nil {
		return nil, err
	}
	c := &engine.WorkloadCase{Metadata: &now.metadata, Workload: &now.template.Workload, Pod: &now.pod}
	if req.Operation == operationCreate {
		return c, nil
	}
	sent := jsontext.Value("null")
	if req.OldObject != nil {
		sent = *req.OldObject
	}
	old, err := decodeTemplated(req, sent)
	if err != nil {
		return nil, fmt.Errorf("request.oldObject: %w", err)
	}
	mark := now.template.Field()
	c.Old = &engine.OldWorkload{
		Annotations:         old.metadata.Annotations,
		TemplateAnnotations: old.pod.Metadata.Annotations,
		Workload:            &old.template.Workload,
		SameTemplate:        sameJSON(req.sent[markOld+mark], req.sent[mark]),
	}
	return c, nil
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

// maxReordered is how large a template is, at most, to be compared member by
// member. API servers write members always in the same order.
const maxReordered = 256 << 10

// sameJSON compares two values of valid JSON, up to a size whatever the order of
// their members.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) > maxReordered || len(b) > maxReordered {
		return false
	}
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}
