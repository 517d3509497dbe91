package workload

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

// Asked is where an object of any kind asks netmode for something.
type Asked struct {
	// Own are the author's keys among the annotations of the object itself.
	Own []string
	// Templates are the fields that hold a pod template, such as "spec.template".
	Templates []string
	// InTemplates and Elsewhere are the fields of other annotations that have such keys:
	// those of a pod template, and those of anything else.
	InTemplates, Elsewhere []string
}

// How far AskedIn looks: so many objects and lists deep, and for so many places.
const (
	deepest   = 64
	mostAsked = 100
)

// AskedIn looks for the author's annotations in an object of which nothing is known.
// One that does not even have the word is passed over at once.
func AskedIn(object []byte) Asked {
	var a Asked
	// In JSON the slash may be escaped.
	if !bytes.Contains(object, []byte(strings.TrimSuffix(api.Prefix, "/"))) {
		return a
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(object))
	for len(a.Own)+len(a.Templates)+len(a.Elsewhere) < mostAsked {
		token, err := decoder.ReadToken()
		if err != nil {
			break
		}
		depth := decoder.StackDepth()
		if in, n := decoder.StackIndex(depth); in == '{' && n%2 == 1 && depth <= deepest {
			a.member(token.String(), decoder)
		}
	}
	a.sortOut()
	return a
}

// member looks at the name of a member, which was just read.
func (a *Asked) member(name string, at *jsontext.Decoder) {
	asks := api.IsAuthorKey(name)
	if !asks && name != "containers" {
		return
	}
	in := at.StackPointer().Parent()
	switch parent := in.LastToken(); {
	case !asks && parent == "spec" && in.Parent() != "":
		a.Templates = append(a.Templates, api.FieldName("", in.Parent()))
	case !asks:
	case in == "/metadata/annotations":
		a.Own = append(a.Own, name)
	case parent == "annotations" || strings.HasSuffix(parent, "Annotations"):
		a.Elsewhere = append(a.Elsewhere, api.FieldName("", in))
	}
}

// sortOut tells the annotations of templates from others, each once.
func (a *Asked) sortOut() {
	fields := slices.Compact(a.Elsewhere)
	a.Elsewhere = nil
	for _, field := range fields {
		if template, ok := strings.CutSuffix(field, ".metadata.annotations"); ok && slices.Contains(a.Templates, template) {
			a.InTemplates = append(a.InTemplates, field)
		} else {
			a.Elsewhere = append(a.Elsewhere, field)
		}
	}
}
