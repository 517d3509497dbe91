// Package patch turns the mutations of a plan into JSON Patch operations
// (RFC 6902) on the raw object, and applies them where there is no API server.
//
// A [plan.Mutation] says what is to be, and [Build] looks up in the object's JSON
// what that takes: add or replace, and which parents are absent. [Encode] writes
// the answer of a webhook, [Apply] does what the API server would do with it.
//
// Operations come in the order of the plan, touch nothing that the plan does
// not name, and never replace a list of containers: fields that this build
// does not know stay as they are. The package is pure.
package patch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/plan"
)

// Build returns the operations that make the mutations in the raw object,
// which must be a JSON object. Parents that are absent or null are made. An
// error names the pointer that is none, or whose parent is neither an object
// nor a list, or that leads into what an earlier mutation wrote or moved.
func Build(raw []byte, mutations []plan.Mutation) ([]jsonpatch.Operation, error) {
	if len(mutations) == 0 {
		return nil, nil
	}
	count := 0
	for _, m := range mutations {
		count += strings.Count(m.Pointer, "/")
	}
	t := newTree(count)
	for _, m := range mutations {
		if !strings.HasPrefix(m.Pointer, "/") {
			return nil, fmt.Errorf("%q is not a pointer to a member: it must begin with /", m.Pointer)
		}
		n := &t.root
		for token := range jsontext.Pointer(m.Pointer).Tokens() {
			n = t.child(n, token)
		}
	}
	s := &scanner{text: raw, root: &t.root}
	if err := s.fill(&t.root); err != nil {
		return nil, err
	}
	if t.root.state != object {
		return nil, errNotObject
	}
	operations := make([]jsonpatch.Operation, 0, len(mutations))
	for _, m := range mutations {
		if m.Action == plan.Remove {
			there, err := t.remove(m.Pointer)
			if err != nil {
				return nil, err
			}
			if there {
				operations = append(operations, jsonpatch.NewOperation("remove", m.Pointer, nil))
			}
			continue
		}
		operation, err := t.build(m)
		if err != nil {
			return nil, err
		}
		operations = append(operations, operation)
	}
	return operations, nil
}

// build makes one operation and keeps the nodes in step with it.
func (t *tree) build(m plan.Mutation) (jsonpatch.Operation, error) {
	n, end := &t.root, 0
	var made []string // tokens below the first place that is absent
	for token := range jsontext.Pointer(m.Pointer).Tokens() {
		parent := n
		n = t.child(n, token)
		switch {
		case len(made) > 0 || parent.state == absent:
			made = append(made, token)
			parent.state = object
		case parent.state == scalar, parent.state == array && n.state == absent:
			return jsonpatch.Operation{}, fmt.Errorf("%s: %s is not an object with that member", m.Pointer, m.Pointer[:end])
		default:
			end += 1 + strings.IndexByte(m.Pointer[end+1:]+"/", '/')
		}
	}
	value, isNew := m.Value, n.state == absent
	switch {
	case m.Action == plan.Set:
		n.state = scalar
	case !isNew && n.state != array:
		return jsonpatch.Operation{}, fmt.Errorf("%s: is not a list", m.Pointer)
	case isNew:
		value, n.state = []any{m.Value}, array
	case m.Action == plan.InsertFirst:
		n.first = nil // the indexes that were looked up are those of other items now
	}
	if len(made) > 0 {
		for _, token := range slices.Backward(made) {
			value = map[string]any{token: value}
		}
		return jsonpatch.NewOperation("add", m.Pointer[:end], value), nil
	}
	switch {
	case isNew:
		return jsonpatch.NewOperation("add", m.Pointer, value), nil
	case m.Action == plan.Set:
		return jsonpatch.NewOperation("replace", m.Pointer, value), nil
	case m.Action == plan.InsertFirst:
		return jsonpatch.NewOperation("add", m.Pointer+"/0", value), nil
	default:
		return jsonpatch.NewOperation("add", m.Pointer+"/-", value), nil
	}
}

// remove reports whether there is a member at the pointer, and forgets it.
func (t *tree) remove(pointer string) (there bool, err error) {
	n, end := &t.root, 0
	for token := range jsontext.Pointer(pointer).Tokens() {
		parent, above := n, end
		n = t.child(n, token)
		end += 1 + strings.IndexByte(pointer[end+1:]+"/", '/')
		switch {
		case parent.state == absent:
			return false, nil
		case parent.state == scalar, parent.state == array && (end == len(pointer) || n.state == absent):
			return false, fmt.Errorf("%s: %s is not an object with that member", pointer, pointer[:above])
		}
	}
	there = n.state != absent
	n.state, n.first = absent, nil
	return there, nil
}
