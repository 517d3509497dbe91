// Package manifest reads Kubernetes manifests as people write them, changes
// some of their objects by JSON Patch (RFC 6902) and writes the stream back.
//
// [Open] reads files and folders, and [Read] a single input, into a [File] of
// documents. [Objects] walks over the objects in them, the items of Lists included.
// Each knows its document: Document.Apply changes it, and [File.Bytes] is the
// stream as it is then.
//
// A document that nothing was applied to comes back byte for byte. Package
// yamledit, below this one, reads and changes the text of the others, and keeps
// their comments.
package manifest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/netmode-io/netmode/pkg/manifest/yamledit"
)

// MaxBytes is the size in bytes above which one input is refused.
const MaxBytes = 16 << 20

// Error is what every refusal of this package is: where, what, and the cure.
type Error = yamledit.Error

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
type Document struct{ *yamledit.Document }

// Read splits one input into documents and reads each. name is for messages: a
// path or "<stdin>". Input: YAML documents (as kubectl separates them: lines
// that begin with "---"), or JSON values one after the other, UTF-8, at most
// MaxBytes. An *Error tells the line and the cure; then there is no File.
func Read(name string, data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, tooBig(name)
	}
	documents, err := yamledit.Read(name, data)
	if bad, ok := errors.AsType[*Error](err); ok {
		bad.Cure = cureOf(bad)
	}
	if err != nil {
		return nil, err
	}
	f := &File{Name: name}
	for _, d := range documents {
		f.Documents = append(f.Documents, &Document{d})
	}
	return f, nil
}

func cureOf(bad *Error) string {
	switch {
	case bad.Template:
		return "render it first: helm template CHART | netmode render -f -"
	case bad.NotObject:
		return "a manifest has apiVersion, kind and metadata at its top level"
	}
	return bad.Cure
}

func tooBig(name string) error {
	return &Error{Name: name, Problem: fmt.Sprintf("larger than %d MiB", MaxBytes>>20), Cure: "split it into smaller files"}
}
