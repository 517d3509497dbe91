package jsonprune

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
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

// keepText keeps the string between two indexes up to a little behind the bytes
// that are of interest, so that it still shows to be longer.
func (p *pruner) keepText(start, end int) {
	i, size := start+1, 0
	for size <= p.limits.Text && i < end-1 {
		switch c := p.text[i]; {
		case c != '\\':
			_, n := utf8.DecodeRune(p.text[i:])
			i, size = i+n, size+n
		case p.text[i+1] != 'u':
			i, size = i+2, size+1
		default:
			r, _ := unit(p.text[i:])
			n := 6
			if utf16.IsSurrogate(r) {
				n, r = 12, utf8.MaxRune
			}
			i, size = i+n, size+utf8.RuneLen(r)
		}
	}
	p.out = append(append(p.out, p.text[start:i]...), '"')
}
