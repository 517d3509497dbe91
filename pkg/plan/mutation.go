package plan

import (
	"strconv"
	"strings"
)

// Action is how a mutation changes its place in the object.
type Action int

// The actions of a mutation. Parents that are absent or null are made, unless
// there is only something to remove.
const (
	// Set gives an object member a value, whether or not it had one.
	Set Action = iota
	// InsertFirst puts a value before the items of a list.
	InsertFirst
	// AppendLast puts a value behind the items of a list.
	AppendLast
	// Remove takes away a member of an object, if it is there.
	Remove
)

// Mutation is one change of an object, independent of what the raw object holds.
type Mutation struct {
	Action Action
	// Pointer is the member (Set, Remove) or the list, as an RFC 6901 JSON Pointer.
	Pointer string
	// Value is anything that marshals to JSON. Remove has none.
	Value any
	// OfOnePod says that the value holds for this pod alone, and not for others of the
	// same template.
	OfOnePod bool
}

// Pointer joins member names and list indexes (ints) to a JSON Pointer, escaped
// as RFC 6901 demands.
func Pointer(tokens ...any) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteByte('/')
		switch t := token.(type) {
		case int:
			b.WriteString(strconv.Itoa(t))
		case string:
			b.WriteString(pointerEscaper.Replace(t))
		}
	}
	return b.String()
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")
