package manifest

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Object is one Kubernetes object of a document.
type Object struct {
	// Pointer is where the object stands in its document (RFC 6901): "" for the
	// document itself, "/items/3" for the fourth item of a List.
	Pointer string
	// APIVersion and Kind are never empty.
	APIVersion, Kind string
	// Namespace, Name and GenerateName are empty where the manifest sets none.
	Namespace, Name, GenerateName string
	// JSON is the object as kubectl reads it. It is the caller's.
	JSON []byte
	// Line is the 1-based line of the input where the object begins.
	Line int
	// Document holds the object; patches go to it, with Pointer as a prefix.
	Document *Document
}

// Label names the object as a person would: Deployment/web.
func (o *Object) Label() string {
	if o.Name == "" {
		return o.Kind + "/" + o.GenerateName
	}
	return o.Kind + "/" + o.Name
}

// Fail puts the file, the line and the object before an error.
func (o *Object) Fail(err error) error {
	return fmt.Errorf("%s:%d: %s: %w", o.Document.Name, o.Line, o.Label(), err)
}

// Objects returns the document's object; for a kind List, or one that ends in
// List and has items, each item instead (https://kubernetes.io/docs/reference/using-api/api-concepts/#collections).
// An empty document has none. An *Error names the field that is missing or of
// the wrong type; NotObject in it says that the whole document is no object, but a
// patch, a list, or something without apiVersion or kind. Lines are those of the input, so call it before Apply.
func (d *Document) Objects() ([]Object, error) {
	if d.Empty() {
		return nil, nil
	}
	if bad := d.NotObject(); bad != nil {
		bad.Cure = cureOf(bad)
		return nil, bad
	}
	if key := patchKey(d.JSON()); key != "" {
		return nil, &Error{Name: d.Name, Line: d.Lines()(), NotObject: true,
			Problem: fmt.Sprintf("a patch (%s), not an object", key), Cure: "let kustomize apply it: kustomize build . | netmode render -f -"}
	}
	r := objectReader{doc: d, lineOf: d.Lines()}
	if err := r.read(d.JSON(), nil, Object{}); err != nil {
		return nil, err
	}
	return r.objects, nil
}

// Objects walks over the objects of files, in order; for a document that cannot
// be read there is an error instead, as Document.Objects returns it.
func Objects(files ...*File) iter.Seq2[*Object, error] {
	return func(yield func(*Object, error) bool) {
		for _, f := range files {
			for _, d := range f.Documents {
				objects, err := d.Objects()
				if err != nil && !yield(nil, err) {
					return
				}
				for i := range objects {
					if !yield(&objects[i], nil) {
						return
					}
				}
			}
		}
	}
}

type objectReader struct {
	doc     *Document
	lineOf  func(path ...string) int
	objects []Object
}

// read reads the object at a pointer. An item without both apiVersion and kind has
// those of the list, as for kubectl: a PodList's items are Pods.
func (r *objectReader) read(raw []byte, at []string, list Object) error {
	fields, err := fieldsOf(raw)
	if err != nil || fields == nil {
		return r.refuse(at, nil, "is not an object", "each item is an object with apiVersion and kind")
	}
	o := Object{Pointer: join(at), JSON: raw, Document: r.doc}
	var missing []string
	for _, f := range []field{{"apiVersion", &o.APIVersion}, {"kind", &o.Kind}} {
		if err := r.text(fields[f.name], f.to, at, f.name); err != nil {
			return err
		}
		if *f.to == "" {
			missing = append(missing, f.name)
		}
	}
	if kind, ok := strings.CutSuffix(list.Kind, "List"); ok && kind != "" && len(missing) == 2 {
		o.APIVersion, o.Kind, missing = list.APIVersion, kind, nil
		if o.JSON, err = withKind(raw, o.APIVersion, o.Kind); err != nil {
			return err
		}
	}
	if missing != nil {
		return r.refuse(at, []string{strings.Join(missing, " and ")}, "missing", "a Kubernetes object has both apiVersion and kind")
	}
	items, ok := itemsOf(o.Kind, fields["items"])
	if ok {
		for i, item := range items {
			if err := r.read(item, append(slices.Clone(at), "items", strconv.Itoa(i)), o); err != nil {
				return err
			}
		}
		return nil
	}
	if o.Kind == "List" {
		return r.refuse(at, []string{"items"}, "is not a list", "write one object an item, each behind a dash")
	}
	metadata, err := fieldsOf(fields["metadata"])
	if err != nil {
		return r.refuse(at, []string{"metadata"}, "is not an object", "indent name and namespace below it")
	}
	for _, f := range []field{{"namespace", &o.Namespace}, {"name", &o.Name}, {"generateName", &o.GenerateName}} {
		if err := r.text(metadata[f.name], f.to, at, "metadata", f.name); err != nil {
			return err
		}
	}
	o.Line = r.lineOf(at...)
	r.objects = append(r.objects, o)
	return nil
}

// field is a string field and where it is read to.
type field struct {
	name string
	to   *string
}

// fieldsOf reads an object's fields, their names as they are written. Absent
// and null have none.
func fieldsOf(raw []byte) (map[string]json.RawMessage, error) {
	if raw == nil {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal(raw, &fields)
	return fields, err
}

// itemsOf returns a list's items. A kind that only ends in List may be an
// object like any other: it is a list if its items are one.
func itemsOf(kind string, raw json.RawMessage) ([]json.RawMessage, bool) {
	if !strings.HasSuffix(kind, "List") {
		return nil, false
	}
	var items []json.RawMessage
	if raw != nil && json.Unmarshal(raw, &items) == nil {
		return items, true
	}
	return nil, kind == "List" && raw == nil
}

// text reads a field that must be a string; an absent one is none.
func (r *objectReader) text(raw json.RawMessage, to *string, at []string, path ...string) error {
	if raw == nil || json.Unmarshal(raw, to) == nil {
		return nil
	}
	return r.refuse(at, path, fmt.Sprintf("invalid value %s", raw), "it must be a string: put quotes around it")
}

// refuse names a field of the object at a pointer, and its line.
func (r *objectReader) refuse(at, path []string, problem, cure string) error {
	var where []string
	if len(at) > 0 {
		where = append(where, join(at))
	}
	if len(path) > 0 {
		where = append(where, strings.Join(path, "."))
	}
	line := r.lineOf(append(slices.Clone(at), path...)...)
	return &Error{Name: r.doc.Name, Line: line, NotObject: len(at) == 0 && problem == "missing", Problem: strings.Join(append(where, problem), ": "), Cure: cure}
}

// withKind gives an object apiVersion and kind.
func withKind(raw []byte, apiVersion, kind string) ([]byte, error) {
	fields, err := fieldsOf(raw)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"apiVersion": apiVersion, "kind": kind} {
		if fields[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(fields)
}

func join(at []string) string {
	var pointer jsontext.Pointer
	for _, token := range at {
		pointer = pointer.AppendToken(token)
	}
	return string(pointer)
}
