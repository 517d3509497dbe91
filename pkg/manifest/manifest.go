// Package manifest reads Kubernetes manifests as people write them, changes
// some of their objects by JSON Patch (RFC 6902) and writes the stream back.
//
// A document that nothing was applied to comes back byte for byte. In a changed
// document the comments, blank lines, quoting and indentation stay wherever the
// change does not reach. What a document means is decided as kubectl decides
// it: sigs.k8s.io/yaml turns it into JSON, YAML 1.1 booleans included, but a key
// that is there twice is refused. (YAML 1.1: https://yaml.org/spec/1.1/)
package manifest

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// MaxBytes is the size in bytes above which one input is refused.
const MaxBytes = 16 << 20

// Error is what every refusal of this package is: where, what, and the cure.
type Error struct {
	// Name is the input: a path or "<stdin>".
	Name string
	// Line is 1-based; 0 where no line is to blame.
	Line int
	// Problem and Cure are short sentences without a full stop.
	Problem, Cure string
	// Err is the cause, or nil.
	Err error
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

// File is one input: a path or the standard input.
type File struct {
	// Name is the path, or "<stdin>".
	Name string
	// Documents are the parts of the stream, in order, empty ones included.
	// Their texts, joined, are the stream.
	Documents []*Document
}

// Bytes returns the stream as it is now; the input itself when no document was
// changed.
func (f *File) Bytes() []byte {
	var out bytes.Buffer
	for _, d := range f.Documents {
		out.Write(d.text)
	}
	return out.Bytes()
}

// Changed says whether a document of the file was changed.
func (f *File) Changed() bool {
	for _, d := range f.Documents {
		if d.Changed() {
			return true
		}
	}
	return false
}

// Document is one YAML document with the "---" line and the directives that
// open it, or one JSON value of a stream of them.
type Document struct {
	// Name is the file's name.
	Name string
	// Index is the document's place in the file, from 0.
	Index int
	// Line is the 1-based line of the input where the document begins, its
	// "---" line included.
	Line int

	original []byte
	text     []byte
	content  content
}

// JSON returns the document, as it is now, as JSON: the way kubectl reads it.
// It is nil for a document that holds no value. The slice is the caller's.
func (d *Document) JSON() []byte { return bytes.Clone(d.content.json) }

// Empty says whether the document holds no value, only comments or nothing.
func (d *Document) Empty() bool { return d.content.json == nil }

// Original returns the document's text as it was read. The slice is the caller's.
func (d *Document) Original() []byte { return bytes.Clone(d.original) }

// Bytes returns the document's text as it is now. The slice is the caller's.
func (d *Document) Bytes() []byte { return bytes.Clone(d.text) }

// Changed says whether the text differs from what was read.
func (d *Document) Changed() bool { return !bytes.Equal(d.original, d.text) }

// fail builds an error at a 1-based line of the document's current text.
func (d *Document) fail(line int, problem, cure string, err error) error {
	return &Error{Name: d.Name, Line: d.Line + line - 1, Problem: problem, Cure: cure, Err: err}
}

// Read splits one input into documents and reads each. name is for messages: a
// path or "<stdin>". Input: YAML documents (as kubectl separates them: lines
// that begin with "---"), or JSON values one after the other, UTF-8, at most
// MaxBytes. An *Error tells the line and the cure; then there is no File.
func Read(name string, data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, tooBig(name)
	}
	if line := invalidUTF8(data); line > 0 {
		return nil, &Error{Name: name, Line: line, Problem: "not UTF-8 text", Cure: "save the file as UTF-8"}
	}
	f := &File{Name: name}
	data = bytes.Clone(data)
	all := newLines(data)
	chunks, bad := split(data)
	if bad != nil {
		return nil, &Error{Name: name, Line: bad.line + 1, Problem: bad.problem, Cure: bad.cure}
	}
	for _, c := range chunks {
		parts, err := c.read(data[c.start:c.end])
		if err != nil {
			first := all.lineOf(c.start)
			return nil, &Error{Name: name, Line: first + err.line + 1, Problem: err.problem, Cure: err.cure}
		}
		from := c.start
		for _, p := range parts {
			text := data[from : from+p.size : from+p.size]
			f.Documents = append(f.Documents, &Document{
				Name: name, Index: len(f.Documents), Line: all.lineOf(from) + 1,
				original: text, text: text, content: p.content,
			})
			from += p.size
		}
	}
	return f, nil
}

func tooBig(name string) error {
	return &Error{Name: name, Problem: fmt.Sprintf("larger than %d MiB", MaxBytes>>20), Cure: "split it into smaller files"}
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
