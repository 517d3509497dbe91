package dnswait

import (
	"crypto/rand"
	"encoding/binary"

	"golang.org/x/net/dns/dnsmessage"
)

// The query types for private use (RFC 6895). No name has records of them, so
// the answer tells whether the name is there, and nothing else.
const (
	firstPrivate = 65281
	lastPrivate  = 65534
	privateTypes = lastPrivate - firstPrivate + 1
)

// polls are the questions that ask whether a name is there. A cache keeps the
// answer no by name, type and CD bit: each question is another one, until all
// have been asked. They come in random order, so that pods which wait for the
// same name seldom meet each other's answers.
type polls struct{ left []uint16 }

func (p *polls) next(name string) Question {
	if len(p.left) == 0 {
		for i := range uint16(2 * privateTypes) {
			p.left = append(p.left, i)
		}
	}
	var random [2]byte
	_, _ = rand.Read(random[:]) // it never fails
	at, last := int(binary.BigEndian.Uint16(random[:]))%len(p.left), len(p.left)-1
	n := p.left[at]
	p.left[at] = p.left[last]
	p.left = p.left[:last]
	return Question{Name: name, Type: dnsmessage.Type(firstPrivate + n%privateTypes), CheckingDisabled: n >= privateTypes}
}
