package jsonprune

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Shape says which parts of a JSON value are read. A nil Shape keeps a value
// whole.
type Shape struct {
	// members are the members of an object that are kept; the others are
	// dropped.
	members map[string]*Shape
	// list and isMap say that the value is a list, or an object with any members, of
	// which items is the shape; nil keeps them whole.
	list, isMap bool
	items       *Shape
	// most is how many items or members are kept; 0: all.
	most int
	// first are the members of a map that are kept before others, most of them and
	// most of the others. With bare the texts of the others are emptied.
	first func(name []byte) bool
	other int
	bare  bool
	// mark is the word under which the place of the value is told.
	mark string
	// only has a list keep those of its objects that have a member of this text, in JSON.
	only *onlyWith
}

type onlyWith struct {
	member string
	text   []byte
}

// ShapeOf returns the shape of what encoding/json would decode into the Go
// types: structs keep the members that their fields are named for, slices and
// maps give their items' shape, and anything else is kept whole, as is a type
// within itself. The shape of several types is their union.
func ShapeOf(types ...reflect.Type) *Shape {
	var union *Shape
	for i, t := range types {
		s := shapeOf(t, nil)
		if i == 0 {
			union = s
			continue
		}
		union = union.or(s)
	}
	return union
}

// With returns the object shape with one member's shape replaced.
func (s *Shape) With(member string, shape *Shape) *Shape {
	members := map[string]*Shape{member: shape}
	for name, other := range s.members {
		if name != member {
			members[name] = other
		}
	}
	return &Shape{members: members, mark: s.mark}
}

// Member returns the shape of a member of a member, and so on, in any item of a
// list; nil where none is given.
func (s *Shape) Member(path ...string) *Shape {
	for _, name := range path {
		if s != nil && s.list {
			s = s.items
		}
		if s == nil {
			return nil
		}
		s = s.members[name]
	}
	return s
}

// Limit keeps of each list and each map in the shape no more than most.
func (s *Shape) Limit(most int) {
	switch {
	case s == nil:
	case s.list || s.isMap:
		s.most = most
		s.items.Limit(most)
	default:
		for _, member := range s.members {
			member.Limit(most)
		}
	}
}

// Most keeps of a list or map no more than most.
func (s *Shape) Most(most int) { s.most = most }

// First keeps members of a map that are wanted wherever they stand, and a
// number of others; their texts are emptied if bare.
func (s *Shape) First(wanted func(name []byte) bool, others int, bare bool) {
	s.first, s.other, s.bare = wanted, others, bare
}

// Only keeps of a list of objects those whose member has the text. They move up.
func (s *Shape) Only(member, text string) {
	quoted, _ := jsontext.AppendQuote(nil, text) // of a constant
	s.only = &onlyWith{member, quoted}
	s.items.only = s.only
}

// Marked returns the shape with its values' places told; see PruneMarked.
func (s *Shape) Marked(mark string) *Shape {
	marked := *s
	marked.mark = mark
	return &marked
}

func shapeOf(t reflect.Type, within []reflect.Type) *Shape {
	if slices.Contains(within, t) {
		return nil
	}
	within = append(slices.Clip(within), t)
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem(), within)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return &Shape{list: true, items: shapeOf(t.Elem(), within)}
		}
	case reflect.Map:
		return &Shape{isMap: true, items: shapeOf(t.Elem(), within)}
	case reflect.Struct:
		s := &Shape{members: map[string]*Shape{}}
		for field := range t.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				s.members[name] = shapeOf(field.Type, within)
			}
		}
		// A struct without tags decodes itself and needs all of its value; one
		// without fields needs only that the value is there.
		if len(s.members) > 0 || t.NumField() == 0 {
			return s
		}
	}
	return nil
}

// or keeps what either shape keeps.
func (s *Shape) or(other *Shape) *Shape {
	if s == nil || other == nil || (s.members == nil) != (other.members == nil) || s.list != other.list {
		return nil
	}
	if s.members == nil {
		union := *s
		union.items = s.items.or(other.items)
		return &union
	}
	union := &Shape{members: map[string]*Shape{}}
	maps.Copy(union.members, s.members)
	for name, shape := range other.members {
		if mine, ok := union.members[name]; ok {
			shape = mine.or(shape)
		}
		union.members[name] = shape
	}
	return union
}
