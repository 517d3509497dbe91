package prune

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// plain holds the bytes that stand for themselves in a string.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// str goes over a string and tells whether it has an escape in it.
func (p *pruner) str(i int) (end int, escaped bool) {
	text := p.text
	for i++; i < len(text); i++ {
		if plain[text[i]] {
			continue
		}
		switch text[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			if i = p.escape(i); i < 0 {
				return -1, false
			}
			i--
		default:
			return p.fail(i, "a control character inside a string"), false
		}
	}
	return p.fail(i, "the text ends inside a string"), false
}

// escape goes over an escape. A surrogate must be half of a pair.
func (p *pruner) escape(i int) int {
	rest := p.text[i:]
	if len(rest) < 2 {
		return p.fail(i, "the text ends inside an escape")
	}
	if rest[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), rest[1]) < 0 {
			return p.fail(i, "no such escape")
		}
		return i + 2
	}
	r, ok := unit(rest)
	if !ok {
		return p.fail(i, "four hexadecimal digits must stand here")
	}
	if !utf16.IsSurrogate(r) {
		return i + 6
	}
	low, ok := unit(rest[6:])
	if !ok || utf16.DecodeRune(r, low) == '\uFFFD' {
		return p.fail(i, "half of a surrogate pair")
	}
	return i + 12
}

// unit reads \uXXXX.
func unit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		if c == '+' || c == '-' || c == '_' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// name is a member name without quotes and escapes.
type name struct {
	hash uint64
	text []byte
}

// nameSet finds names that an object has twice: by comparing hashes while they
// are few, by a map from there on. Its names are those of the pruner from first on.
type nameSet struct {
	first int
	many  map[string]bool
}

const fewNames = 256

// distinct adds the member name that stands quoted between two indexes to the
// set and returns it; not ok when the set has it already.
func (p *pruner) distinct(set *nameSet, start, end int, escaped bool) (text []byte, ok bool) {
	text = p.text[start+1 : end-1]
	if escaped {
		from := len(p.unescaped)
		var err error
		if p.unescaped, err = jsontext.AppendUnquote(p.unescaped, p.text[start:end]); err != nil {
			return nil, p.fail(start, err.Error()) > 0
		}
		text = p.unescaped[from:]
	}
	if set.many != nil {
		if set.many[string(text)] {
			return nil, p.twice(start, text)
		}
		set.many[string(text)] = true
		return text, true
	}
	h := hash(text)
	others := p.names[set.first:]
	for i := range others {
		if others[i].hash == h && bytes.Equal(others[i].text, text) {
			return nil, p.twice(start, text)
		}
	}
	p.names = append(p.names, name{h, text})
	if len(others) == fewNames {
		set.many = make(map[string]bool, 2*fewNames)
		for _, n := range p.names[set.first:] {
			set.many[string(n.text)] = true
		}
	}
	return text, true
}

// hash tells most different names apart by their length and their two ends.
func hash(text []byte) uint64 {
	n := len(text)
	if n >= 8 {
		return binary.LittleEndian.Uint64(text)*31 ^ binary.LittleEndian.Uint64(text[n-8:]) ^ uint64(n)<<56
	}
	if n >= 4 {
		return uint64(binary.LittleEndian.Uint32(text))<<24 ^ uint64(binary.LittleEndian.Uint32(text[n-4:])) ^ uint64(n)<<56
	}
	h := uint64(n)
	for _, c := range text {
		h = h<<8 | uint64(c)
	}
	return h
}

func (p *pruner) twice(i int, text []byte) bool {
	return p.fail(i, "duplicate name "+strconv.Quote(string(text))) > 0
}
