package dnswait

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Question is what a nameserver is asked, in class IN.
type Question struct {
	// Name is absolute, without the dot at its end.
	Name string
	Type dnsmessage.Type
	// CheckingDisabled is the header's CD bit. It changes no answer of an unsigned
	// zone; caches keep answers to both values apart.
	CheckingDisabled bool
}

// Answer is what a nameserver said.
type Answer struct {
	Code dnsmessage.RCode
	// Addresses are distinct, and of the question's type.
	Addresses []netip.Addr
	// Serial is the zone's, and Keep how long caches may keep an answer without
	// records. Both come from the SOA record beside such an answer, else are 0.
	Serial uint32
	Keep   time.Duration
	// Cut says why the answer is not the whole one, if it is not.
	Cut error
}

// The codes in the words of dig.
var codeNames = map[dnsmessage.RCode]string{
	dnsmessage.RCodeSuccess:        "NOERROR",
	dnsmessage.RCodeFormatError:    "FORMERR",
	dnsmessage.RCodeServerFailure:  "SERVFAIL",
	dnsmessage.RCodeNameError:      "NXDOMAIN",
	dnsmessage.RCodeNotImplemented: "NOTIMP",
	dnsmessage.RCodeRefused:        "REFUSED",
}

func codeName(code dnsmessage.RCode) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return fmt.Sprintf("error code %d", uint16(code))
}

// pack writes the query. Recursion is desired: a cache on the node has to ask on.
func (q Question) pack(id uint16) ([]byte, error) {
	name, err := dnsmessage.NewName(q.Name + ".")
	if err != nil {
		return nil, fmt.Errorf("%q: %w: give a DNS name", q.Name, err)
	}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true, CheckingDisabled: q.CheckingDisabled},
		Questions: []dnsmessage.Question{{Name: name, Type: q.Type, Class: dnsmessage.ClassINET}},
	}
	query, err := message.Pack()
	if err != nil {
		return nil, fmt.Errorf("%q: %w: give a DNS name", q.Name, err)
	}
	return query, nil
}

var (
	errOtherQuery    = errors.New("the answer is to another query")
	errOtherQuestion = errors.New("the answer is to another question")
)

// parse reads the answer to the question that was sent with the id. Its work
// is bounded by the message's length, which is at most 64 KiB. A truncated
// message counts as far as it goes.
func parse(message []byte, id uint16, q Question) (answer Answer, truncated bool, err error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return Answer{}, false, err
	}
	if header.ID != id || !header.Response || header.OpCode != 0 {
		return Answer{}, false, errOtherQuery
	}
	answer.Code = header.RCode
	if err := checkQuestion(&p, q, header.RCode); err != nil {
		return Answer{}, false, err
	}
	if header.RCode != dnsmessage.RCodeSuccess && header.RCode != dnsmessage.RCodeNameError {
		return answer, false, nil
	}
	err = answer.readAddresses(&p, q)
	if err == nil {
		err = answer.readSOA(&p)
	}
	if err != nil && !header.Truncated {
		return Answer{}, false, err
	}
	if header.RCode != dnsmessage.RCodeSuccess {
		answer.Addresses = nil
	}
	return answer, header.Truncated, nil
}

// checkQuestion: the question comes back with the answer. Servers may leave it
// out of an error.
func checkQuestion(p *dnsmessage.Parser, q Question, code dnsmessage.RCode) error {
	got, err := p.Question()
	if errors.Is(err, dnsmessage.ErrSectionDone) {
		if code == dnsmessage.RCodeSuccess || code == dnsmessage.RCodeNameError {
			return errOtherQuestion
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !strings.EqualFold(got.Name.String(), q.Name+".") || got.Type != q.Type || got.Class != dnsmessage.ClassINET {
		return errOtherQuestion
	}
	if _, err := p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return errOtherQuestion
	}
	return nil
}

// readAddresses takes the addresses of the question's name, and of those that
// it is an alias of. An alias stands before what it leads to.
func (a *Answer) readAddresses(p *dnsmessage.Parser, q Question) error {
	owners := map[string]bool{strings.ToLower(q.Name) + ".": true}
	seen := map[netip.Addr]bool{}
	defer func() { a.Addresses = slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare) }()
	for {
		header, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		owned := header.Class == dnsmessage.ClassINET && owners[strings.ToLower(header.Name.String())]
		switch {
		case owned && header.Type == dnsmessage.TypeCNAME:
			var alias dnsmessage.CNAMEResource
			if alias, err = p.CNAMEResource(); err == nil {
				owners[strings.ToLower(alias.CNAME.String())] = true
			}
		case owned && header.Type == q.Type && header.Type == dnsmessage.TypeA:
			var record dnsmessage.AResource
			if record, err = p.AResource(); err == nil {
				seen[netip.AddrFrom4(record.A)] = true
			}
		case owned && header.Type == q.Type && header.Type == dnsmessage.TypeAAAA:
			var record dnsmessage.AAAAResource
			if record, err = p.AAAAResource(); err == nil {
				seen[netip.AddrFrom16(record.AAAA)] = true
			}
		default:
			err = p.SkipAnswer()
		}
		if err != nil {
			return err
		}
	}
}

// readSOA takes what the SOA record of an answer without records tells. A cache
// counts the record's TTL down.
func (a *Answer) readSOA(p *dnsmessage.Parser) error {
	for {
		header, err := p.AuthorityHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Type != dnsmessage.TypeSOA || header.Class != dnsmessage.ClassINET {
			if err := p.SkipAuthority(); err != nil {
				return err
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			return err
		}
		a.Serial, a.Keep = soa.Serial, time.Duration(min(header.TTL, soa.MinTTL))*time.Second
	}
}
