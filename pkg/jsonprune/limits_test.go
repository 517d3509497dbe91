package jsonprune

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type limited struct {
	Items  []int             `json:"items"`
	Labels map[string]string `json:"labels"`
	Notes  map[string]string `json:"notes"`
	Text   string            `json:"text"`
	Again  *limited          `json:"again"`
}

func limitedShape() *Shape {
	s := ShapeOf(reflect.TypeFor[limited]())
	s.Limit(3)
	s.Member("items").Most(2)
	s.Member("notes").First(func(name []byte) bool { return bytes.HasPrefix(name, []byte("my/")) }, 2, true)
	return s
}

func TestLimits(t *testing.T) {
	p := New(limitedShape(), Limits{Text: 8})
	for name, c := range map[string]struct{ in, want string }{
		"list":                  {`{"items":[1,2,3,4],"text":"a"}`, `{"items":[1,2],"text":"a"}`},
		"as many as there may":  {`{"items":[1,2]}`, `{"items":[1,2]}`},
		"map":                   {`{"labels":{"a":"1","b":"2","c":"3","d":"4"}}`, `{"labels":{"a":"1","b":"2","c":"3"}}`},
		"wanted names":          {`{"notes":{"a":"1","b":2,"my/a":"1","c":"3","my/b":"2","my\/c":"3","my/d":"4"}}`, `{"notes":{"a":"","b":2,"my/a":"1","my/b":"2","my\/c":"3"}}`},
		"text":                  {`{"text":"0123456789"}`, `{"text":"012345678"}`},
		"text of escapes":       {`{"text":"0\"\\\n345678901"}`, `{"text":"0\"\\\n34567"}`},
		"text of \\u":           {`{"text":"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"}`, `{"text":"\u00e9\u00e9\u00e9\u00e9\u00e9"}`},
		"text of surrogates":    {`{"text":"\ud83d\ude00\ud83d\ude00\ud83d\ude00"}`, `{"text":"\ud83d\ude00\ud83d\ude00\ud83d\ude00"}`},
		"more surrogates":       {`{"text":"\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00"}`, `{"text":"\ud83d\ude00\ud83d\ude00\ud83d\ude00"}`},
		"text of characters":    {`{"text":"ééééé"}`, `{"text":"ééééé"}`},
		"long as it is written": {`{"text":"\u0061\u0061"}`, `{"text":"\u0061\u0061"}`},
		"a type within itself":  {`{"again":{"x":[1,2,3,4]}}`, `{"again":{"x":[1,2,3,4]}}`},
		"what is dropped":       {`{"x":"0123456789","items":[]}`, `{"items":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := prune(p, nil, []byte(c.in))
			if err != nil || string(got) != c.want {
				t.Fatalf("got %s, %v; want %s", got, err, c.want)
			}
			again, err := prune(p, nil, got)
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("once more: %s, %v", again, err)
			}
		})
	}
}

// A list may keep some of its objects only, however many there are.
func TestOnly(t *testing.T) {
	type holder struct {
		Before int `json:"before"`
		Items  []struct {
			Name  string         `json:"name"`
			Value jsontext.Value `json:"value"`
			Sub   []struct {
				Name string `json:"name"`
			} `json:"sub"`
		} `json:"items"`
		After int `json:"after"`
	}
	shape := ShapeOf(reflect.TypeFor[holder]())
	shape.Limit(3)
	shape.Member("items").Only("name", "me")
	shape.Member("items", "sub").Only("name", "it")
	p := New(shape, Limits{})
	for name, c := range map[string]struct{ in, want string }{
		"none":                   {`{"items":[{"name":"a","value":1},{"value":1},{},null,"me",["me"],{"name":null}]}`, `{"items":[]}`},
		"one":                    {`{"items":[{"name":"a"},{"name":"me","value":1,"x":2},{"name":"b"}]}`, `{"items":[{"name":"me","value":1}]}`},
		"its name last":          {`{"items":[{"value":{"name":"me"},"name":"a"},{"value":{"name":"a"},"name":"me"}]}`, `{"items":[{"value":{"name":"a"},"name":"me"}]}`},
		"some":                   {`{"items":[{"name":"me"},{"name":"a"},{"name":"me","value":2}],"after":3}`, `{"items":[{"name":"me"},{"name":"me","value":2}],"after":3}`},
		"no more than there may": {`{"items":[{"name":"a"},` + strings.Repeat(`{"name":"me"},`, 5) + `{"name":"a"}],"after":3}`, `{"items":[{"name":"me"},{"name":"me"},{"name":"me"}],"after":3}`},
		"a list in an item":      {`{"items":[{"name":"me","sub":[{"name":"it"},{"name":"a"}]},{"sub":[{"name":"it"}],"name":"a"},{"sub":[{}],"name":"me"}]}`, `{"items":[{"name":"me","sub":[{"name":"it"}]},{"sub":[],"name":"me"}]}`},
		"null":                   {`{"items":null}`, `{"items":null}`},
		"an object":              {`{"items":{"name":"a"}}`, `{"items":{"name":"a"}}`},
	} {
		if got, err := prune(p, nil, []byte(c.in)); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, c.want)
		}
	}
	got, err := prune(p, nil, []byte(`{"items":[`+strings.Repeat(`{"name":"a","value":"`+strings.Repeat("x", 50)+`"},`, 100_000)+`{"name":"me"}]}`))
	if err != nil || string(got) != `{"items":[{"name":"me"}]}` {
		t.Errorf("many: %.100s, %v", got, err)
	}
}

// A name that is longer than a text may be is left out.
func TestLongName(t *testing.T) {
	p := New(limitedShape(), Limits{Text: 8})
	got, err := prune(p, nil, []byte(`{"labels":{"012345678":"1","01234567":"2"},"0123456789":1}`))
	if want := `{"labels":{"01234567":"2"}}`; !errors.Is(err, ErrTooLarge) || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// What is cut stays JSON, and the decoder's.
func TestTooLarge(t *testing.T) {
	p := New(limitedShape(), Limits{Kept: 100})
	for name, text := range map[string]string{
		"a long text":   `{"again":null,"text":"` + strings.Repeat("x", 200) + `","items":[1]}`,
		"a long number": `{"items":[` + strings.Repeat("1", 200) + `],"text":"a"}`,
		"a whole value": `{"again":[` + strings.Repeat("1,", 100) + `1]}`,
		"many items":    `{"labels":{"a":"` + strings.Repeat("x", 70) + `","b":"` + strings.Repeat("x", 10) + `","c":"1"},"items":[1,2]}`,
	} {
		got, err := prune(p, nil, []byte(text))
		var v map[string]any
		if !errors.Is(err, ErrTooLarge) || len(got) > 150 || json.Unmarshal(got, &v) != nil {
			t.Errorf("%s: %v, %d bytes: %s", name, err, len(got), got)
		}
	}
	if _, err := prune(p, nil, []byte(`{"text":"`+strings.Repeat("x", 200)+`"`)); err == nil || errors.Is(err, ErrTooLarge) {
		t.Errorf("cut off: %v", err)
	}
}

func TestMarks(t *testing.T) {
	inner := ShapeOf(reflect.TypeFor[limited]())
	p := New(inner.With("again", inner.Marked("again")).With("other", inner.Marked("other")), Limits{})
	text := []byte(`{"other": {"x":1} ,"again":{"items":[1]},"text":"a"}`)
	got, marks, err := p.PruneMarked(nil, text)
	if want := `{"other":{},"again":{"items":[1]},"text":"a"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	found := ""
	for _, m := range marks {
		found += m.Name + "=" + string(text[m.Start:m.End]) + " "
	}
	if want := `other={"x":1} again={"items":[1]} `; found != want {
		t.Errorf("marks %s, want %s", found, want)
	}
	if inner.Member("again", "items") != nil || inner.Member("text", "x", "y") != nil {
		t.Error("a member of what is kept whole")
	}
}

// Names that are there twice are found, however many there are, wherever they
// stand.
func TestNamesTwiceAmongMany(t *testing.T) {
	p := New(nil, Limits{})
	for _, n := range []int{1, fewNames - 1, fewNames, fewNames + 1, 3 * fewNames, 20_000} {
		for _, format := range []string{`"%d":0`, `"\u0061%d":{"a":1,"b":[{}]}`, `"` + strings.Repeat("x", 300) + `%06d` + strings.Repeat("x", 300) + `":0`} {
			if n == 20_000 && len(format) > 300 {
				continue
			}
			var all []string
			for i := range n {
				all = append(all, fmt.Sprintf(format, i))
			}
			text := `{"before":{` + strings.Join(all, ",") + `},"after":{` + strings.Join(all, ",") + `}}`
			if _, err := prune(p, nil, []byte(text)); err != nil {
				t.Fatalf("%d names: %v", n, err)
			}
			for _, i := range []int{0, n / 2, n - 1} {
				twice := fmt.Sprintf(format, i)
				_, err := prune(p, nil, []byte(`{"x":[{`+strings.Join(all, ",")+`,`+twice+`}]}`))
				if err == nil || !strings.Contains(err.Error(), "duplicate object member name") {
					t.Errorf("%d names, %d twice: %v", n, i, err)
				}
			}
		}
	}
}

// A text that is too large for jsontext to explain is told of all the same, and
// in few words.
func TestNamesTwiceInALargeText(t *testing.T) {
	name := strings.Repeat("n", maxExplained)
	_, err := prune(New(nil, Limits{}), nil, []byte(`{"`+name+`":1,"`+name+`":2}`))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || len(err.Error()) > 2*shown || !strings.Contains(err.Error(), `duplicate object member name "nnn`) {
		t.Errorf("%.300v", err)
	}
}

// Many objects with some names each take no more than their hashes.
func TestNamesOfNestedObjects(t *testing.T) {
	const deep = 500
	level := `{`
	for i := range fewNames - 2 {
		level += fmt.Sprintf(`"%d":0,`, i)
	}
	text := strings.Repeat(level+`"in":`, deep) + "0" + strings.Repeat("}", deep)
	if _, err := prune(New(nil, Limits{}), nil, []byte(text)); err != nil {
		t.Error(err)
	}
	text = strings.Repeat(level+`"in":`, deep) + `0,"1":0` + strings.Repeat("}", deep)
	if _, err := prune(New(nil, Limits{}), nil, []byte(text)); err == nil || !strings.Contains(err.Error(), `"1"`) {
		t.Errorf("a name twice at the bottom: %v", err)
	}
}

// Different names that have one hash are none twice.
func TestEqualHashes(t *testing.T) {
	p := &pruner{text: []byte(`{"a":1, "\u0062":{"c":[]},"c":"}"}`)}
	for _, name := range []string{"a", "b", "c", "d"} {
		set := p.newNames(0)
		p.addHash(&set, []byte(name), 1)
		if !p.unequal(0, p.hashes[0]) || p.problem != nil {
			t.Errorf("%s: %v", name, p.problem)
		}
		p.hashes = p.hashes[:0]
	}
	p = &pruner{text: []byte(`{"a":1,"b":2,"\u0061":3}`)}
	set := p.newNames(0)
	p.addHash(&set, []byte("a"), 1)
	if p.unequal(0, p.hashes[0]) || p.problem.Offset != 13 {
		t.Errorf("%v", p.problem)
	}
}
