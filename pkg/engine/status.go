package engine

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Status is the value of the annotation netmode.io/status, in compact JSON.
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
		if value != "" {
			text = append(text, `"`+name+`":`...)
			quote(value)
			text = append(text, ',')
		}
	}
	member("mode", string(s.Mode))
	member("source", string(s.Source))
	member("policy", s.Policy)
	member("service", s.Service)
	member("strategy", string(s.Strategy))
	text = append(text, `"reasons":[`...)
	for i, r := range s.Reasons {
		if i > 0 {
			text = append(text, ',')
		}
		quote(string(r))
	}
	return string(append(text, `]}`...))
}

// parseStatus reads the value of the annotation; it may be anybody's.
func parseStatus(text string) (Status, bool) {
	var s Status
	err := json.Unmarshal([]byte(text), &s)
	return s, err == nil
}

// statusPointer is where the status annotation stands.
var statusPointer = plan.Pointer("metadata", "annotations", api.AnnotationStatus)

// addStatus records the status annotation, as the last mutation, on an object
// that the plan changes. One that is already as its mode promises keeps what
// it has, so that the plan of a planned object stays empty.
func addStatus(p *plan.Plan, annotations map[string]string) {
	if !p.Changes() {
		return
	}
	status := Status{Mode: p.Mode, Source: p.Source, Policy: p.Policy, Service: p.Service, Strategy: p.Strategy, Reasons: p.Reasons()}
	if text := status.String(); annotations[api.AnnotationStatus] != text {
		p.Mutations = append(p.Mutations, plan.Mutation{Pointer: statusPointer, Value: text})
	}
}
