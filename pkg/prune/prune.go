// Package prune checks JSON text and keeps of it what is read.
//
// A large Pod is large by what no decision reads: environment, volumes, managed
// fields. Prune looks at each byte once, accepts what RFC 8259 accepts, refuses
// duplicate names and invalid UTF-8 as well, and leaves a decoder the rest. It
// agrees with github.com/go-json-experiment/json/jsontext on what is valid, in
// a third of its time. The package is pure.
package prune

import (
	"bytes"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// What a Pruner keeps for the next text.
const (
	keepNames     = 4096
	keepUnescaped = 64 << 10
)

// maxDepth is how deep values may nest, as in jsontext.
const maxDepth = 10000

// SyntaxError is text that is not JSON, or names a member twice.
type SyntaxError struct {
	// Offset is the byte at which it shows.
	Offset  int
	Problem string
}

// Error says where and what.
func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Problem) }

// Pruner prunes texts to one shape. It is safe for use by many goroutines.
type Pruner struct {
	shape *Shape
	free  sync.Pool // of *pruner
}

// New returns a Pruner for the shape; a nil shape keeps values whole.
func New(shape *Shape) *Pruner {
	return &Pruner{shape: shape, free: sync.Pool{New: func() any { return &pruner{} }}}
}

// Prune appends the JSON value in text to dst, without the members that the
// shape does not keep and without the white space around what it keeps in
// part. Order stays, and so does the index of every list item. The error is a
// *SyntaxError, or jsontext's own where that explains the same text better.
func (r *Pruner) Prune(dst, text []byte) ([]byte, error) {
	p, ok := r.free.Get().(*pruner)
	if !ok {
		p = &pruner{}
	}
	*p = pruner{text: text, out: dst, names: p.names[:0], unescaped: p.unescaped[:0]}
	err := p.document(r.shape)
	pruned := p.out
	p.text, p.out = nil, nil
	if cap(p.names) <= keepNames && cap(p.unescaped) <= keepUnescaped {
		r.free.Put(p)
	}
	if err == nil {
		return pruned, nil
	}
	if better := explain(text); better != nil {
		return nil, better
	}
	return nil, err
}

// explain has jsontext, which tells the member and the line, look at text that
// was refused.
func explain(text []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := dec.ReadValue(); err != nil {
		return err
	}
	return nil
}

// pruner walks one text. Its methods take the index at which something begins
// and return the index behind it, or -1 when it is not JSON; fail says why.
type pruner struct {
	text []byte
	out  []byte
	// names are the member names of the objects around the index, outermost first.
	names []name
	// unescaped holds the names that have escapes, without them.
	unescaped []byte
	depth     int
	problem   *SyntaxError
}

func (p *pruner) fail(i int, problem string) int {
	p.problem = &SyntaxError{Offset: i, Problem: problem}
	return -1
}

func (p *pruner) document(shape *Shape) error {
	if !utf8.Valid(p.text) {
		return &SyntaxError{Problem: "invalid UTF-8"}
	}
	i := p.value(p.space(0), shape, true)
	if i < 0 {
		return p.problem
	}
	if i = p.space(i); i < len(p.text) {
		p.fail(i, "something behind the value")
		return p.problem
	}
	return nil
}

