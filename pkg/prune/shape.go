package prune

import (
	"maps"
	"reflect"
	"strings"
)

// Shape says which members of a JSON value are read. A nil Shape keeps a value
// whole.
type Shape struct {
	// members are the members of an object that are kept; the others are
	// dropped.
	members map[string]*Shape
	// items is the shape of a list's items.
	items *Shape
}

// ShapeOf returns the shape of what encoding/json would decode into the Go
// types: structs keep the members that their fields are named for, slices give
// their items' shape, and anything else is kept whole. The shape of several
// types is their union.
func ShapeOf(types ...reflect.Type) *Shape {
	var union *Shape
	for i, t := range types {
		s := shapeOf(t)
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
	return &Shape{members: members}
}

func shapeOf(t reflect.Type) *Shape {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice:
		if items := shapeOf(t.Elem()); items != nil {
			return &Shape{items: items}
		}
	case reflect.Struct:
		s := &Shape{members: map[string]*Shape{}}
		for field := range t.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
				s.members[name] = shapeOf(field.Type)
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
	if s == nil || other == nil || (s.members == nil) != (other.members == nil) {
		return nil
	}
	if s.members == nil {
		return &Shape{items: s.items.or(other.items)}
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
