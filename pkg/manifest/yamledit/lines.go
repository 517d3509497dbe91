package yamledit

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

var byteOrderMark = []byte("\uFEFF")

// lines finds lines in a text. A line ends where YAML 1.1 says so: LF, CR LF,
// CR, NEL, LS or PS. All lines and offsets here are 0-based.
type lines struct {
	text   []byte
	starts []int
	// strides has, by line, the offset of each stride-th character of one that was
	// looked into: a whole List may stand on it.
	strides map[int][]int
}

// stride is how many characters are stepped over at most to find a column.
const stride = 512

func newLines(text []byte) *lines {
	l := &lines{text: text, starts: []int{0}}
	for i := 0; i < len(text); {
		n := breakAt(text, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		if i < len(text) {
			l.starts = append(l.starts, i)
		}
	}
	return l
}

// breakAt returns the length of the line break at i, 0 if there is none.
func breakAt(text []byte, i int) int {
	switch text[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(text) && text[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if i+1 < len(text) && text[i+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xA8 || text[i+2] == 0xA9) {
			return 3
		}
	}
	return 0
}

// lineOf returns the line that holds the offset.
func (l *lines) lineOf(offset int) int {
	return sort.SearchInts(l.starts, offset+1) - 1
}

// start returns the offset where the line of the offset begins, after a byte
// order mark.
func (l *lines) start(offset int) int {
	s := l.starts[l.lineOf(offset)]
	if bytes.HasPrefix(l.text[s:], byteOrderMark) {
		s += len(byteOrderMark)
	}
	return s
}

// next returns the offset of the line after the offset's.
func (l *lines) next(offset int) int {
	if i := l.lineOf(offset) + 1; i < len(l.starts) {
		return l.starts[i]
	}
	return len(l.text)
}

// end returns the offset of the break that ends the offset's line.
func (l *lines) end(offset int) int {
	for i := offset; i < len(l.text); i++ {
		if breakAt(l.text, i) > 0 {
			return i
		}
	}
	return len(l.text)
}

// ended says whether the offset's line is ended by a break.
func (l *lines) ended(offset int) bool { return l.end(offset) < len(l.text) }

// offset returns where a 0-based line and column (in characters) is, or -1.
func (l *lines) offset(line, column int) int {
	if line < 0 || line >= len(l.starts) {
		return -1
	}
	i := l.start(l.starts[line])
	if column >= stride {
		known := l.stridesOf(line, i)
		n := min(column/stride, len(known)-1)
		i, column = known[n], column-n*stride
	}
	i, left := advance(l.text, i, column)
	if left > 0 {
		return -1
	}
	return i
}

// stridesOf returns the offsets of each stride-th character from where the line
// starts to its end.
func (l *lines) stridesOf(line, start int) []int {
	if known, ok := l.strides[line]; ok {
		return known
	}
	end := len(l.text)
	if line+1 < len(l.starts) {
		end = l.starts[line+1]
	}
	known := []int{start}
	for i, left := start, 0; left == 0 && i < end; {
		if i, left = advance(l.text[:end], i, stride); left == 0 {
			known = append(known, i)
		}
	}
	if l.strides == nil {
		l.strides = map[int][]int{}
	}
	l.strides[line] = known
	return known
}

// advance returns the offset so many characters later, and how many there are too
// few.
func advance(text []byte, i, characters int) (offset, left int) {
	for ; characters > 0 && i < len(text); characters-- {
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return i, characters
}

// column returns the offset's place in its line, in characters.
func (l *lines) column(offset int) int {
	return utf8.RuneCount(l.text[l.start(offset):offset])
}

// opensLine says whether only blanks stand before the offset in its line.
func (l *lines) opensLine(offset int) bool {
	return len(bytes.Trim(l.text[l.start(offset):offset], " \t")) == 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isSpaceAt says whether the text ends at i, or has a blank or a break there.
func isSpaceAt(text []byte, i int) bool {
	return i >= len(text) || isBlank(text[i]) || breakAt(text, i) > 0
}
