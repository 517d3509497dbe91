package resolv

import (
	"errors"
	"slices"
	"strings"
)

// Domains go into a search list at two places.
type Domains struct {
	// First stand at its front.
	First []string
	// Then stand right behind Behind, so that no name in them hides one there; where that
	// is not listed, at the end.
	Behind string
	Then   []string
}

// behind parts the words of Domains. It is no domain of a cluster: those have dots.
const behind = "behind"

// Words are the domains as the arguments of netmode resolvconf, which ParseDomains reads.
func (d Domains) Words() []string {
	if len(d.Then) == 0 {
		return d.First
	}
	return slices.Concat(d.First, []string{behind, d.Behind}, d.Then)
}

// ParseDomains reads the words of Domains.
func ParseDomains(words []string) (Domains, error) {
	i := slices.Index(words, behind)
	if i < 0 {
		return Domains{First: words}, nil
	}
	if len(words) < i+3 {
		return Domains{}, errors.New(`"behind" without two domains: name the one that the others are to stand behind, and then the others`)
	}
	return Domains{First: words[:i], Behind: words[i+1], Then: words[i+2:]}, nil
}

// All are the domains that go in.
func (d Domains) All() []string { return slices.Concat(d.First, d.Then) }

// String tells a person where the domains are.
func (d Domains) String() string {
	var parts []string
	if len(d.First) > 0 {
		parts = append(parts, strings.Join(d.First, ", ")+" first")
	}
	if len(d.Then) > 0 {
		parts = append(parts, strings.Join(d.Then, ", ")+" behind "+d.Behind)
	}
	return strings.Join(parts, ", and ")
}

// in returns the search list with the domains where they belong, and nowhere else.
func (d Domains) in(searches []string) []string {
	others := slices.DeleteFunc(slices.Clone(searches), func(s string) bool { return slices.Contains(d.First, s) || slices.Contains(d.Then, s) })
	at := len(others)
	if i := slices.Index(others, d.Behind); i >= 0 {
		at = i + 1
	}
	return slices.Concat(d.First, others[:at], d.Then, others[at:])
}

// Put returns a resolv.conf with the domains in its search list where they belong,
// and nowhere else in it; entries are compared as whole words. Every other line
// stays byte for byte. changed is false when they are there already. A file
// without a search line gets one at its end; a domain line becomes a search line.
func (d Domains) Put(text []byte) (rewritten []byte, changed bool) {
	file := Parse(text)
	searches := d.in(file.Searches)
	if slices.Equal(searches, file.Searches) {
		return text, false
	}
	return file.withSearches(text, searches), true
}
