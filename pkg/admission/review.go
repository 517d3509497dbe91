// Package admission turns an AdmissionReview of admission.k8s.io/v1 into its
// answer: decode, decide, patch, respond. It knows nothing of HTTP.
package admission

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/prune"
)

// The one version of AdmissionReview that netmode speaks.
const (
	reviewAPIVersion = "admission.k8s.io/v1"
	reviewKind       = "AdmissionReview"
)

// Operations of an AdmissionRequest (admission.k8s.io/v1).
const (
	operationCreate = "CREATE"
	operationUpdate = "UPDATE"
)

// review is the part of an AdmissionReview that is read.
type review struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Request    *request `json:"request"`
}

// request is the part of an AdmissionRequest that is read.
type request struct {
	UID         string           `json:"uid"`
	Kind        groupVersionKind `json:"kind"`
	Namespace   string           `json:"namespace"`
	Name        string           `json:"name"`
	Operation   string           `json:"operation"`
	SubResource string           `json:"subResource"`
	UserInfo    userInfo         `json:"userInfo"`
	// Object holds the members that a Pod's or a Service's view has, and no others.
	Object jsontext.Value `json:"object"`
}

// userInfo is the part of authentication.k8s.io/v1 UserInfo that is read.
type userInfo struct {
	Groups []string `json:"groups"`
}

type groupVersionKind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

func (r *request) isPod() bool {
	return r.Kind == groupVersionKind{Version: "v1", Kind: "Pod"} && r.SubResource == ""
}

func (r *request) isService() bool {
	return r.Kind == groupVersionKind{Version: "v1", Kind: "Service"} && r.SubResource == ""
}

func (r *request) isWorkload() bool {
	return api.IsWorkload(r.Kind.Group, r.Kind.Version, r.Kind.Kind) && r.SubResource == ""
}

// known reports whether the request is about a kind that netmode acts on.
func (r *request) known() bool { return r.isPod() || r.isService() || r.isWorkload() }

// mine reports whether the request is one that netmode acts on.
func (r *request) mine() bool {
	return r.known() && r.Operation == operationCreate || r.isWorkload() && r.Operation == operationUpdate
}

// byKubelet reports whether the pod is a kubelet's mirror of a static pod. Anybody
// can write the annotation.
func (r *request) byKubelet(pod *api.Pod) bool {
	return pod.Metadata.Annotations[api.AnnotationMirror] != "" && slices.Contains(r.UserInfo.Groups, api.GroupNodes)
}

func (r *request) hasObject() bool { return len(r.Object) > 0 && r.Object.Kind() != 'n' }

// pruner leaves of a review what is read of it. It holds no state but buffers.
var pruner = prune.New(reviewShape())

func reviewShape() *prune.Shape {
	object := prune.ShapeOf(reflect.TypeFor[api.Pod](), reflect.TypeFor[api.Service]())
	return prune.ShapeOf(reflect.TypeFor[review]()).With("request", prune.ShapeOf(reflect.TypeFor[request]()).With("object", object))
}

// buffers hold pruned reviews, one after the other.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keepBuffer is the largest buffer, in bytes, that is kept for the next review.
const keepBuffer = 64 << 10

// ErrBadReview is what every body is that holds no review to answer. The text
// says what is wrong with it.
var ErrBadReview = errors.New("bad AdmissionReview")

// decode reads a review. The request's object stands in the buffer, which gets
// the review without what is not read. The error is an ErrBadReview.
func decode(body []byte, buffer *[]byte) (*request, error) {
	pruned, err := pruner.Prune((*buffer)[:0], body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadReview, err)
	}
	*buffer = pruned
	var rv review
	err = api.Decode(pruned, &rv, "")
	const spoken = "netmode speaks " + reviewKind + " of " + reviewAPIVersion
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w; %s", ErrBadReview, err, spoken)
	case rv.APIVersion != reviewAPIVersion || rv.Kind != reviewKind:
		return nil, fmt.Errorf("%w: it is %s of %s, and %s", ErrBadReview, orNothing(rv.Kind), orNothing(rv.APIVersion), spoken)
	case rv.Request == nil:
		return nil, fmt.Errorf("%w: request is missing; %s", ErrBadReview, spoken)
	case rv.Request.UID == "":
		return nil, fmt.Errorf("%w: request.uid is missing; %s", ErrBadReview, spoken)
	}
	return rv.Request, nil
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return fmt.Sprintf("%q", s)
}
