// Package jsonprune checks JSON text and keeps of it what is read.
//
// A large Pod is large by what no decision reads: environment, volumes, managed
// fields. Prune looks at each byte once, accepts what RFC 8259 accepts, refuses
// duplicate names and invalid UTF-8 as well, and leaves a decoder the rest. It
// agrees with github.com/go-json-experiment/json/jsontext on what is valid, in
// a third of its time: a review of a Pod of 62 kB takes 174 to 303 microseconds
// with it, and 510 to 940 without. The package is pure.
package jsonprune

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// What a Pruner keeps for the next text.
const (
	keepNames     = 4096
	keepHashes    = 4096
	keepUnescaped = 64 << 10
)

// ErrTooLarge says that what is kept was cut, because it is too large as a
// whole.
var ErrTooLarge = errors.New("too large")

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
	shape  *Shape
	limits Limits
	free   sync.Pool // of *pruner
}

// Limits bound what is kept; 0 is no bound.
type Limits struct {
	// Text is the most bytes of a text that are of interest. A longer one is cut a
	// little behind them.
	Text int
	// Kept is the most bytes in all, of which lists and maps may take a little more.
	// Where it is reached they end, and the error is ErrTooLarge.
	Kept int
}

// New returns a Pruner for the shape; a nil shape keeps values whole.
func New(shape *Shape, limits Limits) *Pruner {
	return &Pruner{shape: shape, limits: limits, free: sync.Pool{New: func() any { return &pruner{} }}}
}

// Mark is the place of a value of a marked shape in the text.
type Mark struct {
	Name       string
	Start, End int
}

// PruneMarked appends the JSON value in text to dst, without the members that
// the shape does not keep and without the white space around what it keeps in
// part, and returns the places of the values of marked shapes. Order stays, and in
// lists without Only the index of every item. The error is ErrTooLarge, or a
// *SyntaxError, or jsontext's own where that explains the same text better.
func (r *Pruner) PruneMarked(dst, text []byte) ([]byte, []Mark, error) {
	p, ok := r.free.Get().(*pruner)
	if !ok {
		p = &pruner{}
	}
	*p = pruner{text: text, out: dst, limits: r.limits, names: p.names[:0], hashes: p.hashes[:0], unescaped: p.unescaped[:0]}
	err := p.document(r.shape)
	pruned, marks, tooLarge := p.out, p.marks, p.tooLarge
	p.text, p.out, p.marks = nil, nil, nil
	if cap(p.names) <= keepNames && cap(p.hashes) <= keepHashes && cap(p.unescaped) <= keepUnescaped {
		r.free.Put(p)
	}
	switch better := error(nil); {
	case err != nil:
		if better = explain(text); better != nil {
			err = better
		}
		return nil, nil, err
	case tooLarge:
		return pruned, marks, ErrTooLarge
	}
	return pruned, marks, nil
}

// maxExplained is the largest text that jsontext is asked about: it remembers
// all names.
const maxExplained = 1 << 20

