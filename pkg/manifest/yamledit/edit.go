package yamledit

import (
	"bytes"
	"slices"
	"strings"
)

// change replaces text[start:end].
type change struct {
	start, end int
	text       string
}

// editor collects the changes that make the text say what the tree says.
type editor struct {
	*tree
	text    []byte
	changes []change
}

// edit returns the text with the tree's edits made in place. false: the layout
// does not allow it.
func (t *tree) edit() ([]byte, bool) {
	if !t.located {
		return nil, false
	}
	return t.editWithin(0, len(t.lines.text))
}

// editWithin returns a part of the text, which holds all that the edits reach, with the
// edits made.
func (t *tree) editWithin(from, to int) ([]byte, bool) {
	e := &editor{tree: t, text: t.lines.text}
	if root := t.root; t.rewritten(root) {
		text := e.style.inFlow(root, "", e.style.json && e.several(root))
		if !root.where.flow && len(root.entries) > 0 {
			text = e.style.block(root, root.where.column)
		}
		e.replace(root.where.body, root.where.end, text)
	} else {
		e.walk(root)
	}
	// At one offset, what is inserted comes before what is removed; inner
	// insertions were collected before outer ones.
	slices.SortStableFunc(e.changes, func(a, b change) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return min(a.end-a.start, 1) - min(b.end-b.start, 1)
	})
	var out bytes.Buffer
	at := from
	for _, c := range e.changes {
		if c.start < at {
			return nil, false
		}
		out.Write(e.text[at:c.start])
		out.WriteString(strings.ReplaceAll(c.text, "\n", t.style.newline))
		at = c.end
	}
	if at > to {
		return nil, false
	}
	out.Write(e.text[at:to])
	return out.Bytes(), true
}

// rewritten says whether a collection is written as a new one: it kept nothing of
// what the text holds, or its text cannot hold more.
func (t *tree) rewritten(n *node) bool {
	if !n.source || n.kind == scalar || n.kind == alias || len(n.held)+len(n.entries) == 0 {
		return false
	}
	if n.where.pair && len(n.entries) > 1 {
		return true // what is in brackets now
	}
	return !slices.ContainsFunc(n.entries, func(e *entry) bool { return e.held })
}

// editQuoted is edit without literals: an indented comment that follows one
// would become a part of it.
func (t *tree) editQuoted() ([]byte, bool) {
	quoted := *t
	quoted.style.noLiterals = true
	return quoted.edit()
}

func (e *editor) replace(start, end int, text string) {
	e.changes = append(e.changes, change{start, end, text})
}

// lineAfter inserts lines behind the line of the offset. They end like the
// text's last line if it is that one, unless a value needs the break.
func (e *editor) lineAfter(offset int, lines string, last *node) {
	switch {
	case e.lines.ended(offset):
		e.replace(e.lines.next(offset), e.lines.next(offset), lines+"\n")
	case !e.style.noLiterals && last.endsLine():
		e.replace(len(e.text), len(e.text), "\n"+lines+"\n")
	default:
		e.replace(len(e.text), len(e.text), "\n"+lines)
	}
}

// endsLine says whether a new value ends in a literal whose last break counts.
func (n *node) endsLine() bool {
	for len(n.entries) > 0 {
		n = n.entries[len(n.entries)-1].value
	}
	text, ok := n.value.(string)
	return ok && isLiteral(text) && strings.HasSuffix(text, "\n")
}

// behind returns the offset of the last comment line directly below the offset's
// line, of those that are indented deeper than a column; else the offset itself.
func (e *editor) behind(offset, column int) int {
	for e.lines.ended(offset) {
		next := e.lines.next(offset)
		blanks := len(e.indentOf(min(next, len(e.text)-1)))
		if next+blanks >= len(e.text) || blanks <= column || e.text[next+blanks] != '#' {
			break
		}
		offset = next
	}
	return offset
}

func (e *editor) walk(n *node) {
	if n.kind == scalar || n.kind == alias || !n.source {
		return
	}
	for _, c := range n.entries {
		switch {
		case !c.held:
		case c.value != c.was || e.rewritten(c.value):
			if n.where.flow {
				e.replaceInFlow(n, c)
			} else {
				e.replaceInBlock(n, c)
			}
		default:
			e.walk(c.value)
		}
	}
	if n.where.flow {
		e.insertInFlow(n)
		e.removeInFlow(n)
	} else {
		e.insertInBlock(n)
		e.removeInBlock(n)
	}
}

