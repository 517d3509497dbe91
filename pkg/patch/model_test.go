package patch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// The model does to decoded maps and lists what a mutation says, one after the
// other, and knows nothing of operations, scanning or JSON Patch.

var errModel = errors.New("the mutation has no place here")

// modelApply returns the changed document.
func modelApply(document any, mutations []plan.Mutation) (any, error) {
	if _, ok := document.(map[string]any); !ok {
		return nil, errModel
	}
	for _, m := range mutations {
		text, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		value, err := decodeAny(text)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(m.Pointer, "/") {
			return nil, errModel
		}
		document, err = modelChange(document, strings.Split(m.Pointer[1:], "/"), m.Action, value)
		if err != nil {
			return nil, err
		}
	}
	return document, nil
}

func modelChange(at any, tokens []string, action plan.Action, value any) (any, error) {
	if len(tokens) == 0 {
		return modelAct(at, action, value)
	}
	token := strings.NewReplacer("~1", "/", "~0", "~").Replace(tokens[0])
	if action == plan.Remove && (at == nil || len(tokens) == 1) {
		return modelRemove(at, token)
	}
	switch v := at.(type) {
	case nil:
		member, err := modelChange(nil, tokens[1:], action, value)
		return map[string]any{token: member}, err
	case map[string]any:
		if _, ok := v[token]; !ok && action == plan.Remove {
			return v, nil
		}
		member, err := modelChange(v[token], tokens[1:], action, value)
		v[token] = member
		return v, err
	case []any:
		i, err := strconv.Atoi(token)
		// A null in a list is nothing that could be grown.
		if err != nil || strconv.Itoa(i) != token || i < 0 || i >= len(v) || v[i] == nil {
			return nil, errModel
		}
		v[i], err = modelChange(v[i], tokens[1:], action, value)
		return v, err
	default:
		return nil, errModel
	}
}

// modelRemove lets a null be: it is as good as absent.
func modelRemove(at any, token string) (any, error) {
	switch v := at.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		if v[token] != nil {
			delete(v, token)
		}
		return v, nil
	default:
		return nil, errModel
	}
}

func modelAct(at any, action plan.Action, value any) (any, error) {
	if action == plan.Set {
		return value, nil
	}
	list, ok := at.([]any)
	switch {
	case at != nil && !ok:
		return nil, errModel
	case action == plan.InsertFirst:
		return slices.Insert(slices.Clone(list), 0, value), nil
	default:
		return append(slices.Clone(list), value), nil
	}
}

// decodeAny keeps numbers as they are written.
func decodeAny(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

func mustDecode(t *testing.T, text []byte) any {
	t.Helper()
	value, err := decodeAny(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// built returns the operations for the mutations and the object after them.
func built(t *testing.T, raw string, mutations []plan.Mutation) (document string, patched []byte) {
	t.Helper()
	operations, err := patch.Build([]byte(raw), mutations)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := patch.Encode(operations)
	if err != nil {
		t.Fatal(err)
	}
	patched, err = patch.Apply([]byte(raw), operations)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded), patched
}
