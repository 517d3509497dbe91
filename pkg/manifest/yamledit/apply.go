package yamledit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"gomodules.xyz/jsonpatch/v2"
)

var (
	errMissing = errors.New("does not exist")
	errParent  = errors.New("its parent does not exist, or is neither a mapping nor a list")
	errIndex   = errors.New("is no index of that list")
)

// pointer reads a JSON pointer (RFC 6901).
func pointer(path string) ([]string, error) {
	if path == "" {
		return nil, errors.New("the whole document cannot be replaced or removed")
	}
	if path[0] != '/' {
		return nil, errors.New(`a pointer begins with "/"`)
	}
	return slices.Collect(jsontext.Pointer(path).Tokens()), nil
}

func (t *tree) apply(op jsonpatch.Operation) error {
	tokens, err := pointer(op.Path)
	if err != nil {
		return err
	}
	var value *node
	switch op.Operation {
	case "add", "replace":
		raw, err := json.Marshal(op.Value)
		if err != nil {
			return fmt.Errorf("its value is no JSON: %w", err)
		}
		if value, err = nodeOf(raw, -1); err != nil {
			return fmt.Errorf("its value is no JSON: %w", err)
		}
	case "remove":
	default:
		return errors.New("only add, replace and remove can be applied")
	}
	in := t.root
	in.open()
	last := len(tokens) - 1
	for _, token := range tokens[:last] {
		e, err := in.at(token)
		if err != nil || e.value.isScalar() {
			return errParent
		}
		if e.value.kind == alias {
			e.value = newNode(e.value.value, e.value)
		}
		in = e.value
		in.open()
	}
	if op.Operation == "add" {
		return in.add(tokens[last], value)
	}
	e, err := in.at(tokens[last])
	if err != nil {
		return err
	}
	if value != nil {
		e.put(value)
		return nil
	}
	if in.kind == mapping && in.merges() {
		in.unmerge()
		if e, err = in.at(tokens[last]); err != nil {
			return err
		}
	}
	e.release()
	in.entries = slices.DeleteFunc(slices.Clone(in.entries), func(x *entry) bool { return x == e })
	return nil
}

// isScalar looks through an alias.
func (n *node) isScalar() bool {
	if n.kind == alias {
		return n.target.kind == scalar
	}
	return n.kind == scalar
}

// open readies a collection for a change in it or below: those that refer to it
// by an alias keep what it was.
func (n *node) open() {
	n.edited = true
	n.free()
}

// free gives each alias of the node a value of its own.
func (n *node) free() {
	users := n.users
	n.users = nil
	for _, u := range users {
		if u.merged != nil {
			u.merged.unmerge()
		} else if u.holder != nil && u.holder.value == u {
			u.holder.value = newNode(u.value, u)
		}
	}
}

// release frees the aliases of all that goes away with an entry.
func (e *entry) release() {
	if e.name != nil {
		e.name.free()
	}
	e.value.release()
}

func (n *node) release() {
	n.free()
	for _, e := range n.entries {
		e.release()
	}
}

func (n *node) merges() bool {
	return slices.ContainsFunc(n.entries, func(e *entry) bool { return e.merge })
}

// unmerge writes out what a merge key brings into a mapping.
func (n *node) unmerge() {
	object, _ := n.value.(map[string]any)
	if !n.merges() || object == nil {
		return
	}
	var like *node
	entries := make([]*entry, 0, len(n.entries))
	have := map[string]bool{}
	for _, e := range n.entries {
		if e.merge {
			if e.value.kind == alias {
				like = e.value
			}
			continue
		}
		if v, ok := object[e.key]; ok && e.value.merged == n {
			e.value = newNode(v, e.value)
		}
		entries = append(entries, e)
		have[e.key] = true
	}
	for like != nil && like.kind == alias {
		like = like.target
	}
	for _, k := range orderedKeys(object, like) {
		if !have[k] {
			entries = append(entries, &entry{key: k, value: newNode(object[k], like.child(k))})
		}
	}
	n.entries = entries
}

// at returns the entry for a token. One that a merge key brings is written out
// first, so that it can be changed here alone.
func (n *node) at(token string) (*entry, error) {
	if n.kind == sequence {
		i, err := index(token, len(n.entries)-1)
		if err != nil {
			return nil, err
		}
		return n.entries[i], nil
	}
	for _, e := range n.entries {
		if e.key == token && !e.merge {
			if e.value.merged == n {
				n.unmerge()
			}
			return e, nil
		}
	}
	if object, _ := n.value.(map[string]any); n.merges() {
		if v, ok := object[token]; ok {
			e := &entry{key: token, value: newNode(v, nil)}
			n.entries = append(n.entries, e)
			return e, nil
		}
	}
	return nil, errMissing
}

// index reads an index of RFC 6901: digits without a leading zero.
func index(token string, most int) (int, error) {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i > most || strconv.Itoa(i) != token {
		return 0, errIndex
	}
	return i, nil
}

func (n *node) add(token string, value *node) error {
	if n.kind == mapping {
		e, err := n.at(token)
		if err == nil {
			e.put(value)
			return nil
		}
		n.entries = append(slices.Clone(n.entries), &entry{key: token, value: value})
		return nil
	}
	i := len(n.entries)
	if token != "-" {
		var err error
		if i, err = index(token, i); err != nil {
			return err
		}
	}
	n.entries = slices.Insert(slices.Clone(n.entries), i, &entry{value: value})
	return nil
}

// put replaces an entry's value; what is equal in both stays as it is written.
func (e *entry) put(value *node) {
	old := e.value
	if old.source && old.merged == nil && equalJSON(old.current(), value.current()) {
		return
	}
	if !old.source || old.kind != value.kind || old.kind == scalar || old.merges() || len(value.entries) == 0 {
		old.release()
		e.value = value
		return
	}
	old.open()
	if old.kind == mapping {
		old.putFields(value)
	} else {
		old.putItems(value)
	}
}

func (n *node) putFields(value *node) {
	for _, e := range slices.Clone(n.entries) {
		if value.child(e.key) == nil {
			e.release()
			n.entries = slices.DeleteFunc(slices.Clone(n.entries), func(x *entry) bool { return x == e })
		}
	}
	for _, e := range value.entries {
		if i := slices.IndexFunc(n.entries, func(x *entry) bool { return x.key == e.key }); i >= 0 {
			n.entries[i].put(e.value)
		} else {
			n.entries = append(n.entries, e)
		}
	}
}

// putItems keeps what is equal at both ends and pairs what is between.
func (n *node) putItems(value *node) {
	old, fresh := n.entries, value.entries
	same := func(a, b *entry) bool { return equalJSON(a.value.current(), b.value.current()) }
	head := 0
	for head < len(old) && head < len(fresh) && same(old[head], fresh[head]) {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(fresh)-head && same(old[len(old)-1-tail], fresh[len(fresh)-1-tail]) {
		tail++
	}
	out := slices.Clone(old[:head])
	before, after := old[head:len(old)-tail], fresh[head:len(fresh)-tail]
	for i, e := range after {
		if i < len(before) {
			before[i].put(e.value)
			e = before[i]
		}
		out = append(out, e)
	}
	for i := len(after); i < len(before); i++ {
		before[i].release()
	}
	n.entries = slices.Concat(out, old[len(old)-tail:])
}
