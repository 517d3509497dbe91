package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"gomodules.xyz/jsonpatch/v2"
	jsonpatchv4 "gopkg.in/evanphx/json-patch.v4"
)

// Error is what every refusal is: where, what, and the cure.
type Error struct {
	// Name is the stream's.
	Name string
	// Line is 1-based; 0 where no line is to blame.
	Line int
	// Problem and Cure are short sentences without a full stop.
	Problem, Cure string
	// Err is the cause, or nil.
	Err error
	// NotObject says that a document is a list or a single value. The cure is left
	// to who knows what it ought to be.
	NotObject bool
	// Template says that a document is a template, which something has to render
	// first. The cure is left to who knows what.
	Template bool
}

// Error returns "name:line: problem: cause; cure".
func (e *Error) Error() string {
	text := e.Name
	if e.Line > 0 {
		text = fmt.Sprintf("%s:%d", e.Name, e.Line)
	}
	text += ": " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Cure != "" {
		text += "; " + e.Cure
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Document is one YAML document with the "---" line and the directives that
// open it, or one JSON value of a stream of them.
type Document struct {
	// Name is the stream's.
	Name string
	// Line is the 1-based line of the stream where the document begins, its "---"
	// line included.
	Line int

	original []byte
	// text is what is read and edited. Its last line always ends: kubectl ends it, and
	// a block scalar there has a line break by that.
	text []byte
	// unended says that the last line of the original does not end, nor then that of
	// Bytes, where that means the same.
	unended bool
	content content
}

// Original returns the document's text as it was read. The slice is the caller's.
func (d *Document) Original() []byte { return bytes.Clone(d.original) }

// Bytes returns the document's text as it is now. The slice is the caller's.
func (d *Document) Bytes() []byte {
	if d.unended {
		return bytes.Clone(bytes.TrimSuffix(d.text, []byte("\n")))
	}
	return bytes.Clone(d.text)
}

// Changed says whether the text differs from what was read.
func (d *Document) Changed() bool { return !bytes.Equal(d.original, d.Bytes()) }

// JSON returns the document, as it is now, as JSON: the way kubectl reads it.
// It is nil for a document that holds no value. The slice is the caller's.
func (d *Document) JSON() []byte { return bytes.Clone(d.content.json) }

// Empty says whether the document holds no value, only comments or nothing.
func (d *Document) Empty() bool { return d.content.json == nil }

// NotObject says what a document is that is neither an object nor empty; nil for
// the others.
func (d *Document) NotObject() *Error {
	if d.content.aside == nil {
		return nil
	}
	return d.content.aside.in(d.Name, d.Line-1)
}

// Read splits a stream into documents, empty ones included, and reads each.
// Their texts, joined, are the stream; its name is for messages. It holds UTF-8:
// YAML documents (as kubectl separates them: lines that begin with "---"), or
// JSON values one after the other, each an object. A YAML document that is none
// is told by NotObject. The error is an *Error.
func Read(name string, stream []byte) ([]*Document, error) {
	if line := invalidUTF8(stream); line > 0 {
		return nil, &Error{Name: name, Line: line, Problem: "not UTF-8 text", Cure: "save the file as UTF-8"}
	}
	size := len(stream)
	stream = bytes.Clone(stream)
	if size > 0 && stream[size-1] != '\n' {
		stream = append(stream, '\n')
	}
	all := newLines(stream)
	chunks, bad := split(stream)
	if bad != nil {
		return nil, bad.orTemplate(stream, 0).in(name, 0)
	}
	var documents []*Document
	for _, c := range chunks {
		parts, bad := c.read(stream[c.start:c.end])
		if bad != nil {
			return nil, bad.in(name, all.lineOf(c.start))
		}
		from := c.start
		for _, p := range parts {
			text := stream[from : from+p.size : from+p.size]
			original := stream[from:min(from+p.size, size)]
			documents = append(documents, &Document{
				Name: name, Line: all.lineOf(from) + 1,
				original: original, text: text, unended: len(original) < len(text), content: p.content,
			})
			from += p.size
		}
	}
	return documents, nil
}

// invalidUTF8 returns the 1-based line of the first byte that is not UTF-8, or 0.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return 1 + bytes.Count(data[:i], []byte("\n"))
		}
		i += size
	}
	return 0
}

// Apply changes the document by JSON Patch operations (RFC 6902): add, replace
// and remove, with pointers from the document's root. All are applied or, on an
// error, none. The text changes where the operations reach and nowhere else;
// where its layout does not allow that, the error names the line. The result, read
// again, is what the operations make of JSON. What JSON and Bytes returned before stays as it was.
func (d *Document) Apply(operations []jsonpatch.Operation) error {
	if len(operations) == 0 {
		return nil
	}
	if d.Empty() {
		return d.refuse("the document is empty, so no patch applies", "leave it alone", nil)
	}
	if bad := d.NotObject(); bad != nil {
		return bad
	}
	if d.applyToItems(operations) {
		return nil
	}
	return d.applyToTree(operations)
}

func (d *Document) applyToTree(operations []jsonpatch.Operation) error {
	t, err := d.tree()
	if err != nil {
		return d.refuse("the document cannot be edited", "write it in plain YAML, without unusual tags or keys", err)
	}
	for i, op := range operations {
		if err := t.apply(op); err != nil {
			return d.refuse(fmt.Sprintf("patch operation %d, %s %q", i+1, op.Operation, op.Path), "nothing was changed: correct the patch", err)
		}
	}
	want, err := patched(d.content.json, operations)
	if err != nil {
		return d.refuse("the patch does not apply", "nothing was changed: correct the patch", err)
	}
	for _, attempt := range []func(*tree) ([]byte, bool){(*tree).edit, (*tree).editQuoted} {
		if text, ok := attempt(t); ok {
			if got, ok := d.means(text, want); ok {
				d.text, d.content = text, got
				if d.unended = d.unended && !bytes.HasPrefix(d.original, text); d.unended {
					_, d.unended = d.means(bytes.TrimSuffix(text, []byte("\n")), want)
				}
				return nil
			}
		}
	}
	line := d.Line + t.lost - 1
	if t.located {
		path, _ := pointer(operations[0].Path) // it was applied
		line = d.Lines()(path...)
	}
	return &Error{Name: d.Name, Line: line, Problem: "the layout here cannot be changed without touching other lines",
		Cure: "nothing was changed: write these lines in plain YAML, one \"key: value\" a line"}
}

func (d *Document) refuse(problem, cure string, err error) error {
	return &Error{Name: d.Name, Line: d.Line, Problem: problem, Cure: cure, Err: err}
}

// patched applies the operations to JSON by a library, for the result to be held
// against.
func patched(document []byte, operations []jsonpatch.Operation) (any, error) {
	raw, err := json.Marshal(operations)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatchv4.DecodePatch(raw)
	if err != nil {
		return nil, err
	}
	out, err := patch.Apply(document)
	if err != nil {
		return nil, err
	}
	return decodeJSON(out)
}

// means reads a text as this document, and says whether it means want.
func (d *Document) means(text []byte, want any) (content, bool) {
	chunks, bad := split(text)
	if bad != nil || len(chunks) != 1 {
		return content{}, false
	}
	parts, bad := chunks[0].read(text)
	if bad != nil || len(parts) != 1 || d.content.isJSON && !parts[0].content.isJSON {
		return content{}, false
	}
	got, err := decodeJSON(parts[0].content.json)
	return parts[0].content, err == nil && equalJSON(got, want)
}
