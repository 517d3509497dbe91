package engine

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Status is the value of the annotation netmode.io/status, in compact JSON. Mode and
// Source are empty where the pod was changed without a mode.
type Status struct {
	Mode   api.Mode    `json:"mode"`
	Source plan.Source `json:"source"`
	// Policy is the NetworkModePolicy that gave the mode.
	Policy string `json:"policy,omitempty"`
	// Service is the governing Service of a headless pod.
	Service string `json:"service,omitempty"`
	// Strategy is the search rewrite that was used.
	Strategy api.SearchRewrite `json:"strategy,omitempty"`
	Reasons  []plan.Reason     `json:"reasons"`
}

// String returns the status in compact JSON, its members in the order of the
// struct.
func (s Status) String() string {
	text := append(make([]byte, 0, 256), '{')
	quote := func(word string) {
		// The only error is invalid UTF-8, which no decoded object holds; it is replaced.
		text, _ = jsontext.AppendQuote(text, word)
	}
	member := func(name, value string) {
		text = append(text, `"`+name+`":`...)
		quote(value)
		text = append(text, ',')
	}
	member("mode", string(s.Mode))
	member("source", string(s.Source))
	for _, m := range []struct{ name, value string }{{"policy", s.Policy}, {"service", s.Service}, {"strategy", string(s.Strategy)}} {
		if m.value != "" {
			member(m.name, m.value)
		}
	}
	text = append(text, `"reasons":[`...)
	for i, r := range s.Reasons {
		if i > 0 {
			text = append(text, ',')
		}
		quote(string(r))
	}
	return string(append(text, `]}`...))
}

// maxStatus is more than any status that netmode writes, in bytes.
const maxStatus = 4 << 10

// parseStatus reads the value of the annotation; it may be anybody's.
func parseStatus(text string) (Status, bool) {
	var s Status
	if len(text) > maxStatus {
		return s, false
	}
	err := json.Unmarshal([]byte(text), &s)
	return s, err == nil
}

// statusPointer is where the status annotation stands.
var statusPointer = plan.Pointer("metadata", "annotations", api.AnnotationStatus)

// writeStatus records the status annotation, as the last mutation, on an object
// that has a mode. One that is already as its mode promises, as far as its template
// can be, keeps what it has if that tells the same: what is planned again stays.
func writeStatus(p *plan.Plan, annotations map[string]string) {
	if p.Refused() {
		return
	}
	status := Status{Mode: p.Mode, Source: p.Source, Policy: p.Policy, Service: p.Service, Strategy: p.Strategy, Reasons: p.Reasons()}
	has := annotations[api.AnnotationStatus]
	ofAll := func(m plan.Mutation) bool { return !m.OfOnePod }
	if !slices.ContainsFunc(p.Mutations, ofAll) && status.told(has) {
		return
	}
	status.write(p, has)
}

func (s Status) write(p *plan.Plan, has string) {
	if text := s.String(); has != text {
		p.Mutations = append(p.Mutations, plan.Mutation{Pointer: statusPointer, Value: text})
	}
}

// writeStatusAlone is writeStatus for a pod without a mode, and reports whether it has a
// status then: one that the plan changes has, and one that an earlier plan changed.
func writeStatusAlone(p *plan.Plan, annotations map[string]string) bool {
	status := Status{Strategy: p.Strategy, Reasons: p.Reasons()}
	has := annotations[api.AnnotationStatus]
	if p.Changes() {
		status.write(p, has)
		return true
	}
	return status.told(has)
}

// told says whether the value of an annotation begins as the status does, and
// is one. How it came to that differs from call to call.
func (s Status) told(value string) bool {
	before := s
	before.Strategy, before.Reasons = "", nil
	begins := strings.TrimSuffix(before.String(), `"reasons":[]}`)
	_, ok := parseStatus(value)
	return ok && strings.HasPrefix(value, begins)
}

// removeStatus takes away a status that a pod without a mode brings: netmode did
// not write it, and whoever reads it would be misled.
func removeStatus(p *plan.Plan, annotations map[string]string) {
	if _, brings := annotations[api.AnnotationStatus]; brings {
		p.Rule("status")
		p.Change(plan.Mutation{Action: plan.Remove, Pointer: statusPointer}, plan.StatusRemoved,
			annotationsPath.Key(api.AnnotationStatus).String(), "removed, since the pod has no mode")
	}
}