// explain has jsontext, which tells the member and the line, look at text that
// was refused.
func explain(text []byte) error {
	if len(text) > maxExplained {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := dec.ReadValue(); err != nil {
		return err
	}
	return nil
}

// pruner walks one text. Its methods take the index at which something begins
// and return the index behind it, or -1 when it is not JSON; fail says why.
type pruner struct {
	text   []byte
	out    []byte
	limits Limits
	// names are the member names of the objects around the index, outermost first;
	// hashes are those of objects with many.
	names  []name
	hashes []uint64
	// unescaped holds the names that have escapes, without them.
	unescaped []byte
	// compared is how many bytes of names were compared.
	compared int
	depth    int
	// wanted says that the object has the member that its list keeps it for.
	wanted   bool
	marks    []Mark
	tooLarge bool
	problem  *SyntaxError
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
		end := i
		switch c := p.text[i]; {
		case c == '{' && (shape.isMap || shape.members != nil):
			end = p.object(i, shape)
		case c == '[' && shape.list:
			end = p.array(i, shape, true)
		}
		if end != i {
			if shape.mark != "" && end > 0 {
				p.marks = append(p.marks, Mark{shape.mark, i, end})
			}
			return end
		}
	}
	var end int
	switch p.text[i] {
	case '"':
		end, _ = p.str(i)
		if keep && end-i > p.limits.Text && p.limits.Text > 0 {
			p.keepText(i, end)
			return end
		}
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
	switch {
	case !keep || end < 0:
	case p.limits.Kept > 0 && len(p.out)+end-i > p.limits.Kept && end-i > len("null"):
		p.tooLarge = true
		p.out = append(p.out, "null"...)
	default:
		p.out = append(p.out, p.text[i:end]...)
	}
	return end
}

// object goes over an object. With a shape, its members go to out.
func (p *pruner) object(i int, shape *Shape) int {
	if p.depth++; p.depth > maxDepth {
		return p.fail(i, "nested too deep")
	}
	names, unwanted := p.newNames(i), false
	var kept keeping
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
		keep, bare := false, false
		switch {
		case shape == nil:
		case shape.isMap:
			inner = shape.items
			if p.limits.Text > 0 && len(name) > p.limits.Text {
				p.tooLarge = true // a name cannot be cut, since it is told apart by all of it
				break
			}
			keep, bare = kept.member(p, shape, name)
		default:
			inner, keep = shape.members[string(name)]
			keep = keep && !unwanted
		}
		telling := shape != nil && shape.only != nil && string(name) == shape.only.member
		if keep {
			if kept.any {
				p.out = append(p.out, ',')
			}
			kept.any = true
			p.out = append(append(p.out, p.text[i:end]...), ':')
		}
		i = p.space(colon + 1)
		if bare && p.at(i, '"') {
			p.out, keep = append(p.out, `""`...), false
		}
		from := i
		if i = p.value(i, inner, keep); i < 0 {
			return -1
		}
		if telling {
			p.wanted = bytes.Equal(p.text[from:i], shape.only.text)
			unwanted = !p.wanted
		}
		var more bool
		if i, more = p.separator(i, '}'); i < 0 {
			return -1
		} else if !more {
			break
		}
	}
	if !p.endNames(&names) {
		return -1
	}
	p.depth--
	if shape != nil {
		p.out = append(p.out, '}')
	}
	return i + 1
}

// keeping is how much of a list or an object was kept.
type keeping struct {
	any           bool
	count, others int
}

// member decides about a member of a map.
func (k *keeping) member(p *pruner, shape *Shape, name []byte) (keep, bare bool) {
	count, most := &k.count, shape.most
	if shape.first != nil && !shape.first(name) {
		count, most, bare = &k.others, shape.other, shape.bare
	}
	if most > 0 && *count >= most || p.full() {
		return false, false
	}
	*count++
	return true, bare
}

// full reports whether no more may be kept of lists and maps. What is large is
// doubled, since appending alone copies it oftener.
func (p *pruner) full() bool {
	const large, near = 64 << 10, 4 << 10
	if len(p.out) > large && cap(p.out)-len(p.out) < near {
		p.out = slices.Grow(p.out, len(p.out))
	}
	if p.limits.Kept == 0 || len(p.out) < p.limits.Kept {
		return false
	}
	p.tooLarge = true
	return true
}

// array goes over a list. With keep, its items go to out in the shape.
func (p *pruner) array(i int, shape *Shape, keep bool) int {
	if p.depth++; p.depth > maxDepth {
		return p.fail(i, "nested too deep")
	}
	var items *Shape
	most := 0
	if keep {
		items, most = shape.items, shape.most
		p.out = append(p.out, '[')
	}
	inside := keep
	count, outer := 0, p.wanted
	for i = p.space(i + 1); i == len(p.text) || p.text[i] != ']'; {
		start := len(p.out)
		p.wanted = false
		if inside {
			if inside = (most == 0 || count < most) && !p.full(); inside && count > 0 {
				p.out = append(p.out, ',')
			}
			count++
		}
		if i = p.value(i, items, inside); i < 0 {
			return -1
		}
		if inside && shape.only != nil && !p.wanted {
			p.out = p.out[:start]
			count--
		}
		var more bool
		if i, more = p.separator(i, ']'); i < 0 {
			return -1
		} else if !more {
			break
		}
	}
	p.depth--
	p.wanted = outer
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
