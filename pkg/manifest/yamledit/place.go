package yamledit

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	yamlv3 "go.yaml.in/yaml/v3"
)

// Lines returns a function that tells at which 1-based line of the stream the
// value at a path of keys and indexes begins, or the last one on the way that is
// there. Lines are those of the stream as it was read, so call it before Apply.
// The function holds what it has found, so keep it no longer than need be.
func (d *Document) Lines() func(path ...string) int {
	if d.content.isJSON {
		root := sync.OnceValues(func() (*place, *lines) {
			raw := d.text[d.content.body:d.content.end]
			return &place{start: d.content.body, raw: raw}, newLines(d.text)
		})
		return func(path ...string) int {
			at, lines := root()
			for _, token := range path {
				at = at.child(token)
			}
			return d.Line + lines.lineOf(at.start)
		}
	}
	root := sync.OnceValue(func() *yamlv3.Node { return d.content.parsed(d.text).Content[0] })
	return func(path ...string) int {
		if len(path) == 0 {
			return d.Line + d.content.line - 1
		}
		n := root()
		for _, token := range path {
			n = lookUp(n, token)
		}
		return d.Line + n.Line - 1
	}
}

// place is where a value of a JSON text begins. What is in it is looked at when it
// is asked for.
type place struct {
	start  int
	raw    []byte
	opened bool
	fields map[string]*place
	items  []*place
}

// child follows a token, and stays where it leads nowhere.
func (p *place) child(token string) *place {
	if !p.opened {
		p.opened = true
		p.open()
	}
	if next, ok := p.fields[token]; ok {
		return next
	}
	if i, err := index(token, len(p.items)-1); err == nil {
		return p.items[i]
	}
	return p
}

func (p *place) open() {
	d := jsontext.NewDecoder(bytes.NewBuffer(p.raw))
	open, err := d.ReadToken()
	if err != nil || open.Kind() != '{' && open.Kind() != '[' {
		return
	}
	p.fields = map[string]*place{}
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		var key string
		if open.Kind() == '{' {
			name, err := d.ReadValue()
			if err != nil || json.Unmarshal(name, &key) != nil { // it was read before
				return
			}
		}
		raw, err := d.ReadValue()
		if err != nil {
			return
		}
		end := int(d.InputOffset())
		next := &place{start: p.start + end - len(raw), raw: p.raw[end-len(raw) : end]}
		if open.Kind() == '{' {
			p.fields[key] = next
		} else {
			p.items = append(p.items, next)
		}
	}
}

// lookUp follows a token, and stays where it leads nowhere.
func lookUp(n *yamlv3.Node, token string) *yamlv3.Node {
	for n.Kind == yamlv3.AliasNode {
		n = n.Alias
	}
	if n.Kind == yamlv3.SequenceNode {
		if i, err := index(token, len(n.Content)-1); err == nil {
			return n.Content[i]
		}
		return n
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == token {
			return n.Content[i+1]
		}
	}
	return n
}
