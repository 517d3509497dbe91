package dnswait

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"
)

const testID = 0x1234

var (
	questionA    = Question{Name: "app-0.peers.default.svc.cluster.local", Type: dnsmessage.TypeA}
	questionAAAA = Question{Name: questionA.Name, Type: dnsmessage.TypeAAAA}
	compareAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
)

// reply is the answer to a question, without records.
func reply(q Question) *dnsmessage.Message {
	return &dnsmessage.Message{
		Header:    dnsmessage.Header{ID: testID, Response: true, Authoritative: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(q.Name + "."), Type: q.Type, Class: dnsmessage.ClassINET}},
	}
}

func addressRecord(name, address string) dnsmessage.Resource {
	header := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET, TTL: 5}
	addr := netip.MustParseAddr(address)
	if addr.Is4() {
		return dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}
	}
	return dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}
}

func aliasRecord(name, of string) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET},
		Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(of + ".")},
	}
}

func soaRecord(ttl, minimum, serial uint32) dnsmessage.Resource {
	zone := dnsmessage.MustNewName("cluster.local.")
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: zone, Class: dnsmessage.ClassINET, TTL: ttl},
		Body:   &dnsmessage.SOAResource{NS: zone, MBox: zone, Serial: serial, MinTTL: minimum},
	}
}

func packed(t testing.TB, m *dnsmessage.Message) []byte {
	t.Helper()
	message, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func addrs(values ...string) []netip.Addr {
	var all []netip.Addr
	for _, v := range values {
		all = append(all, netip.MustParseAddr(v))
	}
	return all
}

func TestParse(t *testing.T) {
	name := questionA.Name
	tests := map[string]struct {
		q      Question
		change func(*dnsmessage.Message)
		want   Answer
	}{
		"an address": {questionA, func(m *dnsmessage.Message) {
			m.Answers = []dnsmessage.Resource{addressRecord(name, "10.0.0.1")}
		}, Answer{Addresses: addrs("10.0.0.1")}},
		"one address twice": {questionA, func(m *dnsmessage.Message) {
			m.Answers = []dnsmessage.Resource{addressRecord(name, "10.0.0.2"), addressRecord(name, "10.0.0.1"), addressRecord(name, "10.0.0.2")}
		}, Answer{Addresses: addrs("10.0.0.1", "10.0.0.2")}},
		"the other family beside": {questionAAAA, func(m *dnsmessage.Message) {
			m.Answers = []dnsmessage.Resource{addressRecord(name, "10.0.0.2"), addressRecord(name, "fd00::1")}
		}, Answer{Addresses: addrs("fd00::1")}},
		"another case": {questionA, func(m *dnsmessage.Message) {
			m.Questions[0].Name = dnsmessage.MustNewName(strings.ToUpper(name) + ".")
			m.Answers = []dnsmessage.Resource{addressRecord(strings.ToUpper(name), "10.0.0.1")}
		}, Answer{Addresses: addrs("10.0.0.1")}},
		"aliases": {questionA, func(m *dnsmessage.Message) {
			m.Answers = []dnsmessage.Resource{aliasRecord(name, "b.example"), aliasRecord("b.example", "c.example"), addressRecord("c.example", "10.0.0.1")}
		}, Answer{Addresses: addrs("10.0.0.1")}},
		"an address of another name": {questionA, func(m *dnsmessage.Message) {
			m.Answers = []dnsmessage.Resource{addressRecord("other.example", "10.0.0.1")}
		}, Answer{}},
		"no such name": {questionA, func(m *dnsmessage.Message) {
			m.RCode, m.Authorities = dnsmessage.RCodeNameError, []dnsmessage.Resource{soaRecord(23, 30, 7)}
		}, Answer{Code: dnsmessage.RCodeNameError, Serial: 7, Keep: 23 * time.Second}},
		"no such name, with an address": {questionA, func(m *dnsmessage.Message) {
			m.RCode, m.Answers = dnsmessage.RCodeNameError, []dnsmessage.Resource{addressRecord(name, "10.0.0.1")}
		}, Answer{Code: dnsmessage.RCodeNameError}},
		"no addresses": {questionA, func(m *dnsmessage.Message) {
			m.Authorities = []dnsmessage.Resource{addressRecord("ns.example", "10.0.0.9"), soaRecord(300, 30, 7)}
		}, Answer{Serial: 7, Keep: 30 * time.Second}},
		"an error without the question": {questionA, func(m *dnsmessage.Message) {
			m.RCode, m.Questions = dnsmessage.RCodeNotImplemented, nil
		}, Answer{Code: dnsmessage.RCodeNotImplemented}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			m := reply(tt.q)
			tt.change(m)
			got, truncated, err := parse(packed(t, m), testID, tt.q)
			if diff := cmp.Diff(tt.want, got, compareAddrs, cmpopts.EquateEmpty()); diff != "" || truncated || err != nil {
				t.Errorf("truncated %v, error %v, differs (-want +got):\n%s", truncated, err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		change func(*dnsmessage.Message)
		want   string
	}{
		"another id":           {func(m *dnsmessage.Message) { m.ID++ }, "the answer is to another query"},
		"a query":              {func(m *dnsmessage.Message) { m.Response = false }, "the answer is to another query"},
		"another operation":    {func(m *dnsmessage.Message) { m.OpCode = 5 }, "the answer is to another query"},
		"another name":         {func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("b.example.") }, "the answer is to another question"},
		"another type":         {func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeTXT }, "the answer is to another question"},
		"another class":        {func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }, "the answer is to another question"},
		"no question":          {func(m *dnsmessage.Message) { m.Questions = nil }, "the answer is to another question"},
		"two questions":        {func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }, "the answer is to another question"},
		"an error, other name": {func(m *dnsmessage.Message) { m.RCode, m.Questions[0].Type = dnsmessage.RCodeRefused, 1000 }, "the answer is to another question"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			m := reply(questionA)
			m.Answers = []dnsmessage.Resource{addressRecord(questionA.Name, "10.0.0.1")}
			tt.change(m)
			got, _, err := parse(packed(t, m), testID, questionA)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %+v, error %v, want %s", got, err, tt.want)
			}
		})
	}
}

