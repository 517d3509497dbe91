package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
)

const listOfThree = `{"apiVersion":"v1","kind":"List","items":[{"kind":"Pod","metadata":{"name":"a","labels":{"app":"b"}},"spec":{"containers":[{"name":"c","n":1.50},{}]}},` +
	`{"kind":"Pod","metadata":{},"spec":null},{"kind":"Service","spec":{"ports":[80,"http"]}}]}`

func indented(t *testing.T, indent, newline string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(listOfThree), "", indent); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "\n", newline)
}

// Edited item by item, a list comes out as it does edited as a whole.
func TestItemsAsTheWhole(t *testing.T) {
	edited := 0
	for layout, text := range map[string]string{
		"one line":           listOfThree,
		"one line, ended":    listOfThree + "\n",
		"indented":           indented(t, "  ", "\n"),
		"indented, CRLF":     indented(t, "    ", "\r\n") + "\r\n",
		"tabs":               indented(t, "\t", "\n") + "\n\n",
		"blanks":             strings.NewReplacer(",", " , ", ":", " : ", "{}", "{ }").Replace(listOfThree),
		"a mark, a comment":  "\ufeff---\n" + listOfThree + "\n... # c\n",
		"an item a line":     strings.ReplaceAll(listOfThree, `{"kind":"`, "\n"+`{"kind":"`),
		"behind another one": "{}\n" + indented(t, " ", "\n"),
	} {
		for seed := range uint64(150) {
			random := rand.New(rand.NewPCG(seed, 11)) //nolint:gosec // reproducible, no secret
			byItems, asWhole := lastOf(t, text), lastOf(t, text)
			patch := patchOfItems(t, random, byItems.JSON())
			if err := asWhole.applyToTree(patch); err != nil {
				t.Fatalf("%s, seed %d: %v", layout, seed, err)
			}
			if !byItems.applyToItems(patch) {
				if byItems.Changed() {
					t.Fatalf("%s, seed %d: half edited: %s", layout, seed, byItems.Bytes())
				}
				continue // an item of which nothing stays
			}
			edited++
			for what, differ := range map[string]bool{
				"text":    !bytes.Equal(byItems.Bytes(), asWhole.Bytes()),
				"JSON":    !bytes.Equal(byItems.JSON(), asWhole.JSON()),
				"content": byItems.content.body != asWhole.content.body || byItems.content.end != asWhole.content.end || byItems.unended != asWhole.unended,
			} {
				if differ {
					t.Fatalf("%s, seed %d: another %s\n%s\nas a whole\n%s\n%+v, %+v", layout, seed, what, byItems.Bytes(), asWhole.Bytes(), byItems.content, asWhole.content)
				}
			}
		}
	}
	if edited < 1000 {
		t.Errorf("%d were edited item by item", edited)
	}
}

func lastOf(t *testing.T, text string) *Document {
	t.Helper()
	documents, err := Read("x.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for len(documents) > 1 && documents[len(documents)-1].Empty() {
		documents = documents[:len(documents)-1]
	}
	return documents[len(documents)-1]
}

// patchOfItems are operations that reach into some of the items, in any order.
func patchOfItems(t *testing.T, random *rand.Rand, document []byte) []jsonpatch.Operation {
	t.Helper()
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(document, &list); err != nil {
		t.Fatal(err)
	}
	var patch []jsonpatch.Operation
	for _, i := range random.Perm(len(list.Items))[:1+random.IntN(len(list.Items))] {
		for _, op := range randomPatch(t, random, list.Items[i]) {
			op.Path = fmt.Sprintf("/items/%d%s", i, op.Path)
			patch = append(patch, op)
		}
	}
	return patch
}

// What is not all in the items of one list is edited as a whole, and refused there.
func TestNotItems(t *testing.T) {
	set := func(path string) jsonpatch.Operation { return jsonpatch.NewOperation("add", path, "x") }
	for name, patch := range map[string][]jsonpatch.Operation{
		"an item itself":  {set("/items/0")},
		"beside the list": {set("/items/0/x"), set("/metadata/x/y")},
		"no such list":    {set("/others/0/x")},
		"no list":         {set("/kind/0/x")},
		"no such item":    {set("/items/0/x"), set("/items/3/x")},
		"no index":        {set("/items/00/x")},
		"no such parent":  {set("/items/0/x"), set("/items/1/spec/x/y")},
		"an escape":       {set("/it~1ems/0/x")},
		"no pointer":      {set("items/0/x/y")},
	} {
		d := lastOf(t, listOfThree)
		if d.applyToItems(patch) || d.Changed() {
			t.Errorf("%s: edited: %s", name, d.Bytes())
		}
	}
}

// BenchmarkItems changes each item of a List that stands on one line.
func BenchmarkItems(b *testing.B) {
	const items = 10_000
	text := []byte(`{"items":[` + strings.Repeat(`{"metadata":{"name":"a"},"spec":{"dnsPolicy":"ClusterFirst","containers":[{"name":"c"}]}},`, items) + "{}]}\n")
	var patch []jsonpatch.Operation
	for i := range items {
		patch = append(patch, jsonpatch.NewOperation("replace", fmt.Sprintf("/items/%d/spec/dnsPolicy", i), "ClusterFirstWithHostNet"))
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		documents, err := Read("x.json", text)
		if err != nil {
			b.Fatal(err)
		}
		if err := documents[0].Apply(patch); err != nil {
			b.Fatal(err)
		}
	}
}
