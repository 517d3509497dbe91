package resolv_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/resolv"
)

// twoPlaces stand first, and behind the namespace's own searches.
var twoPlaces = resolv.Domains{First: []string{"a.ns.svc", "b.ns.svc"}, Behind: "ns.svc", Then: []string{"c.data.svc", "d.data.svc"}}

func TestPutAtTwoPlaces(t *testing.T) {
	none := resolv.Domains{Behind: "ns.svc", Then: []string{"c.data.svc"}}
	for _, tt := range []struct {
		name        string
		domains     resolv.Domains
		search, put string
	}{
		{"a pod's", twoPlaces, "ns.svc svc", "a.ns.svc b.ns.svc ns.svc c.data.svc d.data.svc svc"},
		{"some are there", twoPlaces, "b.ns.svc ns.svc svc d.data.svc", "a.ns.svc b.ns.svc ns.svc c.data.svc d.data.svc svc"},
		{"in another order", twoPlaces, "d.data.svc c.data.svc ns.svc svc b.ns.svc a.ns.svc", "a.ns.svc b.ns.svc ns.svc c.data.svc d.data.svc svc"},
		{"the namespace's is not listed", twoPlaces, "x svc", "a.ns.svc b.ns.svc x svc c.data.svc d.data.svc"},
		{"the namespace's twice", twoPlaces, "ns.svc svc ns.svc", "a.ns.svc b.ns.svc ns.svc c.data.svc d.data.svc svc ns.svc"},
		{"nothing else is listed", twoPlaces, "c.data.svc", "a.ns.svc b.ns.svc c.data.svc d.data.svc"},
		{"none first", none, "ns.svc svc", "ns.svc c.data.svc svc"},
		{"none first, and the namespace's is not listed", none, "svc", "svc c.data.svc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, changed := tt.domains.Put([]byte("search " + tt.search + "\n"))
			if want := "search " + tt.put + "\n"; string(got) != want || !changed {
				t.Errorf("got  %q, changed %t\nwant %q", got, changed, want)
			}
			if again, changed := tt.domains.Put(got); changed || !bytes.Equal(again, got) {
				t.Errorf("a second call made %q", again)
			}
		})
	}
}

func TestDomainsAreWords(t *testing.T) {
	for _, tt := range []struct {
		domains resolv.Domains
		words   string
		said    string
	}{
		{resolv.Domains{First: []string{"a.b"}}, "a.b", "a.b first"},
		{resolv.Domains{First: []string{"a.b", "c.d"}}, "a.b c.d", "a.b, c.d first"},
		{twoPlaces, "a.ns.svc b.ns.svc behind ns.svc c.data.svc d.data.svc", "a.ns.svc, b.ns.svc first, and c.data.svc, d.data.svc behind ns.svc"},
		{resolv.Domains{First: []string{}, Behind: "a.b", Then: []string{"c.d"}}, "behind a.b c.d", "c.d behind a.b"},
	} {
		if got := strings.Join(tt.domains.Words(), " "); got != tt.words {
			t.Errorf("got  %s\nwant %s", got, tt.words)
		}
		parsed, err := resolv.ParseDomains(strings.Fields(tt.words))
		if diff := cmp.Diff(tt.domains, parsed); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.words, err, diff)
		}
		if got := tt.domains.String(); got != tt.said {
			t.Errorf("said %s, want %s", got, tt.said)
		}
	}
	for _, words := range []string{"behind", "a.b behind", "a.b behind c.d", "behind c.d"} {
		if _, err := resolv.ParseDomains(strings.Fields(words)); err == nil || !strings.Contains(err.Error(), "name the one that the others are to stand behind, and then the others") {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// FuzzDomains: whatever is listed and put, the domains are in their places and
// nowhere else, the others stay in their order, and a second call changes nothing.
func FuzzDomains(f *testing.F) {
	f.Add("a.ns.svc b.ns.svc", "ns.svc", "c.data.svc", "ns.svc svc c.data.svc")
	f.Add("", "ns.svc", "c.data.svc", "")
	f.Fuzz(func(t *testing.T, first, behind, then, search string) {
		words := func(s string) []string { return slices.Compact(slices.Sorted(slices.Values(strings.Fields(s)))) }
		d := resolv.Domains{First: words(first), Behind: behind}
		d.Then = slices.DeleteFunc(words(then), func(s string) bool { return slices.Contains(d.First, s) })
		text := []byte("search " + search + "\n")
		before := resolv.Parse(text).Searches
		put, _ := d.Put(text)
		after := resolv.Parse(put).Searches
		if again, changed := d.Put(put); changed {
			t.Errorf("%q became %q, and then %q", text, put, again)
		}
		ours := func(s string) bool { return slices.Contains(d.All(), s) }
		others := slices.DeleteFunc(slices.Clone(before), ours)
		if !slices.Equal(slices.DeleteFunc(slices.Clone(after), ours), others) {
			t.Errorf("%q became %q", before, after)
		}
		at := len(d.First) + 1 + slices.Index(others, behind)
		if !slices.Contains(others, behind) {
			at = len(d.First) + len(others)
		}
		if len(after) != len(others)+len(d.First)+len(d.Then) || !slices.Equal(after[:len(d.First)], d.First) || !slices.Equal(after[at:at+len(d.Then)], d.Then) {
			t.Errorf("%v in %q is %q", d, before, after)
		}
	})
}
