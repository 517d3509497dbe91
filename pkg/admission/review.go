// Package admission turns an AdmissionReview of admission.k8s.io/v1 into its
// answer: decode, decide, patch, respond. It knows nothing of HTTP.
//
// A [Reviewer] is for one [api.Entry] of the webhook configuration. It asks [Snapshots]
// what is around the object, and gives back the answer's JSON and a [Record] for
// the log and the metrics.
package admission

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/jsonprune"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
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
	// Object holds the members that a Pod's, a Service's or a workload's view has,
	// and no others. OldObject holds those of a workload's.
	Object    jsontext.Value  `json:"object"`
	OldObject *jsontext.Value `json:"oldObject"`

	// tooLarge says that they were cut, since too much of them is read.
	tooLarge bool
	// sent are the pod templates in them, as they were sent, by their mark.
	sent map[string][]byte
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
	return workload.IsKind(r.Kind.Group, r.Kind.Version, r.Kind.Kind) && r.SubResource == ""
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

// maxKept is the most bytes that are read of a review: a few times what there is
// to read of any object that an API server lets in.
const maxKept = 4 << 20

// pruner leaves of a review what is read of it. It holds no state but buffers.
var pruner = jsonprune.New(reviewShape(), jsonprune.Limits{Text: api.MaxText, Kept: maxKept})

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
	pruned, marks, err := pruner.PruneMarked((*buffer)[:0], body)
	tooLarge := errors.Is(err, jsonprune.ErrTooLarge)
	if err != nil && !tooLarge {
		return nil, fmt.Errorf("%w: %s", ErrBadReview, plan.Clip(err.Error(), maxText))
	}
	*buffer = pruned
	var rv review
	err = api.Decode(pruned, &rv, "")
	const spoken = "netmode speaks " + reviewKind + " of " + reviewAPIVersion
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s; %s", ErrBadReview, plan.Clip(err.Error(), maxText), spoken)
	case rv.APIVersion != reviewAPIVersion || rv.Kind != reviewKind:
		return nil, fmt.Errorf("%w: it is %s of %s, and %s", ErrBadReview, orNothing(rv.Kind), orNothing(rv.APIVersion), spoken)
	case rv.Request == nil:
		return nil, fmt.Errorf("%w: request is missing; %s", ErrBadReview, spoken)
	case rv.Request.UID == "":
		return nil, fmt.Errorf("%w: request.uid is missing; %s", ErrBadReview, spoken)
	}
	req := rv.Request
	req.tooLarge = tooLarge
	for _, text := range []*string{&req.UID, &req.Namespace, &req.Name, &req.Operation} {
		*text = plan.Clip(*text, maxName)
	}
	if len(marks) > 0 {
		req.sent = make(map[string][]byte, len(marks))
		for _, m := range marks {
			req.sent[m.Name] = body[m.Start:m.End]
		}
	}
	return req, nil
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return fmt.Sprintf("%q", plan.Clip(s, maxName))
}
