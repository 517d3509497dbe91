package patch

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"gomodules.xyz/jsonpatch/v2"
	evanphx "gopkg.in/evanphx/json-patch.v4"
)

// Encode returns the operations as a JSON Patch document.
func Encode(operations []jsonpatch.Operation) ([]byte, error) {
	document := append(make([]byte, 0, 512), '[')
	for i, o := range operations {
		if i > 0 {
			document = append(document, ',')
		}
		document = append(append(append(document, `{"op":"`...), o.Operation...), `","path":`...)
		var err error
		if document, err = jsontext.AppendQuote(document, o.Path); err != nil {
			return nil, fmt.Errorf("path %q: %w", o.Path, err)
		}
		if o.Operation != "remove" {
			if document, err = appendValue(append(document, `,"value":`...), o.Value); err != nil {
				return nil, fmt.Errorf("value of %s: %w", o.Path, err)
			}
		}
		document = append(document, '}')
	}
	return append(document, ']'), nil
}

// appendValue spares the values that most operations have the way through
// reflection.
func appendValue(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case bool:
		return strconv.AppendBool(to, v), nil
	case string:
		return jsontext.AppendQuote(to, v)
	}
	encoded, err := json.Marshal(value, json.Deterministic(true))
	return append(to, encoded...), err
}

// Apply returns the raw object with the operations applied. An error names the
// operation that does not apply.
func Apply(raw []byte, operations []jsonpatch.Operation) ([]byte, error) {
	if len(operations) == 0 {
		return raw, nil
	}
	document, err := Encode(operations)
	if err != nil {
		return nil, err
	}
	return ApplyDocument("patch "+string(document), raw, document)
}

// ApplyDocument is Apply for a JSON Patch document, by the library that the API
// server uses. The name stands for the document in errors.
func ApplyDocument(name string, raw, document []byte) ([]byte, error) {
	decoded, err := evanphx.DecodePatch(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	patched, err := decoded.Apply(raw)
	if err != nil {
		return nil, fmt.Errorf("%s does not apply: %w", name, err)
	}
	return patched, nil
}