// A message that ends early is no answer, unless it says so itself: then what
// is there counts.
func TestParseCut(t *testing.T) {
	m := reply(questionA)
	m.Answers = []dnsmessage.Resource{addressRecord(questionA.Name, "10.0.0.1"), addressRecord(questionA.Name, "10.0.0.2")}
	for _, says := range []bool{false, true} {
		m.Truncated = says
		whole := packed(t, m)
		for length := range whole {
			got, truncated, err := parse(whole[:length], testID, questionA)
			if err == nil && (!says || !truncated || len(got.Addresses) > 1) {
				t.Errorf("%d of %d bytes, truncated %v: %+v, %v", length, len(whole), says, got, truncated)
			}
		}
		got, _, err := parse(whole[:len(whole)-1], testID, questionA)
		if says && (err != nil || len(got.Addresses) != 1) {
			t.Errorf("cut behind the first address: %+v, %v", got, err)
		}
	}
}

func TestPackRefuses(t *testing.T) {
	for _, name := range []string{strings.Repeat("a.", 130) + "a", strings.Repeat("a", 64) + ".example", "a..b"} {
		if _, err := (Question{Name: name}).pack(1); err == nil || !strings.HasSuffix(err.Error(), ": give a DNS name") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// FuzzParse: whatever comes, an answer has the addresses that were asked for and
// nothing else, each once, and no more than the message has room for.
func FuzzParse(f *testing.F) {
	m := reply(questionA)
	m.Answers = []dnsmessage.Resource{aliasRecord(questionA.Name, "b.example"), addressRecord("b.example", "10.0.0.1")}
	f.Add(packed(f, m), false)
	m.RCode, m.Answers, m.Authorities = dnsmessage.RCodeNameError, nil, []dnsmessage.Resource{soaRecord(30, 30, 1)}
	f.Add(packed(f, m), false)
	m = reply(questionAAAA)
	m.Truncated, m.Answers = true, []dnsmessage.Resource{addressRecord(questionA.Name, "fd00::1"), addressRecord(questionA.Name, "10.0.0.1")}
	f.Add(packed(f, m), true)
	f.Fuzz(func(t *testing.T, message []byte, v6 bool) {
		q := questionA
		if v6 {
			q = questionAAAA
		}
		got, truncated, err := parse(message, testID, q)
		if err != nil && (truncated || got.Addresses != nil) {
			t.Errorf("an answer in spite of an error: %+v", got)
		}
		if len(got.Addresses) > len(message)/14 || len(got.Addresses) > 0 && got.Code != dnsmessage.RCodeSuccess || got.Keep < 0 {
			t.Errorf("got %+v of %d bytes", got, len(message))
		}
		for i, a := range got.Addresses {
			if a.Is4() == v6 || i > 0 && !got.Addresses[i-1].Less(a) {
				t.Errorf("addresses %v", got.Addresses)
			}
		}
	})
}
