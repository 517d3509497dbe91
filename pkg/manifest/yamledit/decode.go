package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// content is what a document's text says. json is nil if it says nothing. The
// parser's nodes are many times the text, so they are made anew where they are
// needed.
type content struct {
	isJSON bool
	json   []byte
	aside  *flaw // what a document is that is no object
	line   int   // 1-based, where the content begins in YAML
	body   int   // offset where the content may begin
	end    int   // offset where the content has ended: "..." or the end
}

// part is one document of a chunk: its size in bytes and what it says.
type part struct {
	size    int
	content content
}

// read reads a chunk: as JSON values if it is JSON, else as one YAML document.
// text is the chunk's own; the chunk's offsets are made relative to it.
func (c chunk) read(text []byte) ([]part, *flaw) {
	body, end := max(c.body-c.start, 0), c.bodyEnd-c.start
	if !c.content {
		return []part{{size: len(text), content: content{body: body, end: end}}}, nil
	}
	parts, badJSON, sure := readJSON(text, body, end)
	if parts != nil || sure {
		return parts, badJSON
	}
	got, bad := readYAML(text, body, end)
	if bad != nil {
		other := bad
		if badJSON != nil && looksLikeJSON(text[body:]) {
			other = badJSON
		}
		if bad = bad.orTemplate(text[:end], body); !bad.template {
			bad = other
		}
		return nil, bad
	}
	return []part{{size: len(text), content: got}}, nil
}

// readYAML reads one YAML document.
func readYAML(text []byte, body, end int) (got content, bad *flaw) {
	got.body, got.end = body, end
	masked := mask(text, body, end)
	doc, bad := parse(masked)
	if bad != nil || doc == nil {
		return got, bad
	}
	root := doc.Content[0]
	if root.Kind != yamlv3.MappingNode {
		what := "a single value"
		if root.Kind == yamlv3.SequenceNode {
			what = "a list"
		}
		got.aside = &flaw{line: root.Line - 1, problem: "the document is " + what + ", not an object", notObject: true}
	}
	if bad := checkKeys(root, map[string]string{}); bad != nil {
		return got, bad
	}
	asJSON, err := toJSON(masked)
	if err != nil {
		line, problem := lineIn(err)
		if line == 0 {
			line = root.Line
		}
		return got, &flaw{line: line - 1, problem: "kubectl cannot read this document: " + problem, cure: "write it in the plain YAML that JSON can say"}
	}
	got.json, got.line = asJSON, root.Line
	return got, nil
}

// parsed returns the nodes of a document that is neither empty nor JSON.
func (c *content) parsed(text []byte) *yamlv3.Node {
	doc, _ := parse(mask(text, c.body, c.end)) // it was read before
	return doc
}

// mask blanks what stands around a document's content, so that positions stay
// and the parsers need not know of it: they refuse %YAML 1.2, and they would
// count comments before "---" as the content's. A %TAG directive is needed.
func mask(text []byte, body, end int) []byte {
	out := bytes.Clone(text)
	head := body
	if bytes.HasPrefix(text, []byte("%TAG")) || bytes.Contains(text[:body], []byte("\n%TAG")) {
		head = 0
		if i := bytes.Index(text[:body], []byte("%YAML")); i >= 0 {
			out[i] = '#'
		}
	}
	i := 0
	if bytes.HasPrefix(text, byteOrderMark) {
		i = len(byteOrderMark)
	}
	for i < head {
		if n := breakAt(text, i); n > 0 {
			i += n
			continue
		}
		out[i] = ' '
		i++
	}
	return unmarked(out[:end], head)
}

// unmarked takes out the byte order mark before a later document's content: the
// parser would count it as a column.
func unmarked(text []byte, from int) []byte {
	for i := from; i < len(text); {
		if i > 0 && bytes.HasPrefix(text[i:], byteOrderMark) {
			return slices.Delete(text, i, i+len(byteOrderMark))
		}
		line, _, ended := bytes.Cut(text[i:], []byte("\n"))
		if line = bytes.TrimSpace(line); !ended || len(line) > 0 && line[0] != '#' {
			break
		}
		i += bytes.IndexByte(text[i:], '\n') + 1
	}
	return text
}

// parse returns the document's node, nil if it has no content.
func parse(text []byte) (node *yamlv3.Node, bad *flaw) {
	in := &lineReader{text: text}
	defer func() {
		// The parser panics on some inputs that it should refuse.
		if r := recover(); r != nil {
			node, bad = nil, &flaw{line: in.line() - 1, problem: fmt.Sprintf("the YAML cannot be parsed: %v", r), cure: "look for what is unusual there"}
		}
	}()
	decoder := yamlv3.NewDecoder(in)
	var doc yamlv3.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err, in.line(), text)
	}
	var second yamlv3.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &flaw{line: in.line() - 1, problem: "a second document begins here, which kubectl does not read", cure: `put a line "---" before it`}
	}
	if root := doc.Content[0]; root.Kind == yamlv3.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	return &doc, nil
}

// lineReader hands out one line a call, and so knows how far the parser read.
type lineReader struct {
	text  []byte
	at, n int
}

func (r *lineReader) Read(p []byte) (int, error) {
	if r.at == len(r.text) {
		return 0, io.EOF
	}
	n := bytes.IndexByte(r.text[r.at:], '\n') + 1
	if n == 0 {
		n = len(r.text) - r.at
	}
	if n > len(p) {
		n = len(p)
	} else {
		r.n++
	}
	copy(p, r.text[r.at:r.at+n])
	r.at += n
	return n, nil
}

