package yamledit

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"gomodules.xyz/jsonpatch/v2"
)

// applyToItems is Apply for operations that all reach into items of one list, as they do
// in a List, of a JSON document. Each item is edited and held against its operations by
// itself: the tree of a whole List takes fifty times its text. false: nothing was done.
func (d *Document) applyToItems(operations []jsonpatch.Operation) bool {
	name, items := byItem(operations)
	if !d.content.isJSON || items == nil {
		return false
	}
	root, err := nodeTo(2, d.text[d.content.body:d.content.end], d.content.body)
	if err != nil {
		return false
	}
	list := root.child(name)
	if list == nil || list.kind != sequence {
		return false
	}
	t := &tree{root: root, lines: newLines(d.text), located: true}
	t.style = jsonStyle(t)
	var out bytes.Buffer
	at := 0
	for i, e := range list.entries {
		patch, reached := items[strconv.Itoa(i)]
		if !reached {
			continue
		}
		delete(items, strconv.Itoa(i))
		text, ok := t.editItem(e.value.where, patch)
		if !ok {
			return false
		}
		out.Write(d.text[at:e.value.where.start])
		out.Write(text)
		at = e.value.where.end
	}
	out.Write(d.text[at:])
	return len(items) == 0 && d.become(out.Bytes())
}

// byItem sorts operations by the item of a list that they reach into, and takes the
// list and the item off their pointers. No items: they do not reach into one list.
func byItem(operations []jsonpatch.Operation) (list string, items map[string][]jsonpatch.Operation) {
	items = map[string][]jsonpatch.Operation{}
	for i, op := range operations {
		parts := strings.SplitN(op.Path, "/", 4)
		if len(parts) < 4 || parts[0] != "" || strings.Contains(parts[1], "~") || i > 0 && parts[1] != list {
			return "", nil
		}
		list, op.Path = parts[1], "/"+parts[3]
		items[parts[2]] = append(items[parts[2]], op)
	}
	return list, items
}

// editItem returns the text of one item as the operations make it.
func (t *tree) editItem(where span, operations []jsonpatch.Operation) ([]byte, bool) {
	raw := t.lines.text[where.start:where.end]
	root, err := nodeOf(raw, where.start)
	if err != nil {
		return nil, false
	}
	item := &tree{root: root, lines: t.lines, style: t.style, located: true}
	for _, op := range operations {
		if item.apply(op) != nil {
			return nil, false
		}
	}
	want, err := patched(raw, operations)
	if err != nil || item.rewritten(root) {
		return nil, false
	}
	text, ok := item.editWithin(where.start, where.end)
	if !ok || !jsontext.Value(text).IsValid() {
		return nil, false
	}
	got, err := decodeJSON(text)
	return text, err == nil && equalJSON(got, want)
}

// become gives a JSON document another text, in which only values differ.
func (d *Document) become(text []byte) bool {
	content := d.content
	content.end += len(text) - len(d.text)
	content.json = bytes.Clone(text[content.body:content.end])
	if (*jsontext.Value)(&content.json).Compact() != nil {
		return false
	}
	d.text, d.content = text, content
	d.unended = d.unended && !bytes.HasPrefix(d.original, text)
	return true
}
