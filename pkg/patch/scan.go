package patch

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// state is what the raw object holds at a pointer.
type state int

const (
	absent state = iota // no such member, or null
	object
	array
	scalar
)

// node is one place of interest in the raw object.
type node struct {
	name string
	// first is the first of the node's children, and next the one behind it.
	first, next *node
	state       state
}

// tree holds the nodes that the pointers of a plan lead to.
type tree struct {
	root  node
	spare []node
}

// newTree makes room for the nodes of pointers with so many tokens in all.
func newTree(tokens int) *tree { return &tree{spare: make([]node, tokens)} }

// child returns the node below n, which it makes where there is none.
func (t *tree) child(n *node, name string) *node {
	place := &n.first
	for *place != nil {
		if (*place).name == name {
			return *place
		}
		place = &(*place).next
	}
	if len(t.spare) == 0 {
		t.spare = make([]node, 8)
	}
	*place = &t.spare[0]
	t.spare = t.spare[1:]
	(*place).name = name
	return *place
}

// find returns the node below n, or nil.
func (n *node) find(name []byte) *node {
	for c := n.first; c != nil; c = c.next {
		if c.name == string(name) {
			return c
		}
	}
	return nil
}

// scanner walks JSON text that a decoder has accepted already. It skips what
// is of no interest by its brackets and quotes alone, and returns an error
// rather than read past the end of text that is not JSON after all.
type scanner struct {
	text []byte
	pos  int
	root *node
}

var (
	errNotJSON   = errors.New("object is not valid JSON")
	errNotObject = errors.New("object is not a JSON object")
)

// fill finds the state of n and of its children.
func (s *scanner) fill(n *node) error {
	switch s.peek() {
	case '{':
		n.state = object
		return s.members(n)
	case '[':
		n.state = array
		return s.items(n)
	case 'n':
		n.state = absent
	default:
		n.state = scalar
	}
	return s.skip()
}

func (s *scanner) members(n *node) error {
	s.pos++
	wanted := 0
	for c := n.first; c != nil; c = c.next {
		wanted++
	}
	for {
		switch s.peek() {
		case '}':
			s.pos++
			return nil
		case ',':
			s.pos++
			continue
		case '"':
		default:
			return errNotJSON
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return errNotJSON
		}
		s.pos++
		c := n.find(key)
		if c == nil {
			if err := s.skip(); err != nil {
				return err
			}
			continue
		}
		if err := s.fill(c); err != nil {
			return err
		}
		if wanted--; wanted == 0 && n == s.root {
			return nil // the whole object: nothing behind it is of interest
		}
	}
}

func (s *scanner) items(n *node) error {
	s.pos++
	var name []byte
	for index := 0; ; {
		switch s.peek() {
		case ']':
			s.pos++
			return nil
		case ',':
			s.pos++
			continue
		case 0, '}':
			return errNotJSON
		}
		name = strconv.AppendInt(name[:0], int64(index), 10)
		var err error
		if c := n.find(name); c != nil {
			err = s.fill(c)
		} else {
			err = s.skip()
		}
		if err != nil {
			return err
		}
		index++
	}
}

// peek returns the next byte that is not white space, without consuming it; 0
// at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// key reads a member name.
func (s *scanner) key() ([]byte, error) {
	start := s.pos
	if err := s.skipString(); err != nil {
		return nil, err
	}
	quoted := s.text[start:s.pos]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	key, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil, fmt.Errorf("member name %s: %w", quoted, err)
	}
	return key, nil
}

// skipString moves behind the string that begins here.
func (s *scanner) skipString() error {
	for s.pos++; ; {
		i := bytes.IndexByte(s.text[s.pos:], '"')
		if i < 0 {
			return errNotJSON
		}
		s.pos += i + 1
		backslashes := 0
		for p := s.pos - 2; s.text[p] == '\\'; p-- {
			backslashes++
		}
		if backslashes%2 == 0 {
			return nil
		}
	}
}

// skip moves behind the value that begins here.
func (s *scanner) skip() error {
	depth := 0
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
			if depth == 0 {
				return nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return nil // the end of the parent, behind a number or a literal
			}
			if depth--; depth == 0 {
				s.pos++
				return nil
			}
		case ',':
			if depth == 0 {
				return nil
			}
		}
		s.pos++
	}
	if depth > 0 {
		return errNotJSON
	}
	return nil
}