// gone returns which entries of the text were removed; nil if none was.
func (n *node) gone() map[*entry]bool {
	stay := 0
	for _, e := range n.entries {
		if e.held {
			stay++
		}
	}
	if stay == len(n.held) {
		return nil
	}
	out := map[*entry]bool{}
	for _, h := range n.held {
		out[h] = true
	}
	for _, e := range n.entries {
		delete(out, e)
	}
	return out
}

// runs calls do with each run of new entries: before is the entry of the text
// in front of it, behind the one that follows; either may be nil.
func (n *node) runs(do func(before *entry, fresh []*entry, behind *entry)) {
	var before *entry
	for i := 0; i < len(n.entries); i++ {
		if n.entries[i].held {
			before = n.entries[i]
			continue
		}
		j := i
		for j < len(n.entries) && !n.entries[j].held {
			j++
		}
		var behind *entry
		if j < len(n.entries) {
			behind = n.entries[j]
		}
		do(before, n.entries[i:j], behind)
		i = j - 1
	}
}

func (e *editor) insertInBlock(n *node) {
	margin := strings.Repeat(" ", n.where.column)
	n.runs(func(before *entry, fresh []*entry, behind *entry) {
		var lines []string
		for _, f := range fresh {
			lines = append(lines, margin+e.style.entry(n, f, n.where.column))
		}
		text := strings.Join(lines, "\n")
		switch {
		case before != nil:
			e.lineAfter(e.behind(before.end, n.where.column), text, fresh[len(fresh)-1].value)
		case e.lines.opensLine(behind.start):
			at := e.lines.start(e.comments(behind.start, n.where.column))
			e.replace(at, at, text+"\n")
		default:
			e.replace(behind.start, behind.start, strings.TrimPrefix(text, margin)+"\n"+margin)
		}
	})
}

// comments returns where the comment lines directly above an entry begin, those
// that are not indented deeper than it is.
func (e *editor) comments(offset, column int) int {
	for line := e.lines.lineOf(offset) - 1; line >= 0; line-- {
		start := e.lines.starts[line]
		blanks := len(e.indentOf(start))
		if blanks > column || start+blanks >= len(e.text) || e.text[start+blanks] != '#' {
			break
		}
		offset = start
	}
	return offset
}

func (e *editor) removeInBlock(n *node) {
	gone := n.gone()
	for i, h := range n.held {
		switch {
		case !gone[h]:
		case e.lines.opensLine(h.start):
			e.removeLines(h.start, h.end)
		case !gone[n.held[i+1]] && len(bytes.TrimSpace(e.text[h.end:n.held[i+1].start])) == 0:
			// The first entry, behind the dash of an item: the next moves up.
			e.replace(h.start, n.held[i+1].start, "")
		default:
			e.replace(h.start, h.end, "")
		}
	}
}

// removeLines removes the lines from one offset's to another's.
func (e *editor) removeLines(from, to int) {
	e.replace(e.lines.start(from), e.lines.next(to), "")
}

// replaceInBlock writes an entry's new value where the old one stands.
func (e *editor) replaceInBlock(n *node, c *entry) {
	was := c.was.where
	text := e.style.after(c.value, n.where.column, n.kind == sequence)
	if c.colon < 0 {
		e.replace(c.end, c.end, "\n"+strings.Repeat(" ", n.where.column)+":"+text)
		return
	}
	gap := ""
	if was.end < len(e.text) && e.text[was.end] == '#' {
		gap = " "
	}
	first, rest, below := strings.Cut(text, "\n")
	keyLine, end := e.lines.lineOf(c.colon), was.end
	switch {
	case e.lines.lineOf(was.start) != keyLine:
		e.replace(c.colon, c.colon, first)
		if below {
			e.replace(e.lines.start(was.start), e.lines.end(end), rest)
		} else {
			e.removeLines(was.start, end)
		}
	case e.lines.lineOf(end) != keyLine:
		if below {
			end, gap = e.lines.end(end), ""
		}
		e.replace(c.colon, end, text+gap)
	default:
		// A comment behind the old value stays on the key's line.
		if eol := e.lines.end(end); len(bytes.TrimSpace(e.text[end:eol])) == 0 {
			end = eol
		}
		e.replace(c.colon, end, first+gap)
		if below {
			e.lineAfter(end, rest, c.value)
		}
	}
}
