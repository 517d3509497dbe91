package admission

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Decision is what became of a request, from a closed list.
type Decision string

// The decisions.
const (
	// Unchanged: allowed as it is.
	Unchanged Decision = "unchanged"
	// Patched: allowed with a patch.
	Patched Decision = "patched"
	// Refused: denied, because what was asked for cannot be served.
	Refused Decision = "refused"
	// Malformed: denied, because the object does not decode.
	Malformed Decision = "malformed"
)

// Decisions returns the closed list.
func Decisions() []Decision { return []Decision{Unchanged, Patched, Refused, Malformed} }

// Record is what a caller may log and count of one review.
type Record struct {
	UID       string
	Operation string
	// Kind is Pod, Service, or "other".
	Kind      string
	Namespace string
	// Name is the object's name, or its generateName.
	Name     string
	Mode     api.Mode
	Decision Decision
	Reasons  []plan.Reason
	// Message is the reason of a denial.
	Message string
	// Patch is the JSON Patch of the answer, if any.
	Patch []byte
}

// KindOther stands in a Record for every kind that netmode does not handle.
const KindOther = "other"

// Reviewer answers AdmissionReviews. It keeps no state between them.
type Reviewer struct {
	Settings *engine.Settings
	Cluster  mode.Cluster
}

// Review answers one AdmissionReview in JSON. The error is ErrBadReview for a
// body that holds no review to answer, and any other for a fault of netmode's.
// Dry-run and reinvocation get the same answer as every other call.
func (r *Reviewer) Review(body []byte) ([]byte, Record, error) {
	buffer, ok := buffers.Get().(*[]byte)
	if !ok {
		buffer = new([]byte)
	}
	defer func() {
		if cap(*buffer) <= keepBuffer {
			buffers.Put(buffer)
		}
	}()
	req, err := decode(body, buffer)
	if err != nil {
		return nil, Record{}, err
	}
	rec := newRecord(req)
	resp, err := r.decide(req, &rec)
	if err != nil {
		return nil, rec, err
	}
	if resp.status != nil {
		rec.Message = resp.status.Message
	}
	encoded, err := resp.encode()
	return encoded, rec, err
}

func (r *Reviewer) decide(req *request, rec *Record) (response, error) {
	malformed := func(message string) (response, error) {
		rec.Decision = Malformed
		return badRequest(req.UID, message), nil
	}
	switch {
	case !req.mine():
		rec.Decision, rec.Reasons = Unchanged, []plan.Reason{plan.KindNotMine}
		if req.isPod() || req.isService() {
			rec.Reasons = []plan.Reason{plan.OperationNotMine}
		}
		return response{uid: req.UID, allowed: true}, nil
	case !req.hasObject():
		return malformed("request.object: Required value: there is no object to look at")
	case req.Namespace == "":
		return malformed("request.namespace: Required value: Pods and Services live in a namespace")
	case req.isPod():
		var pod api.Pod
		if err := api.Decode(req.Object, &pod, ""); err != nil {
			return malformed(err.Error())
		}
		rec.Name = pod.Metadata.DisplayName()
		return rec.respond(engine.Pod(r.Settings, r.Cluster, req.Namespace, &pod, nil), req.Object)
	default:
		var service api.Service
		if err := api.Decode(req.Object, &service, ""); err != nil {
			return malformed(err.Error())
		}
		rec.Name = service.Metadata.DisplayName()
		return rec.respond(engine.Service(r.Settings, req.Namespace, &service, req.Operation == operationUpdate), req.Object)
	}
}

func newRecord(req *request) Record {
	rec := Record{UID: req.UID, Operation: req.Operation, Kind: KindOther, Namespace: req.Namespace, Name: req.Name}
	if req.isPod() || req.isService() {
		rec.Kind = req.Kind.Kind
	}
	return rec
}
