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
	name     string
	children []*node
	state    state
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.children = append(n.children, c)
	return c
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
	wanted := len(n.children)
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
		found := false
		for _, c := range n.children {
			if c.name == string(key) {
				found = true
				if err := s.fill(c); err != nil {
					return err
				}
				break
			}
		}
		if found {
			if wanted--; wanted == 0 && n == s.root {
				return nil // the whole object: nothing behind it is of interest
			}
			continue
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

func (s *scanner) items(n *node) error {
	s.pos++
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
		name := strconv.Itoa(index)
		var err error
		if i := indexOf(n.children, name); i >= 0 {
			err = s.fill(n.children[i])
		} else {
			err = s.skip()
		}
		if err != nil {
			return err
		}
		index++
	}
}

func indexOf(nodes []*node, name string) int {
	for i, n := range nodes {
		if n.name == name {
			return i
		}
	}
	return -1
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
