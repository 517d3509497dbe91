package yamledit

import (
	"bytes"
	"errors"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// errNotLocated says that the text holds something that locate does not follow.
// Such a document is not edited.
var errNotLocated = errors.New("the layout is not followed")

// locator finds where each node of a YAML document stands. The parser tells
// where nodes begin; where they end is read from the text, from node to node,
// and each step must arrive where the parser saw the next node.
type locator struct {
	text  []byte
	lines *lines
	lost  int // the 1-based line of the innermost node that is not found
}

// locate fills n.where. from is where the text before n has ended, column the
// column of the block collection around n (-1 outside of all).
func (l *locator) locate(n *node, from, column int, flow bool) error {
	err := l.find(n, from, column, flow)
	if err != nil && l.lost == 0 {
		l.lost = n.yaml.Line
	}
	return err
}

func (l *locator) find(n *node, from, column int, flow bool) error {
	start := l.lines.offset(n.yaml.Line-1, n.yaml.Column-1)
	if start < 0 || start != l.skip(from) {
		return errNotLocated
	}
	n.where = span{start: start, body: start, flow: flow}
	if n.kind == alias {
		n.where.end = start + 1
		for n.where.end < len(l.text) && isWord(l.text[n.where.end]) {
			n.where.end++
		}
		return nil
	}
	if n.yaml.Anchor != "" || n.yaml.Style&yamlv3.TaggedStyle != 0 {
		n.where.end, n.where.body = l.properties(n, start)
	}
	if isEmpty(n) {
		n.where.end = max(n.where.end, start)
		n.where.body = n.where.end
		return nil
	}
	if n.where.body >= len(l.text) {
		return errNotLocated
	}
	switch {
	case n.kind == scalar:
		return l.scalar(n, column, flow)
	case n.yaml.Style&yamlv3.FlowStyle != 0:
		return l.flow(n, column)
	default:
		return l.block(n)
	}
}

// isEmpty says whether a value is written as nothing at all.
func isEmpty(n *node) bool {
	const styles = yamlv3.DoubleQuotedStyle | yamlv3.SingleQuotedStyle | yamlv3.LiteralStyle | yamlv3.FoldedStyle
	return n.kind == scalar && n.yaml.Value == "" && n.yaml.Style&styles == 0
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// skip returns the offset of the next character that is no blank, break or comment.
func (l *locator) skip(i int) int {
	for i < len(l.text) {
		switch n := breakAt(l.text, i); {
		case n > 0:
			i += n
		case isBlank(l.text[i]):
			i++
		case l.text[i] == '#': // no token begins so
			i = l.lines.end(i)
		case bytes.HasPrefix(l.text[i:], byteOrderMark) && i+len(byteOrderMark) == l.lines.start(i):
			i += len(byteOrderMark)
		default:
			return i
		}
	}
	return i
}

// properties returns where the anchor and the tag of n at i end, and where what
// they belong to begins. Those behind them are the first key's.
func (l *locator) properties(n *node, i int) (end, body int) {
	body, end = i, i
	marks := ""
	if n.yaml.Anchor != "" {
		marks += "&"
	}
	if n.yaml.Style&yamlv3.TaggedStyle != 0 {
		marks += "!"
	}
	for body < len(l.text) && strings.IndexByte(marks, l.text[body]) >= 0 {
		marks = strings.ReplaceAll(marks, string(l.text[body]), "")
		for end = body; !isSpaceAt(l.text, end) && !bytes.ContainsRune([]byte(",]}"), rune(l.text[end])); end++ {
		}
		body = l.skip(end)
	}
	return end, body
}

func (l *locator) block(n *node) error {
	at := n.where.body
	n.where.column = l.lines.column(at)
	n.where.flow = false
	if n.kind == mapping && n.yaml.Content[0].Column-1 != n.where.column && !l.asked(at) {
		// The anchor at the first key's place is that key's.
		return errNotLocated
	}
	for _, e := range n.entries {
		e.start = l.skip(at)
		if e.start >= len(l.text) || l.lines.column(e.start) != n.where.column {
			return errNotLocated
		}
		mark := byte('-')
		at = e.start
		if n.kind == mapping {
			mark = ':'
			var found bool
			var err error
			if at, found, err = l.key(e, n.where.column); err != nil {
				return err
			}
			if !found {
				at = e.end
				continue
			}
		}
		if at >= len(l.text) || l.text[at] != mark || !isSpaceAt(l.text, at+1) {
			l.lost = l.lines.lineOf(e.start) + 1
			return errNotLocated
		}
		e.colon = at + 1
		if err := l.value(e, n.where.column, false); err != nil {
			return err
		}
		at = e.end
	}
	n.where.end = at
	return nil
}

// asked says whether an explicit key begins here: "? key".
func (l *locator) asked(at int) bool {
	return at < len(l.text) && l.text[at] == '?' && isSpaceAt(l.text, at+1)
}

// key locates a key in block style, and returns where its colon is. An explicit
// key may have none, and then no value.
func (l *locator) key(e *entry, column int) (colon int, found bool, err error) {
	if !l.asked(e.start) {
		err = l.locate(e.name, e.start, column, false)
		colon = e.name.where.end
		for colon < len(l.text) && isBlank(l.text[colon]) {
			colon++
		}
		return colon, true, err
	}
	if err := l.locate(e.name, e.start+1, column, false); err != nil {
		return 0, false, err
	}
	colon = l.skip(e.name.where.end)
	if colon < len(l.text) && l.text[colon] == ':' && isSpaceAt(l.text, colon+1) && l.lines.column(colon) == column {
		return colon, true, nil
	}
	return 0, false, e.without(false)
}

// without says that an entry has a key and nothing else.
func (e *entry) without(flow bool) error {
	end := e.name.where.end
	e.colon, e.end = -1, end
	e.value.where = span{start: end, body: end, end: end, flow: flow}
	if !isEmpty(e.value) {
		return errNotLocated
	}
	return nil
}

// value locates an entry's value, after its colon or dash.
func (l *locator) value(e *entry, column int, flow bool) error {
	if e.value.kind == scalar && isEmpty(e.value) && e.value.yaml.Anchor == "" && e.value.yaml.Style&yamlv3.TaggedStyle == 0 {
		e.value.where = span{start: e.colon, body: e.colon, end: e.colon, flow: flow}
		e.end = e.colon
		return nil
	}
	if err := l.locate(e.value, e.colon, column, flow); err != nil {
		return err
	}
	e.end = e.value.where.end
	return nil
}

// flow locates a flow collection. A pair in a list, as in [a: b], is a mapping
// without brackets.
func (l *locator) flow(n *node, column int) error {
	open, closing := byte('{'), byte('}')
	if n.kind == sequence {
		open, closing = '[', ']'
	}
	at := n.where.body
	n.where.flow = true
	n.where.pair = l.text[at] != open
	if n.where.pair && (n.kind != mapping || len(n.entries) != 1 || n.where.body != n.where.start) {
		return errNotLocated
	}
	if !n.where.pair {
		at++
	}
	for i, e := range n.entries {
		at = l.skip(at)
		if i > 0 {
			if at >= len(l.text) || l.text[at] != ',' {
				return errNotLocated
			}
			at = l.skip(at + 1)
		}
		if err := l.flowEntry(n, e, at, column); err != nil {
			return err
		}
		at = e.end
	}
	if n.where.pair {
		n.where.end = at
		return nil
	}
	if at = l.skip(at); at < len(l.text) && l.text[at] == ',' {
		at = l.skip(at + 1)
	}
	if at >= len(l.text) || l.text[at] != closing {
		return errNotLocated
	}
	n.where.end = at + 1
	return nil
}

func (l *locator) flowEntry(n *node, e *entry, at, column int) error {
	e.start, e.colon = at, at
	if n.kind == sequence {
		return l.value(e, column, true)
	}
	if l.asked(at) {
		at++
	}
	if err := l.locate(e.name, at, column, true); err != nil {
		return err
	}
	at = l.skip(e.name.where.end)
	if at >= len(l.text) || l.text[at] != ':' {
		return e.without(true)
	}
	e.colon = at + 1
	return l.value(e, column, true)
}

func (l *locator) scalar(n *node, column int, flow bool) error {
	at := n.where.body
	switch style := n.yaml.Style; {
	case style&yamlv3.DoubleQuotedStyle != 0:
		n.where.end = l.quoted(at, '"')
	case style&yamlv3.SingleQuotedStyle != 0:
		n.where.end = l.quoted(at, '\'')
	case style&(yamlv3.LiteralStyle|yamlv3.FoldedStyle) != 0:
		n.where.end = l.blockScalar(at, column)
	default:
		n.where.end = l.plain(at, column, flow)
	}
	if n.where.end <= at {
		return errNotLocated
	}
	return nil
}

func (l *locator) quoted(i int, mark byte) int {
	if l.text[i] != mark {
		return -1
	}
	for i++; i < len(l.text); i++ {
		switch {
		case l.text[i] == '\\' && mark == '"':
			i++
		case l.text[i] != mark:
		case mark == '\'' && i+1 < len(l.text) && l.text[i+1] == mark:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// plain returns the end of a plain scalar. In block style it goes on in lines
// that are indented deeper than the collection around it.
func (l *locator) plain(i, column int, flow bool) int {
	end := i
	for i < len(l.text) {
		c := l.text[i]
		switch {
		case breakAt(l.text, i) > 0:
			next := l.skipSpace(i)
			if next >= len(l.text) || l.text[next] == '#' || !flow && l.lines.column(next) <= column {
				return end
			}
			i = next
			continue
		case isBlank(c):
			if i+1 < len(l.text) && l.text[i+1] == '#' {
				return end
			}
		case c == ':' && isSpaceAt(l.text, i+1), flow && c == '?' && isSpaceAt(l.text, i+1):
			return end
		case flow && bytes.IndexByte([]byte(",[]{}"), c) >= 0:
			return end
		default:
			end = i + 1
		}
		i++
	}
	return end
}

func (l *locator) skipSpace(i int) int {
	for i < len(l.text) {
		if n := breakAt(l.text, i); n > 0 {
			i += n
		} else if isBlank(l.text[i]) {
			i++
		} else {
			break
		}
	}
	return i
}

// blockScalar returns the end of a literal or folded scalar: of its last line
// that counts, without the break (YAML 1.1 section 9.2).
func (l *locator) blockScalar(i, column int) int {
	header, _, _ := bytes.Cut(l.text[i+1:l.lines.end(i)], []byte(" "))
	end := l.lines.end(i)
	indent, keep := 0, bytes.Contains(header, []byte("+"))
	if at := bytes.IndexAny(header, "123456789"); at >= 0 {
		indent = max(column, 0) + int(header[at]-'0')
	}
	for at := l.lines.next(i); at < len(l.text); at = l.lines.next(at) {
		line := l.text[at:l.lines.end(at)]
		depth := len(line) - len(bytes.TrimLeft(line, " "))
		switch {
		case depth == len(line) && (indent == 0 || depth <= indent):
			if keep {
				end = at + len(line)
			}
		case indent == 0 && depth > column, indent > 0 && depth >= indent:
			if indent == 0 {
				indent = depth
			}
			end = at + len(line)
		default:
			return end
		}
	}
	return end
}
