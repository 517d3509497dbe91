package yamledit

import "bytes"

// chunk is one YAML document, or several JSON values, between two separators.
// body is where the content may begin: after "---" and its comment. bodyEnd is
// where a line "..." begins, or the end.
type chunk struct {
	start, end    int
	body, bodyEnd int
	marked        bool // it has its "---"
	content       bool // it holds more than blanks and comments
}

// flaw is a problem at a 0-based line of the text that was read.
type flaw struct {
	line          int
	problem, cure string
	notObject     bool
	template      bool
}

// in is the error of a flaw in a text that begins at a 0-based line of the stream.
func (f *flaw) in(name string, line int) *Error {
	return &Error{Name: name, Line: line + f.line + 1, Problem: f.problem, Cure: f.cure, NotObject: f.notObject, Template: f.template}
}

// split cuts a stream at its "---" lines. Such a line is always a separator: at
// column 0 it is legal in no scalar, not even in a block scalar (YAML 1.1
// section 9.1.4). Comments and directives before the first "---" belong to the
// document that it opens, and so does what stands between "..." and "---".
func split(text []byte) ([]chunk, *flaw) {
	if len(text) == 0 {
		return nil, nil
	}
	var out []chunk
	cur := chunk{bodyEnd: -1}
	directives := false
	after := 0 // where the line after "..." begins
	finish := func(end int) {
		cur.end = end
		if cur.bodyEnd < 0 {
			cur.bodyEnd = end
		}
		out = append(out, cur)
		cur = chunk{start: end, bodyEnd: -1}
	}
	l := newLines(text)
	for i := range l.starts {
		s := l.start(l.starts[i])
		if s > 0 && bytes.HasPrefix(text[s:], byteOrderMark) {
			s += len(byteOrderMark) // Windows' files, one behind the other
		}
		line := text[s:l.end(s)]
		rest := bytes.TrimLeft(line, " \t")
		directive := len(line) > 0 && line[0] == '%' && (cur.bodyEnd >= 0 || !cur.marked && !cur.content)
		switch {
		case isMarker(line, "---"):
			if cur.bodyEnd >= 0 {
				finish(after)
			} else if cur.marked || cur.content {
				finish(l.starts[i])
			}
			rest = bytes.TrimLeft(line[3:], " \t")
			if len(rest) > 0 && rest[0] == '#' {
				rest = nil
			}
			cur.marked, cur.body, cur.content = true, s+len(line)-len(rest), len(rest) > 0
		case isMarker(line, "..."):
			if cur.bodyEnd < 0 {
				cur.bodyEnd = s
			}
			after = l.next(s)
		case len(rest) == 0 || rest[0] == '#':
		case directive:
			directives = true
		case cur.bodyEnd >= 0:
			return nil, &flaw{line: i, problem: `content after "...", which kubectl does not read`, cure: `put a line "---" before it`}
		case directives && !cur.marked:
			return nil, &flaw{line: i, problem: "content directly after a % directive", cure: `put a line "---" between them`}
		default:
			cur.content = true
		}
	}
	finish(len(text))
	return out, nil
}

func isMarker(line []byte, marker string) bool {
	return bytes.HasPrefix(line, []byte(marker)) && isSpaceAt(line, len(marker))
}
