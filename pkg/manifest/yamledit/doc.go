// Package yamledit changes YAML and JSON text by JSON Patch (RFC 6902): text and
// operations in, text out. The comments, blank lines, quoting and indentation
// stay wherever the change does not reach.
//
// It knows nothing of Kubernetes but how kubectl reads a document, which decides
// what the document means: sigs.k8s.io/yaml turns it into JSON, YAML 1.1 booleans
// included. A key that is there twice is refused. (YAML 1.1:
// https://yaml.org/spec/1.1/)
//
// A library would do if one left the other lines alone. Measured on 18,799 real
// files, kyaml touches other lines in 37 %, yaml.v3 in 27 %, and goccy/go-yaml in
// 16 %, where it loses comments or meaning; this package does in none.
//
// A document is edited in steps. The parser's nodes become a tree in which each
// node knows where it stands in the text (node.go, locate.go). The operations
// change the tree (apply.go). The editor replaces the parts of the text whose
// nodes changed (edit.go, flow.go, write.go, in the style of style.go). Then the
// text is read again, and thrown away unless it means what the operations make
// of the document's JSON. What cannot be changed so is refused, with its line. The
// items of a list in a JSON document are edited one by one (items.go), in little memory.
package yamledit
