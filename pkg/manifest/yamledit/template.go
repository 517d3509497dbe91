package yamledit

import (
	"bytes"
	"regexp"
	"slices"
)

var (
	// nodeMark is what stands in a line before a value: a dash, or a plain key.
	nodeMark    = regexp.MustCompile(`^(?:-|[^\s"'#{\[&*!|>%@][^#"'{\[]*?:)(?:[ \t]+|$)`)
	blockHeader = regexp.MustCompile(`^[|>][-+0-9]*[ \t]*(?:#.*)?$`)
)

// orTemplate says that a text is a template, where one makes it no YAML.
func (f *flaw) orTemplate(text []byte, body int) *flaw {
	if line := templateLine(text, body, f.line); line >= 0 {
		return &flaw{line: line, problem: "a Helm (or Go) template, not YAML yet", template: true}
	}
	return f
}

// templateLine returns the 0-based line of the first "{{" that makes a text no
// YAML, and -1 if there is none. bad is the line that the parser complained of.
// Between quotes, in comments and in block scalars "{{" is text.
func templateLine(text []byte, body, bad int) int {
	l := newLines(text)
	var open byte // the quotation mark of a value that goes on
	scalar := -1  // the column that a block scalar's lines are deeper than
	for i := l.lineOf(min(body, max(len(text)-1, 0))); i < len(l.starts); i++ {
		start := max(l.start(l.starts[i]), body)
		line := bytes.TrimRight(text[min(start, len(text)):l.end(min(start, len(text)))], " \t")
		rest := bytes.TrimLeft(line, " \t")
		column := len(line) - len(rest)
		if len(rest) == 0 || scalar >= 0 && column > scalar {
			continue
		}
		scalar = -1
		if open == 0 {
			column, rest = valueOf(rest, column)
			if blockHeader.Match(rest) {
				scalar = column
				continue
			}
		}
		var breaks bool
		if open, breaks = acted(rest, open); breaks && bytes.Contains(line, []byte("{{")) || i == bad && bytes.Contains(line, []byte("{{")) {
			return i
		}
	}
	return -1
}

// valueOf steps over the dashes and the key of a line, and returns the last one's
// column.
func valueOf(rest []byte, at int) (column int, value []byte) {
	column = max(at-1, 0)
	for {
		mark := nodeMark.Find(rest)
		if mark == nil {
			return column, rest
		}
		column, at, rest = at, at+len(mark), rest[len(mark):]
	}
}

// acted says whether a value can be none because of an action of a template, and
// with which quotation mark it goes on in the next line.
func acted(value []byte, open byte) (goesOn byte, breaks bool) {
	if open == 0 {
		switch {
		case len(value) == 0 || value[0] == '#':
			return 0, false
		case value[0] == '"' || value[0] == '\'':
			open, value = value[0], value[1:]
		case value[0] == '{' || value[0] == '[':
			return 0, bytes.Contains(withoutQuoted(value), []byte("{{"))
		default:
			return 0, false
		}
	}
	end := closing(value, open)
	if end < 0 {
		return open, false
	}
	behind := bytes.TrimLeft(value[end+1:], " \t")
	return 0, len(behind) > 0 && !slices.Contains([]byte("#:,]}"), behind[0])
}

// closing returns where a quotation mark closes, or -1.
func closing(text []byte, mark byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && mark == '"':
			i++
		case text[i] != mark:
		case mark == '\'' && i+1 < len(text) && text[i+1] == mark:
			i++
		default:
			return i
		}
	}
	return -1
}

// withoutQuoted drops what stands between quotation marks.
func withoutQuoted(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '"' || text[i] == '\'' {
			end := closing(text[i+1:], text[i])
			if end < 0 {
				break
			}
			i += end + 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}