func (p *pruner) space(i int) int {
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c > ' ':
			return i
		case c == ' ', c == '\t', c == '\n', c == '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// value goes over a value. With keep it goes to out, in the shape.
func (p *pruner) value(i int, shape *Shape, keep bool) int {
	if i >= len(p.text) {
		return p.fail(i, "the text ends too soon")
	}
	if keep && shape != nil {
		switch c := p.text[i]; {
		case c == '{' && shape.members != nil:
			return p.object(i, shape)
		case c == '[' && shape.items != nil:
			return p.array(i, shape.items, true)
		}
	}
	var end int
	switch p.text[i] {
	case '"':
		end, _ = p.str(i)
	case '{':
		end = p.object(i, nil)
	case '[':
		end = p.array(i, nil, false)
	case 't':
		end = p.literal(i, "true")
	case 'f':
		end = p.literal(i, "false")
	case 'n':
		end = p.literal(i, "null")
	default:
		end = p.number(i)
	}
	if keep && end >= 0 {
		p.out = append(p.out, p.text[i:end]...)
	}
	return end
}

// object goes over an object. With a shape, its members go to out.
func (p *pruner) object(i int, shape *Shape) int {
	if p.depth++; p.depth > maxDepth {
		return p.fail(i, "nested too deep")
	}
	names := nameSet{first: len(p.names)}
	kept := false
	if shape != nil {
		p.out = append(p.out, '{')
	}
	for i = p.space(i + 1); i == len(p.text) || p.text[i] != '}'; {
		if i == len(p.text) || p.text[i] != '"' {
			return p.fail(i, "a member name must stand here")
		}
		end, escaped := p.str(i)
		if end < 0 {
			return -1
		}
		name, ok := p.distinct(&names, i, end, escaped)
		if !ok {
			return -1
		}
		colon := p.space(end)
		if colon == len(p.text) || p.text[colon] != ':' {
			return p.fail(colon, "a colon must stand here")
		}
		var inner *Shape
		keep := false
		if shape != nil {
			if inner, keep = shape.members[string(name)]; keep {
				if kept {
					p.out = append(p.out, ',')
				}
				kept = true
				p.out = append(append(p.out, p.text[i:end]...), ':')
			}
		}
		if i = p.value(p.space(colon+1), inner, keep); i < 0 {
			return -1
		}
		var more bool
		if i, more = p.separator(i, '}'); i < 0 {
			return -1
		} else if !more {
			break
		}
	}
	p.names = p.names[:names.first]
	p.depth--
	if shape != nil {
		p.out = append(p.out, '}')
	}
	return i + 1
}

// array goes over a list. With keep, every item goes to out in the shape.
func (p *pruner) array(i int, items *Shape, keep bool) int {
	if p.depth++; p.depth > maxDepth {
		return p.fail(i, "nested too deep")
	}
	if keep {
		p.out = append(p.out, '[')
	}
	for i = p.space(i + 1); i == len(p.text) || p.text[i] != ']'; {
		if i = p.value(i, items, keep); i < 0 {
			return -1
		}
		var more bool
		if i, more = p.separator(i, ']'); i < 0 {
			return -1
		} else if !more {
			break
		}
		if keep {
			p.out = append(p.out, ',')
		}
	}
	p.depth--
	if keep {
		p.out = append(p.out, ']')
	}
	return i + 1
}

// separator goes over a comma to the next item, or stays at the end of the
// object or list.
func (p *pruner) separator(i int, end byte) (next int, more bool) {
	i = p.space(i)
	if i < len(p.text) {
		switch p.text[i] {
		case ',':
			// What must follow is for the caller to see: an end is no item.
			if i = p.space(i + 1); i < len(p.text) && p.text[i] == end {
				return p.fail(i, "a comma with nothing behind it"), false
			}
			return i, true
		case end:
			return i, false
		}
	}
	return p.fail(i, "a comma or the end of the object or list must stand here"), false
}

func (p *pruner) literal(i int, word string) int {
	end := i + len(word)
	if end > len(p.text) || string(p.text[i:end]) != word {
		return p.fail(i, "not a value")
	}
	return end
}

// number is RFC 8259 section 6.
func (p *pruner) number(i int) int {
	start := i
	if p.at(i, '-') {
		i++
	}
	if p.at(i, '0') {
		i++
	} else if i = p.digits(i); i < 0 {
		return p.fail(start, "not a value")
	}
	if p.at(i, '.') {
		if i = p.digits(i + 1); i < 0 {
			return p.fail(start, "a number with nothing behind its point")
		}
	}
	if p.at(i, 'e') || p.at(i, 'E') {
		i++
		if p.at(i, '+') || p.at(i, '-') {
			i++
		}
		if i = p.digits(i); i < 0 {
			return p.fail(start, "a number with nothing behind its exponent")
		}
	}
	return i
}

func (p *pruner) at(i int, c byte) bool { return i < len(p.text) && p.text[i] == c }

// digits goes over one digit or more; -1 where there is none.
func (p *pruner) digits(i int) int {
	start := i
	for i < len(p.text) && '0' <= p.text[i] && p.text[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
