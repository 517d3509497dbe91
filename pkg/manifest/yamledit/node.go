package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	yamlv3 "go.yaml.in/yaml/v3"
)

type kind int

const (
	scalar kind = iota
	mapping
	sequence
	alias
)

// node is a value of a document: one that its text holds (from a source), or a
// new one. Edits change entries; where stays, so that the text's parts that
// they leave alone can be told.
type node struct {
	kind    kind
	value   any // as kubectl reads it: of a scalar, and of what came from a source
	entries []*entry

	source bool
	yaml   *yamlv3.Node // nil for JSON and for new values
	where  span
	held   []*entry // the entries that the text holds
	edited bool     // its value, or one below, was changed

	target *node   // of an alias
	users  []*node // the aliases of an anchored node
	holder *entry  // of an alias: where it stands
	merged *node   // of an alias below a merge key: the mapping that it feeds
}

// span is where a node stands in the text: from its anchor or tag to its last
// character. body is where it begins without them. column is the one of a block
// collection's keys or dashes.
type span struct {
	start, body, end int
	column           int
	flow             bool
	pair             bool // a mapping of one entry in a flow list, without brackets
}

// entry is a key and its value, or an item of a sequence.
type entry struct {
	key   string
	name  *node // the key's node; nil for items and new entries
	value *node
	merge bool

	held  bool  // from the text
	was   *node // the value in the text
	start int   // of the key or the dash
	colon int   // after the colon or the dash; -1 if there is none
	end   int
}

// tree is a document's value with where each part of it stands.
type tree struct {
	root  *node
	lines *lines
	style style
	// located says whether the text's parts were all found; if not, the document is
	// not edited, and lost is the 1-based line where the first of them is.
	located bool
	lost    int
}

// tree reads the document's text once more, for editing.
func (d *Document) tree() (*tree, error) {
	t := &tree{lines: newLines(d.text)}
	if d.content.isJSON {
		root, err := nodeOf(d.text[d.content.body:d.content.end], d.content.body)
		if err != nil {
			return nil, err
		}
		t.root, t.located = root, true
		t.style = jsonStyle(t)
		return t, nil
	}
	value, err := decodeJSON(d.content.json)
	if err != nil {
		return nil, err
	}
	b := &builder{nodes: map[*yamlv3.Node]*node{}, keys: map[string]string{}}
	if t.root, err = b.build(d.content.parsed(d.text).Content[0], value, nil, nil); err != nil {
		return nil, err
	}
	loc := &locator{text: d.text, lines: t.lines}
	t.located = loc.locate(t.root, d.content.body, -1, false) == nil
	t.lost = loc.lost
	t.style = yamlStyle(t)
	return t, nil
}

// builder makes nodes of the parser's.
type builder struct {
	nodes map[*yamlv3.Node]*node
	keys  map[string]string
}

// build makes the node of n, whose value is v. merged is the mapping that n
// feeds by a merge key, nil elsewhere: below it values are not known.
func (b *builder) build(n *yamlv3.Node, v any, holder *entry, merged *node) (*node, error) {
	out := &node{value: v, source: true, yaml: n, holder: holder, merged: merged}
	b.nodes[n] = out
	switch n.Kind {
	case yamlv3.AliasNode:
		out.kind, out.target = alias, b.nodes[n.Alias]
		if out.target == nil {
			return nil, fmt.Errorf("alias %q has no anchor", n.Value)
		}
		out.target.users = append(out.target.users, out)
		return out, nil
	case yamlv3.MappingNode:
		out.kind = mapping
		object, ok := v.(map[string]any)
		if !ok && merged == nil {
			return nil, fmt.Errorf("the mapping on its line %d is none for kubectl", n.Line)
		}
		if err := b.fields(out, object); err != nil {
			return nil, err
		}
	case yamlv3.SequenceNode:
		out.kind = sequence
		list, ok := v.([]any)
		if merged == nil && (!ok || len(list) != len(n.Content)) {
			return nil, fmt.Errorf("the list on its line %d is none for kubectl", n.Line)
		}
		for i, c := range n.Content {
			e := &entry{held: true}
			var item any
			if merged == nil {
				item = list[i]
			}
			var err error
			if e.value, err = b.build(c, item, e, merged); err != nil {
				return nil, err
			}
			out.entries = append(out.entries, e)
		}
	default:
		switch v.(type) {
		case map[string]any, []any:
			return nil, fmt.Errorf("the value on its line %d is none for kubectl", n.Line)
		}
	}
	for _, e := range out.entries {
		e.was = e.value
	}
	out.held = slices.Clone(out.entries)
	return out, nil
}

