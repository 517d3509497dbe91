package engine

import (
	"github.com/go-json-experiment/json"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Status is the value of the annotation netmode.io/status, in compact JSON.
type Status struct {
	Mode   api.Mode    `json:"mode"`
	Source plan.Source `json:"source"`
	// Service is the governing Service of a headless pod.
	Service string `json:"service,omitempty"`
	// Strategy is the search rewrite that was used.
	Strategy api.SearchRewrite `json:"strategy,omitempty"`
	Reasons  []plan.Reason     `json:"reasons"`
}

// addStatus records the status annotation, as the last mutation, on an object
// that the plan changes. One that is already as its mode promises keeps what
// it has, so that the plan of a planned object stays empty.
func addStatus(p *plan.Plan, annotations map[string]string) {
	if !p.Changes() {
		return
	}
	text, err := json.Marshal(Status{Mode: p.Mode, Source: p.Source, Service: p.Service, Strategy: p.Strategy, Reasons: p.Reasons()})
	if err != nil || annotations[api.AnnotationStatus] == string(text) {
		return
	}
	p.Mutations = append(p.Mutations, plan.Mutation{
		Pointer: plan.Pointer("metadata", "annotations", api.AnnotationStatus),
		Value:   string(text),
	})
}
