package jsonprune

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/netmode-io/netmode/pkg/api"
)

type item struct {
	Name string  `json:"name"`
	Deep *nested `json:"deep"`
}

type nested struct {
	Here *struct{} `json:"here"`
}

type value struct {
	Items  []item            `json:"items"`
	Labels map[string]string `json:"labels"`
	Raw    jsontext.Value    `json:"raw"`
	Number int               `json:"number,omitempty"`
}

// prune is for tests that mark nothing.
func prune(p *Pruner, dst, text []byte) ([]byte, error) {
	pruned, _, err := p.PruneMarked(dst, text)
	return pruned, err
}

func TestPruneKeepsTheShape(t *testing.T) {
	p := New(ShapeOf(reflect.TypeFor[value]()), Limits{})
	for name, c := range map[string]struct{ in, want string }{
		"nothing to drop":         {`{"number":1}`, `{"number":1}`},
		"order stays":             {`{"raw":[1, 2],"number":-0.5e+3}`, `{"raw":[1, 2],"number":-0.5e+3}`},
		"dropped first":           {`{"no":{"number":1},"number":2}`, `{"number":2}`},
		"dropped between":         {`{"number":2,"no":[{}],"raw":null}`, `{"number":2,"raw":null}`},
		"dropped last":            {`{"number":2,"no":true}`, `{"number":2}`},
		"everything dropped":      {` { "a" : 1 , "b" : [ ] } `, `{}`},
		"list indexes stay":       {`{"items":[{"x":1},{"name":"b","x":2},null,3]}`, `{"items":[{},{"name":"b"},null,3]}`},
		"empty list":              {`{"items":[ ]}`, `{"items":[]}`},
		"a map is kept whole":     {`{"labels":{"items":"x","other":"y"}}`, `{"labels":{"items":"x","other":"y"}}`},
		"presence only":           {`{"items":[{"deep":{"here":{"port":1},"x":1}}]}`, `{"items":[{"deep":{"here":{}}}]}`},
		"another type than asked": {`{"items":"x","labels":[1]}`, `{"items":"x","labels":[1]}`},
		"escaped member name":     {`{"\u006eumber":1,"lab\/els":2}`, `{"\u006eumber":1}`},
		"case counts":             {`{"Number":1}`, `{}`},
		"a scalar document":       {`"x"`, `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := prune(p, nil, []byte(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestPruneRefuses(t *testing.T) {
	p := New(nil, Limits{})
	for name, c := range map[string]struct{ in, want string }{
		"empty":              {``, "EOF"},
		"blank":              {"  ", "EOF"},
		"cut":                {`{"a":[1,`, "EOF"},
		"cut in a string":    {`"ab`, "EOF"},
		"trailing":           {`{} x`, "at byte 3: something behind the value"},
		"duplicate":          {`{"a":1,"b":2,"a":3}`, `duplicate object member name "a"`},
		"duplicate, escaped": {`{"a":1,"\u0061":3}`, `duplicate object member name "a"`},
		"duplicate, deep":    {`{"x":[{"y":{"a":1,"a":1}}]}`, `duplicate object member name "a" within "/x/0/y"`},
		"invalid UTF-8":      {"\"\xff\"", "invalid UTF-8"},
		"control character":  {"\"a\x01\"", "invalid character '\\x01'"},
		"half a surrogate":   {`"\ud800x"`, "invalid surrogate pair"},
		"escape":             {`"\x"`, "invalid escape sequence"},
		"leading zero":       {`01`, "at byte 1: something behind the value"},
		"comma at the end":   {`[1,]`, "invalid character ']'"},
		"no colon":           {`{"a" 1}`, "expecting ':'"},
		"name no string":     {`{a:1}`, "at start of string"},
		"not a literal":      {`nul`, "EOF"},
		"point":              {`1.`, "EOF"},
		"exponent":           {`[1e]`, "invalid character ']'"},
		"too deep":           {strings.Repeat("[", maxDepth+1), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := prune(p, nil, []byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %s, error %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestPruneManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 4 * fewNames {
		fmt.Fprintf(&b, `"name-%d":%d,`, i, i)
	}
	p := New(nil, Limits{})
	if _, err := prune(p, nil, []byte(b.String()+`"last":0}`)); err != nil {
		t.Error(err)
	}
	for _, again := range []string{"name-0", fmt.Sprintf("name-%d", 3*fewNames)} {
		if _, err := prune(p, nil, []byte(b.String()+`"`+again+`":0}`)); err == nil || !strings.Contains(err.Error(), again) {
			t.Errorf("%s twice among many: %v", again, err)
		}
	}
}

func TestUnionOfShapes(t *testing.T) {
	type other struct {
		Number int    `json:"number"`
		Items  string `json:"items"`
		More   bool   `json:"more"`
	}
	p := New(ShapeOf(reflect.TypeFor[value](), reflect.TypeFor[other]()), Limits{})
	got, err := prune(p, nil, []byte(`{"more":true,"items":[{"x":1}],"labels":{},"y":0}`))
	if want := `{"more":true,"items":[{"x":1}],"labels":{}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	p = New(ShapeOf(reflect.TypeFor[other]()).With("items", ShapeOf(reflect.TypeFor[item]())), Limits{})
	got, err = prune(p, []byte("before "), []byte(`{"items":{"name":"a","x":1},"labels":{}}`))
	if want := `before {"items":{"name":"a"}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestSyntaxErrorTellsWhere(t *testing.T) {
	err := (&pruner{text: []byte(`{"a":01}`)}).document(nil)
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 6 || err.Error() != "at byte 6: a comma or the end of the object or list must stand here" {
		t.Errorf("got %v", err)
	}
}

// FuzzPrune holds the pruner to jsontext's idea of what is valid.
func FuzzPrune(f *testing.F) {
	for _, s := range []string{
		`{"spec":{"containers":[{"name":"a","ports":[{"hostPort":1}],"env":[{},{"name":"a"}]}]},"metadata":{"labels":{"a":"b"}}}`,
		`{"a":1,"b":{"a":[1,2,{"c":"\u0061"}]}}`, `{"a":1,"\u0061":2}`, `"\ud800\udc00"`, `"\ud800"`, `"\ud800\u0041"`,
		`-0.5e+10`, `-`, `1e`, `[1,]`, `{"a":}`, "\"\x01\"", ` null `, `01`, `{"":1,"":2}`, `[] []`, "\xff", `{"a":1,}`,
	} {
		f.Add([]byte(s))
	}
	shaped, whole := New(ShapeOf(reflect.TypeFor[api.Pod](), reflect.TypeFor[api.Service]()), Limits{}), New(nil, Limits{})
	podShape := ShapeOf(reflect.TypeFor[api.Pod]())
	podShape.Limit(2)
	podShape.Member("spec", "containers", "env").Only("name", "a")
	podShape.Member("metadata", "labels").First(func(name []byte) bool { return len(name) == 1 }, 1, true)
	limited := New(podShape, Limits{Text: 3, Kept: 60})
	f.Fuzz(func(t *testing.T, text []byte) {
		pruned, err := prune(shaped, nil, text)
		if valid := jsontext.Value(text).IsValid(); valid != (err == nil) {
			t.Fatalf("jsontext says valid=%v, Prune says %v", valid, err)
		}
		if err == nil && !jsontext.Value(pruned).IsValid() {
			t.Fatalf("pruned to invalid JSON %q", pruned)
		}
		all, wholeErr := prune(whole, nil, text)
		if (err == nil) != (wholeErr == nil) || wholeErr == nil && !bytes.Equal(all, bytes.Trim(text, " \t\r\n")) {
			t.Fatalf("without a shape the value must come back whole: %q, %v", all, wholeErr)
		}
		cut, cutErr := prune(limited, nil, text)
		if tooLarge := errors.Is(cutErr, ErrTooLarge); (cutErr == nil || tooLarge) != (err == nil) || err == nil && !jsontext.Value(cut).IsValid() {
			t.Fatalf("with limits: %v, %q", cutErr, cut)
		} else if again, _ := prune(limited, nil, cut); err == nil && !tooLarge && !bytes.Equal(again, cut) {
			t.Fatalf("cutting twice gives %q, once %q", again, cut)
		}
		if err != nil {
			return
		}
		again, err := prune(shaped, nil, pruned)
		if err != nil || !bytes.Equal(again, pruned) {
			t.Fatalf("pruning twice gives %q, %v; once %q", again, err, pruned)
		}
	})
}

// BenchmarkPrune measures a Pod of 60 kB, half of it managed fields.
func BenchmarkPrune(b *testing.B) {
	var env, fields strings.Builder
	for i := range 400 {
		fmt.Fprintf(&env, `{"name":"VARIABLE_%d","value":"a value of some length, %d"},`, i, i)
		fmt.Fprintf(&fields, `"k:{\"name\":\"VARIABLE_%d\"}":{".":{},"f:name":{},"f:value":{}},`, i)
	}
	text := []byte(`{"metadata":{"name":"a","managedFields":[{"fieldsV1":{` + strings.TrimSuffix(fields.String(), ",") +
		`}}]},"spec":{"containers":[{"name":"c","env":[` + strings.TrimSuffix(env.String(), ",") + `]}]}}`)
	p := New(ShapeOf(reflect.TypeFor[api.Pod]()), Limits{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = prune(p, dst[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}
