package admission

import (
	"context"
	"fmt"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
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
	// LetThrough: allowed as it is, because the object does not decode, at an entry
	// that enforces nothing.
	LetThrough Decision = "let-through"
	// WouldPatch and WouldRefuse: allowed as it is, because of ObserveOnly.
	WouldPatch  Decision = "would-patch"
	WouldRefuse Decision = "would-refuse"
)

// Decisions returns the closed list.
func Decisions() []Decision {
	return []Decision{Unchanged, Patched, Refused, Malformed, LetThrough, WouldPatch, WouldRefuse}
}

// Record is what a caller may log and count of one review.
type Record struct {
	UID       string
	Entry     api.Entry
	Operation string
	// Kind is Pod, Service, one of workload.Kinds, or "other".
	Kind      string
	Namespace string
	// Name is the object's name, or its generateName.
	Name     string
	Mode     api.Mode
	Decision Decision
	Reasons  []plan.Reason
	// Message is the reason of a denial, or of one that would be. It is cut to
	// maxText, as Warnings and Violations are.
	Message string
	// Warnings are what the object's author is told, or would be.
	Warnings string
	// Violations are the broken rules of which its author is not told.
	Violations string
	// Patch is the JSON Patch of the answer, or of the one that would be.
	Patch []byte
}

// KindOther stands in a Record for every kind that netmode does not handle.
const KindOther = "other"

// Snapshots tell what is around an object, soon enough for an API server that
// waits.
type Snapshots interface {
	// Snapshot answers from memory.
	Snapshot(ctx context.Context, namespace string) engine.Snapshot
	// FreshSnapshot has the namespace's Services as they are now; ok is false where
	// nothing newer is to be had.
	FreshSnapshot(ctx context.Context, namespace string) (fresh engine.Snapshot, ok bool)
}

// FixedSnapshot is Snapshots that are always the same.
type FixedSnapshot struct{ Of engine.Snapshot }

// Snapshot returns what there is.
func (f FixedSnapshot) Snapshot(context.Context, string) engine.Snapshot { return f.Of }

// FreshSnapshot has nothing newer.
func (f FixedSnapshot) FreshSnapshot(context.Context, string) (engine.Snapshot, bool) {
	return nil, false
}

// Reviewer answers AdmissionReviews of one entry. It keeps no state between
// them.
type Reviewer struct {
	Entry     api.Entry
	Settings  *engine.Settings
	Snapshots Snapshots
	// ObserveOnly lets everything through as it is, without a word to its author.
	// What would have become of it is in the Record and in audit annotations.
	ObserveOnly bool
}

// Review answers one AdmissionReview in JSON. The error is ErrBadReview for a
// body that holds no review to answer, and any other for a fault of netmode's.
// Dry-run and reinvocation get the same answer as every other call. What a body
// can cost is bounded, so that the context matters only to what is asked of the
// cluster.
func (r *Reviewer) Review(ctx context.Context, body []byte) ([]byte, Record, error) {
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
	rec := r.newRecord(req)
	resp, err := r.decide(ctx, req, &rec)
	if err != nil {
		return nil, rec, err
	}
	if resp.status != nil {
		rec.Message = plan.Clip(resp.status.Message, maxText)
	}
	if r.ObserveOnly {
		resp.observeOnly(&rec)
	}
	encoded, err := resp.encode()
	return encoded, rec, err
}

// decide answers a request.
func (r *Reviewer) decide(ctx context.Context, req *request, rec *Record) (response, error) {
	malformed := func(message string) (response, error) {
		rec.Decision = Malformed
		message = plan.Clip(message, maxText)
		if r.Entry == api.EntryPolicy {
			rec.Decision, rec.Message = LetThrough, message
			return response{uid: req.UID, allowed: true}, nil
		}
		return badRequest(req.UID, message), nil
	}
	switch {
	case !req.mine():
		rec.Decision, rec.Reasons = Unchanged, []plan.Reason{plan.UnsupportedKind}
		if req.known() {
			rec.Reasons = []plan.Reason{plan.UnsupportedOperation}
		}
		return response{uid: req.UID, allowed: true}, nil
	case !req.hasObject():
		return malformed("request.object: Required value: there is no object to look at")
	case req.tooLarge:
		return malformed(fmt.Sprintf("request.object: Too long: netmode reads more than %d bytes of it: shorten its names, labels, annotations and commands", maxKept))
	case req.Namespace == "":
		return malformed("request.namespace: Required value: Pods, Services and workloads live in a namespace")
	case req.isWorkload():
		workload, err := decodeWorkload(req)
		if err != nil {
			return malformed(err.Error())
		}
		rec.Name = workload.Metadata.DisplayName()
		return rec.respond(r.decideObject(ctx, req, workload), req.Object)
	case req.isPod():
		var pod api.Pod
		if err := api.Decode(req.Object, &pod, ""); err != nil {
			return malformed(err.Error())
		}
		rec.Name = pod.Metadata.DisplayName()
		if req.byKubelet(&pod) {
			rec.Decision, rec.Reasons = Unchanged, []plan.Reason{plan.MirrorPod}
			return response{uid: req.UID, allowed: true}, nil
		}
		return rec.respond(r.decideObject(ctx, req, &pod), req.Object)
	default:
		var service api.Service
		if err := api.Decode(req.Object, &service, ""); err != nil {
			return malformed(err.Error())
		}
		rec.Name = service.Metadata.DisplayName()
		return rec.respond(r.decideObject(ctx, req, &service), req.Object)
	}
}

// decideObject leaves to the API server what policies forbid, unless ObserveOnly is
// set: they forbid nothing then, and the decision says what they would. It is made
// from the cache, and where it depends on which Services there are, once more with
// the latest ones, since the cache may lag.
func (r *Reviewer) decideObject(ctx context.Context, req *request, object engine.Object) *plan.Plan {
	request := engine.Request{
		Settings: r.Settings, Snapshot: r.Snapshots.Snapshot(ctx, req.Namespace), Namespace: req.Namespace,
		Object: object, UID: req.UID, Judge: r.ObserveOnly,
	}
	p := engine.Decide(request)
	if !engine.DependsOnServices(p) {
		return p
	}
	fresh, ok := r.Snapshots.FreshSnapshot(ctx, req.Namespace)
	if !ok {
		return p
	}
	request.Snapshot = fresh
	return engine.Decide(request)
}

func (r *Reviewer) newRecord(req *request) Record {
	rec := Record{UID: req.UID, Entry: r.Entry, Operation: req.Operation, Kind: KindOther, Namespace: req.Namespace, Name: req.Name}
	if req.known() {
		rec.Kind = req.Kind.Kind
	}
	return rec
}
