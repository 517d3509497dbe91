package yamledit

import (
	"bytes"
	"encoding/json"

	yamlv3 "go.yaml.in/yaml/v3"
)

// reencode writes the whole document anew from the parser's nodes and the
// tree's edits. Comments are kept; blank lines and quoting may not be. What
// stands around the content ("---", directives, "...") is kept as it is.
func (d *Document) reencode(t *tree) ([]byte, bool) {
	if d.content.isJSON {
		return nil, false
	}
	e := encoder{copies: map[*node]*yamlv3.Node{}}
	root, err := e.node(t.root)
	if err != nil {
		return nil, false
	}
	doc := *t.doc
	doc.Content = []*yamlv3.Node{root}
	text, err := encode(&doc, t.style)
	if err != nil {
		return nil, false
	}
	text = bytes.ReplaceAll(text, []byte("\n"), []byte(t.style.newline))
	var out bytes.Buffer
	out.Write(d.text[:d.content.body])
	if out.Len() > 0 {
		out.WriteString(t.style.newline)
	}
	out.Write(text)
	out.Write(d.text[d.content.end:])
	return out.Bytes(), true
}

func encode(n *yamlv3.Node, s style) ([]byte, error) {
	var out bytes.Buffer
	enc := yamlv3.NewEncoder(&out)
	enc.SetIndent(min(max(s.unit, 2), 9))
	if s.dash == 0 {
		enc.CompactSeqIndent()
	}
	if err := enc.Encode(n); err != nil {
		return nil, err
	}
	err := enc.Close()
	return out.Bytes(), err
}

// encoder copies the tree into nodes of the YAML library.
type encoder struct {
	copies map[*node]*yamlv3.Node
}

func (e encoder) node(n *node) (*yamlv3.Node, error) {
	out := &yamlv3.Node{}
	switch {
	case n.source:
		*out = *n.yaml
		out.Content = nil
		if n.kind == alias {
			out.Alias = e.copies[n.target]
		}
		e.copies[n] = out
	case n.kind == scalar:
		if number, ok := n.value.(json.Number); ok {
			out.Kind, out.Value = yamlv3.ScalarNode, number.String()
			return out, nil
		}
		return out, out.Encode(n.value)
	case n.kind == sequence:
		out.Kind = yamlv3.SequenceNode
	default:
		out.Kind = yamlv3.MappingNode
	}
	for _, c := range n.entries {
		if n.kind == mapping {
			key := &yamlv3.Node{}
			var err error
			if c.held {
				key, err = e.node(c.name)
			} else {
				err = key.Encode(c.key)
			}
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, key)
		}
		value, err := e.node(c.value)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, value)
	}
	return out, nil
}
