package api

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Decode decodes JSON into a view. Of a field that does not decode the error
// says what stands there and what must, as Kubernetes writes fields; below is
// the field that holds the value, "" for the object itself.
func Decode(text []byte, view any, below string) error {
	return inWords(json.Unmarshal(text, view), below)
}

func inWords(err error, below string) error {
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return err
	}
	field := FieldName(below, wrong.JSONPointer)
	if field == "" {
		field = "the object"
	}
	if wrong.Err != nil && len(wrong.JSONValue) > 0 {
		return fmt.Errorf("%s: Invalid value: %s: must be %s: %w", field, wrong.JSONValue, wantedWord(wrong.GoType), wrong.Err)
	}
	cure := ""
	if wantedWord(wrong.GoType) == "a string" && strings.ContainsRune("0tf", rune(wrong.JSONKind)) {
		cure = ": put quotes around it"
	}
	return fmt.Errorf("%s: is %s, and must be %s%s", field, foundWord(wrong.JSONKind), wantedWord(wrong.GoType), cure)
}

func foundWord(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	default:
		return kind.String()
	}
}

func wantedWord(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Pointer:
		return wantedWord(t.Elem())
	default:
		return "a whole number"
	}
}

// FieldName writes a pointer below a field as a field path:
// spec.containers[0].ports, metadata.labels[app.kubernetes.io/name].
func FieldName(below string, pointer jsontext.Pointer) string {
	var b strings.Builder
	b.WriteString(below)
	for token := range pointer.Tokens() {
		switch {
		case strings.Trim(token, "0123456789") == "" || strings.ContainsAny(token, "./"):
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return b.String()
}