func (b *builder) fields(out *node, object map[string]any) error {
	n := out.yaml
	merges := -1
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			merges = i
		}
	}
	for i := 0; i < len(n.Content); i += 2 {
		k, c := n.Content[i], n.Content[i+1]
		e := &entry{held: true, merge: isMerge(k)}
		feeds := out.merged
		switch {
		case e.merge && feeds == nil:
			feeds = out
		case feeds == nil && i < merges:
			// The library lets what is merged win over the keys before it.
			feeds = out
		}
		named := k
		if k.Kind == yamlv3.AliasNode {
			named = k.Alias
		}
		e.key = keyString(named, b.keys)
		v, ok := object[e.key]
		if !ok && feeds == nil {
			return fmt.Errorf("kubectl reads key %q under another name", e.key)
		}
		var err error
		if e.name, err = b.build(k, nil, nil, out); err != nil {
			return err
		}
		if e.value, err = b.build(c, v, e, feeds); err != nil {
			return err
		}
		out.entries = append(out.entries, e)
	}
	return nil
}

// nodeOf reads JSON. from is where the text stands in the document; negative
// for a new value.
func nodeOf(text []byte, from int) (*node, error) {
	return nodeTo(math.MaxInt, text, from)
}

// nodeTo reads JSON so many collections deep. Of those below it reads no entries.
func nodeTo(depth int, text []byte, from int) (*node, error) {
	return readNode(jsontext.NewDecoder(bytes.NewBuffer(text)), depth, from)
}

func readNode(d *jsontext.Decoder, depth, from int) (*node, error) {
	out := &node{source: from >= 0}
	switch kind := d.PeekKind(); {
	case (kind == '{' || kind == '[') && d.StackDepth() < depth:
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		out.where.start = from + int(d.InputOffset()) - 1
		if err := readEntries(d, out, depth, from); err != nil {
			return nil, err
		}
	default:
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		out.where.start = from + int(d.InputOffset()) - len(raw)
		if out.value, err = scalarOf(raw); err != nil {
			return nil, err
		}
	}
	out.where.body, out.where.end, out.where.flow = out.where.start, from+int(d.InputOffset()), true
	if out.source {
		out.held = slices.Clone(out.entries)
		out.value = out.current()
	}
	return out, nil
}

func readEntries(d *jsontext.Decoder, out *node, depth, from int) error {
	out.kind = sequence
	if kind, _ := d.StackIndex(d.StackDepth()); kind == '{' {
		out.kind = mapping
	}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		e := &entry{held: out.source, colon: -1}
		if out.kind == mapping {
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			e.start = from + int(d.InputOffset()) - len(raw)
			if err := json.Unmarshal(raw, &e.key); err != nil {
				return err
			}
			e.name = &node{where: span{start: e.start, body: e.start, end: e.start + len(raw), flow: true}, source: out.source}
		}
		var err error
		if e.value, err = readNode(d, depth, from); err != nil {
			return err
		}
		e.was, e.end = e.value, e.value.where.end
		if out.kind == sequence {
			e.start = e.value.where.start
		}
		if out.source {
			e.colon = e.value.where.start
		}
		out.entries = append(out.entries, e)
	}
	_, err := d.ReadToken()
	return err
}

// newNode makes a new node of a decoded value, its keys in like's order.
func newNode(v any, like *node) *node {
	for like != nil && like.kind == alias {
		like = like.target
	}
	out := &node{value: v}
	switch v := v.(type) {
	case map[string]any:
		out.kind = mapping
		for _, k := range orderedKeys(v, like) {
			out.entries = append(out.entries, &entry{key: k, value: newNode(v[k], like.child(k))})
		}
	case []any:
		out.kind = sequence
		for i, item := range v {
			var l *node
			if like != nil && like.kind == sequence && i < len(like.entries) {
				l = like.entries[i].value
			}
			out.entries = append(out.entries, &entry{value: newNode(item, l)})
		}
	}
	return out
}

func orderedKeys(object map[string]any, like *node) []string {
	keys := make([]string, 0, len(object))
	done := map[string]bool{}
	if like != nil && like.kind == mapping {
		for _, e := range like.entries {
			if _, ok := object[e.key]; ok && !done[e.key] {
				keys, done[e.key] = append(keys, e.key), true
			}
		}
	}
	known := len(keys)
	for k := range object {
		if !done[k] {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys[known:])
	return keys
}

// child returns the value of a key, nil if there is none.
func (n *node) child(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for _, e := range n.entries {
		if e.key == key && !e.merge {
			return e.value
		}
	}
	return nil
}

// current returns the node's value as it is now.
func (n *node) current() any {
	switch {
	case n.source && n.value != nil && !n.edited, n.kind == scalar, n.kind == alias:
		return n.value
	case n.kind == sequence:
		out := make([]any, len(n.entries))
		for i, e := range n.entries {
			out[i] = e.value.current()
		}
		return out
	}
	out := map[string]any{}
	for _, e := range n.entries {
		if e.merge {
			merged, _ := n.value.(map[string]any)
			maps.Copy(out, merged)
		}
	}
	for _, e := range n.entries {
		if !e.merge {
			out[e.key] = e.value.current()
		}
	}
	return out
}
