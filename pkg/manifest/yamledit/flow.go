package yamledit

import "strings"

// replaceInFlow writes an entry's new value where the old one stands in a flow
// collection.
func (e *editor) replaceInFlow(n *node, c *entry) {
	if c.colon < 0 {
		e.replace(c.end, c.end, ": "+e.style.inFlow(c.value, "", false))
		return
	}
	was := c.was.where
	several := e.style.json && e.several(n)
	text := e.style.inFlow(c.value, e.indentOf(c.start), several)
	end := was.end
	if was.start == c.colon && end == c.colon && n.kind == mapping {
		for isBlank(e.text[end]) {
			end++
		}
		text = " " + text
	}
	if end < len(e.text) && e.text[end] == '#' {
		text += " "
	}
	e.replace(was.start, end, text)
}

func (e *editor) insertInFlow(n *node) {
	several := e.several(n)
	n.runs(func(before *entry, fresh []*entry, behind *entry) {
		between := "," + e.style.comma
		indent := ""
		if several {
			indent = e.indentOf(n.held[0].start)
			between = ",\n" + indent
		}
		var items []string
		for _, f := range fresh {
			items = append(items, e.style.flowEntry(n, f, indent, several && e.style.json))
		}
		text := strings.Join(items, between)
		switch {
		case behind != nil && (several || before == nil):
			e.replace(behind.start, behind.start, text+between)
		case several && before == n.held[len(n.held)-1]:
			e.appendLine(before, indent+text)
		case before.end == before.colon: // a comma at a colon would be the key's
			e.replace(before.end, before.end, " "+between+text)
		default:
			e.replace(before.end, before.end, between+text)
		}
	})
}

// appendLine adds lines behind the last entry of a flow collection, below a
// comment that the entry may have. A comma at the very end stays at the end.
func (e *editor) appendLine(last *entry, lines string) {
	loc := &locator{text: e.text, lines: e.lines}
	comma := loc.skip(last.end)
	if e.text[comma] != ',' {
		if e.lines.lineOf(comma) == e.lines.lineOf(last.end) {
			e.replace(last.end, last.end, ",\n"+lines)
			return
		}
		e.replace(last.end, last.end, ",")
		e.lineAfter(last.end, lines, &node{})
		return
	}
	if e.lines.lineOf(loc.skip(comma+1)) == e.lines.lineOf(comma) {
		e.replace(comma+1, comma+1, "\n"+lines)
		return
	}
	e.lineAfter(comma, lines+",", &node{})
}

func (e *editor) removeInFlow(n *node) {
	gone := n.gone()
	for i := 0; i < len(n.held); i++ {
		if !gone[n.held[i]] {
			continue
		}
		next := i
		for next < len(n.held) && gone[n.held[next]] {
			next++
		}
		if next < len(n.held) {
			e.replace(n.held[i].start, n.held[next].start, "")
		} else {
			e.replace(n.held[i-1].end, n.held[next-1].end, "")
		}
		i = next
	}
}
