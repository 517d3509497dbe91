package yamledit

import (
	"bytes"
	"strings"
)

// style is how a document's author lays things out.
type style struct {
	newline string
	// unit is a mapping's indentation below its key, dash a sequence's, item
	// the distance from a dash to what follows it.
	unit, dash, item int

	noLiterals   bool // write texts of several lines between quotes
	json         bool
	indent       string // of one level, in JSON over several lines
	colon, comma string // what follows a colon and a comma in one line
}

func newlineOf(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// yamlStyle takes the commonest distances; what the document does not show is
// as kubectl prints it.
func yamlStyle(t *tree) style {
	s := style{newline: newlineOf(t.lines.text), unit: 2, item: 2, colon: " ", comma: " "}
	if !t.located {
		return s
	}
	units, dashes, items := map[int]int{}, map[int]int{}, map[int]int{}
	var count func(n *node)
	count = func(n *node) {
		for _, e := range n.entries {
			v := e.value
			if block := v.isBlock() && n.isBlock(); block {
				away := v.where.column - n.where.column
				switch {
				case n.kind == sequence && t.lines.lineOf(v.where.body) == t.lines.lineOf(e.start):
					items[away]++
				case n.kind == mapping && v.kind == sequence:
					dashes[away]++
				case n.kind == mapping:
					units[away]++
				}
			}
			count(v)
		}
	}
	count(t.root)
	s.dash = commonest(dashes, 0)
	s.unit = commonest(units, max(s.dash, 2))
	s.item = commonest(items, 2)
	return s
}

func commonest(counts map[int]int, otherwise int) int {
	best := otherwise
	for n, times := range counts {
		if times > counts[best] || times == counts[best] && n < best {
			best = n
		}
	}
	return best
}

// isBlock says whether the node stands in the text as a block collection.
func (n *node) isBlock() bool {
	return n.source && !n.where.flow && (n.kind == mapping || n.kind == sequence)
}

func jsonStyle(t *tree) style {
	s := style{newline: newlineOf(t.lines.text), json: true, indent: "  ", colon: " ", comma: " "}
	if len(t.root.held) == 0 {
		return s
	}
	first := t.root.held[0]
	if t.several(t.root) {
		s.indent = strings.TrimPrefix(t.indentOf(first.start), t.indentOf(t.root.where.start))
	}
	text := t.lines.text
	if bytes.HasSuffix(text[:first.value.where.start], []byte(":")) {
		s.colon = ""
	}
	if !t.several(t.root) && len(t.root.held) > 1 {
		second := t.root.held[1]
		if bytes.HasSuffix(text[:second.start], []byte(",")) {
			s.comma = ""
		}
	} else if s.colon == "" {
		s.comma = ""
	}
	return s
}

// several says whether a flow collection of the text has its entries on lines
// of their own.
func (t *tree) several(n *node) bool {
	return len(n.held) > 0 && t.lines.opensLine(n.held[0].start) &&
		t.lines.lineOf(n.held[0].start) != t.lines.lineOf(n.where.body)
}

// indentOf returns the blanks that begin the offset's line.
func (t *tree) indentOf(offset int) string {
	text, start := t.lines.text, t.lines.start(offset)
	end := start
	for end < len(text) && isBlank(text[end]) {
		end++
	}
	return string(text[start:end])
}
