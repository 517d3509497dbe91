package admission

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/workload"
)

// decodeWorkload reads a workload from a review. An error names the field that
// cannot be read.
func decodeWorkload(req *request) (*engine.WorkloadCase, error) {
	now, pod, err := parseWorkload(req, req.Object)
	if err != nil {
		return nil, err
	}
	c := &engine.WorkloadCase{Metadata: &now.Metadata, Workload: &now.Workload, Pod: pod}
	if req.Operation == operationCreate {
		return c, nil
	}
	sent := jsontext.Value("null")
	if req.OldObject != nil {
		sent = *req.OldObject
	}
	old, oldPod, err := parseWorkload(req, sent)
	if err != nil {
		return nil, fmt.Errorf("request.oldObject: %w", err)
	}
	mark := now.Workload.Template
	c.Old = &engine.OldWorkload{
		Annotations:         old.Metadata.Annotations,
		TemplateAnnotations: oldPod.Metadata.Annotations,
		Workload:            &old.Workload,
		SameTemplate:        sameJSON(req.sent[markOld+mark], req.sent[mark]),
	}
	return c, nil
}

// parseWorkload reads a workload and the first pod of its template.
func parseWorkload(req *request, object []byte) (*workload.Template, *api.Pod, error) {
	template, err := workload.Parse(req.Kind.Group+"/"+req.Kind.Version, req.Kind.Kind, object, req.Namespace)
	if err != nil {
		return nil, nil, err
	}
	pod, err := template.FirstPod()
	return template, pod, err
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
