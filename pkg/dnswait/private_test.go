package dnswait

import (
	"slices"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// No question comes twice before all have been asked, and all types are for
// private use.
func TestPolls(t *testing.T) {
	var p polls
	asked := map[Question]int{}
	var order []dnsmessage.Type
	for range 3 * 2 * privateTypes {
		q := p.next("a.example")
		if q.Name != "a.example" || q.Type < 65281 || q.Type > 65534 {
			t.Fatalf("asks %+v", q)
		}
		asked[q]++
		order = append(order, q.Type)
		if most := 1 + (len(order)-1)/(2*privateTypes); asked[q] > most {
			t.Fatalf("question %d is %+v, for the time number %d", len(order), q, asked[q])
		}
	}
	if len(asked) != 508 {
		t.Errorf("%d different questions, want 254 types with both CD bits", len(asked))
	}
	// Two pods do not follow one another through the types.
	var other polls
	var otherOrder []dnsmessage.Type
	for range len(order) {
		otherOrder = append(otherOrder, other.next("a.example").Type)
	}
	if slices.IsSorted(order) || slices.Equal(order, otherOrder) {
		t.Error("the order is not random")
	}
}
