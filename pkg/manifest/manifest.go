// Package manifest reads Kubernetes manifests as people write them, changes
// some of their objects by JSON Patch (RFC 6902) and writes the stream back.
//
// A document that nothing was applied to comes back byte for byte. Package
// yamledit, below this one, reads and changes the text of the others.
package manifest

import (
	"bytes"
	"errors"
	"fmt"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
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
		out.Write(d.Bytes())
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
	text     *yamledit.Document
}

// JSON returns the document, as it is now, as JSON: the way kubectl reads it.
// It is nil for a document that holds no value. The slice is the caller's.
func (d *Document) JSON() []byte { return d.text.JSON() }

// Empty says whether the document holds no value, only comments or nothing.
func (d *Document) Empty() bool { return d.text.Empty() }

// Original returns the document's text as it was read. The slice is the caller's.
func (d *Document) Original() []byte { return bytes.Clone(d.original) }

// Bytes returns the document's text as it is now. The slice is the caller's.
func (d *Document) Bytes() []byte { return d.text.Bytes() }

// Changed says whether the text differs from what was read.
func (d *Document) Changed() bool { return !bytes.Equal(d.original, d.text.Bytes()) }

// Apply changes the document by JSON Patch operations, as yamledit does. The
// error is an *Error.
func (d *Document) Apply(operations []jsonpatch.Operation) error {
	return located(d.Name, d.Line, d.text.Apply(operations))
}

// located puts the input's name and line into an error of a text that begins at
// a line of it.
func located(name string, line int, err error) error {
	bad, ok := errors.AsType[*yamledit.Error](err)
	if !ok {
		return err
	}
	e := &Error{Name: name, Line: line + bad.Line - 1, Problem: bad.Problem, Cure: bad.Cure, Err: bad.Err}
	if bad.NotObject {
		e.Cure = "a manifest has apiVersion, kind and metadata at its top level"
	}
	return e
}

// Read splits one input into documents and reads each. name is for messages: a
// path or "<stdin>". Input: YAML documents (as kubectl separates them: lines
// that begin with "---"), or JSON values one after the other, UTF-8, at most
// MaxBytes. An *Error tells the line and the cure; then there is no File.
func Read(name string, data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, tooBig(name)
	}
	documents, err := yamledit.Read(data)
	if err != nil {
		return nil, located(name, 1, err)
	}
	f := &File{Name: name}
	for i, d := range documents {
		f.Documents = append(f.Documents, &Document{Name: name, Index: i, Line: d.Line, original: d.Bytes(), text: d})
	}
	return f, nil
}

func tooBig(name string) error {
	return &Error{Name: name, Problem: fmt.Sprintf("larger than %d MiB", MaxBytes>>20), Cure: "split it into smaller files"}
}
