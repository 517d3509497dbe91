package workload

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// OnNode returns a DaemonSet's pod as its controller makes it for a node: it writes its
// own term in the place of those of the template's required node affinity.
func OnNode(pod []byte, node string) ([]byte, error) {
	var whole map[string]jsontext.Value
	if err := api.Decode(pod, &whole, ""); err != nil {
		return nil, err
	}
	term := map[string]any{"matchFields": []api.NodeSelectorRequirement{{Key: "metadata.name", Operator: "In", Values: []string{node}}}}
	terms, err := json.Marshal(map[string]any{"nodeSelectorTerms": []any{term}})
	if err == nil {
		err = setMember(whole, terms, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(whole, json.Deterministic(true))
}

// setMember sets a member of an object's member, and so on; those on the way are made
// where they are absent or null.
func setMember(object map[string]jsontext.Value, value jsontext.Value, name string, below ...string) error {
	if len(below) == 0 {
		object[name] = value
		return nil
	}
	member := map[string]jsontext.Value{}
	if has, ok := object[name]; ok && has.Kind() != 'n' {
		if err := api.Decode(has, &member, name); err != nil {
			return err
		}
	}
	if err := setMember(member, value, below[0], below[1:]...); err != nil {
		return err
	}
	text, err := json.Marshal(member, json.Deterministic(true))
	object[name] = text
	return err
}