func (r *lineReader) line() int { return max(r.n, 1) }

// toJSON converts as kubectl does, and survives the parser's panics.
func toJSON(text []byte) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return yaml.YAMLToJSON(text)
}

var parserLine = regexp.MustCompile(`^line (\d+): `)

// lineIn takes the 1-based line out of a YAML library's message, 0 if none.
func lineIn(err error) (int, string) {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	m := parserLine.FindStringSubmatch(problem)
	if m == nil {
		return 0, problem
	}
	n, _ := strconv.Atoi(m[1])
	return n, problem[len(m[0]):]
}

// explain turns a YAML error into a line and a cure. read is the line up to
// which the parser had read: for some errors the better answer, since the
// message names the line where the enclosing block began.
func explain(err error, read int, text []byte) *flaw {
	line, problem := lineIn(err)
	cure := "look at the indentation of this line and the one above"
	switch {
	case strings.Contains(problem, "did not find expected ',' or"):
		line++
		problem = "the bracket that opens here is not closed: " + problem
		cure = "close it, or put a comma between the items"
	case strings.Contains(problem, "unexpected end of stream"):
		cure = "close the quotation mark that opens here"
	case strings.Contains(problem, "unknown anchor"):
		line, cure = read, "define the anchor with & above its first use, in the same document"
	case strings.Contains(problem, "did not find expected"):
		line = read
	case line == 0:
		line = read
	}
	all := newLines(text)
	line = min(max(line, 1), len(all.starts))
	at := all.starts[line-1]
	here := text[at:all.end(at)]
	switch {
	case strings.Contains(problem, "control characters"):
		cure = "remove the character, or write it as an escape between double quotes"
	case bytes.Contains(here, []byte("{%")):
		cure = "this looks like a template: render it first"
	case strings.Contains(problem, "cannot start any token") && bytes.Contains(here, []byte("\t")):
		problem, cure = "a tab in the indentation", "indent with spaces"
	case strings.Contains(problem, "cannot start any token"):
		cure = "put quotes around the value"
	case strings.Contains(problem, "mapping values are not allowed"):
		cure = `look at the indentation; a value that holds ": " needs quotes`
	}
	return &flaw{line: line - 1, problem: problem, cure: cure}
}

// checkKeys refuses keys that are there twice and keys that JSON cannot say.
func checkKeys(n *yamlv3.Node, seen map[string]string) *flaw {
	if n.Kind != yamlv3.MappingNode {
		for _, c := range n.Content {
			if bad := checkKeys(c, seen); bad != nil {
				return bad
			}
		}
		return nil
	}
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yamlv3.AliasNode {
			k = k.Alias
		}
		if k.Kind != yamlv3.ScalarNode {
			return &flaw{line: n.Content[i].Line - 1, problem: "a list or a mapping as a key", cure: "write a plain word as the key"}
		}
		key := keyString(k, seen)
		if at, twice := first[key]; twice {
			return &flaw{line: n.Content[i].Line - 1, problem: fmt.Sprintf("key %q is set twice in one mapping, first %s", key, above(n.Content[i].Line-at)), cure: "delete one of the two"}
		}
		first[key] = n.Content[i].Line
		if bad := checkKeys(n.Content[i+1], seen); bad != nil {
			return bad
		}
	}
	return nil
}

func above(lines int) string {
	switch lines {
	case 0:
		return "on the same line"
	case 1:
		return "on the line above"
	}
	return fmt.Sprintf("%d lines above", lines)
}

// isMerge says whether a key is YAML 1.1's merge key (https://yaml.org/type/merge.html).
func isMerge(k *yamlv3.Node) bool { return k.Kind == yamlv3.ScalarNode && k.Tag == "!!merge" }

// mayBeTyped holds how words begin that YAML 1.1 may read as something other
// than a string.
const mayBeTyped = "yYnNtTfFoO~<.+-0123456789"

// typedWord are the words that YAML 1.1 reads as something other than a string.
var typedWord = regexp.MustCompile(`^(?i:y|yes|n|no|on|off|true|false|null)$`)

// keyString returns the JSON key that kubectl makes of a YAML key: yes becomes
// "true", 010 becomes "8". known caches the answers for plain words.
func keyString(k *yamlv3.Node, known map[string]string) string {
	plain := k.Style&(yamlv3.SingleQuotedStyle|yamlv3.DoubleQuotedStyle|yamlv3.TaggedStyle|yamlv3.LiteralStyle|yamlv3.FoldedStyle) == 0
	if !plain || isMerge(k) || k.Value == "" || !strings.ContainsRune(mayBeTyped, rune(k.Value[0])) {
		return k.Value
	}
	if key, ok := known[k.Value]; ok {
		return key
	}
	key := k.Value
	if c := key[0] | 0x20; c >= 'a' && c <= 'z' && !typedWord.MatchString(key) {
		return key
	}
	if asJSON, err := toJSON([]byte(k.Value + ": 0")); err == nil {
		var object map[string]json.RawMessage
		if json.Unmarshal(asJSON, &object) == nil && len(object) == 1 {
			for key = range object {
			}
		}
	}
	known[k.Value] = key
	return key
}
