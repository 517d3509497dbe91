package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON reads the JSON values that a chunk holds, one or several, as kubectl
// accepts them. No parts and no flaw: it does not begin like JSON. A flaw that
// is not sure: it may still be YAML in flow style.
func readJSON(text []byte, body, stop int) (parts []part, bad *flaw, sure bool) {
	body += len(text[body:]) - len(bytes.TrimPrefix(text[body:], byteOrderMark))
	// No string of JSON has a break: these marks stand between values.
	plain := bytes.ReplaceAll(text[body:stop], []byte("\n\uFEFF"), []byte("\n   "))
	trimmed := bytes.TrimLeft(plain, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, nil, false
	}
	at := newLines(text)
	decoder := jsontext.NewDecoder(bytes.NewReader(plain))
	from := 0
	for {
		value, err := decoder.ReadValue()
		end := body + int(decoder.InputOffset())
		if errors.Is(err, io.EOF) {
			parts[len(parts)-1].size += len(text) - from
			return parts, nil, true
		}
		if err != nil {
			bad, sure = explainJSON(err, at, body)
			return nil, bad, sure || len(parts) > 0
		}
		if value.Kind() != '{' {
			return nil, &flaw{line: at.lineOf(end - len(value)), problem: "a JSON value that is not an object", notObject: true}, true
		}
		asJSON := value.Clone()
		if err := asJSON.Compact(); err != nil {
			return nil, &flaw{line: at.lineOf(end - len(value)), problem: err.Error()}, true
		}
		parts = append(parts, part{size: end - from,
			content: content{isJSON: true, json: asJSON, body: end - len(value) - from, end: end - from}})
		from = end
	}
}

// looksLikeJSON says which of two errors helps: a JSON object begins with a
// quoted key.
func looksLikeJSON(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), "{ \t\r\n")
	return len(text) > 0 && text[0] == '"'
}

func explainJSON(err error, at *lines, body int) (bad *flaw, sure bool) {
	bad = &flaw{problem: "the JSON cannot be parsed: " + strings.TrimPrefix(err.Error(), "jsontext: "), cure: "look for a missing comma, quotation mark or bracket"}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		bad.line = at.lineOf(min(body+int(syntax.ByteOffset), max(len(at.text)-1, 0)))
		bad.problem = "the JSON cannot be parsed: " + syntax.Err.Error()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			bad.problem = fmt.Sprintf("key %q is set twice in one object", syntax.JSONPointer.LastToken())
			bad.cure = "delete one of the two"
			return bad, true
		}
	}
	return bad, false
}

// scalarOf is decodeJSON for a scalar; of a collection there is no value.
func scalarOf(raw jsontext.Value) (any, error) {
	switch raw.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		return string(text), err
	case '0':
		return json.Number(raw), nil
	case 't', 'f':
		return raw.Kind() == 't', nil
	}
	return nil, nil
}

// decodeJSON decodes with numbers as they are written.
func decodeJSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	err := decoder.Decode(&v)
	return v, err
}

// equalJSON says whether two decoded values mean the same. Numbers are equal if
// their text is, or, one of them not being an integer, if their value is.
func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if other, ok := b[k]; !ok || !equalJSON(v, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		if !ok || a == b {
			return ok
		}
		if isInteger(a) && isInteger(b) {
			return false
		}
		x, errX := a.Float64()
		y, errY := b.Float64()
		return errX == nil && errY == nil && x == y
	default:
		return a == b
	}
}

func isInteger(n json.Number) bool { return !strings.ContainsAny(n.String(), ".eE") }

// jsonText writes a scalar as JSON.
func jsonText(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "null" // a string, a number, a boolean or nil: none can fail
	}
	return strings.TrimSuffix(out.String(), "\n")
}
