package jsonprune

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// name is a member name without quotes and escapes.
type name struct {
	hash uint64
	text []byte
}

// nameSet finds names that an object has twice. While they are few they are
// compared with each other; of many only hashes are kept, which are sorted at
// the object's end. Its names are those of the pruner from first on.
type nameSet struct {
	// start is the index at which the object begins.
	start                       int
	first, firstHash, unescaped int
	many                        bool
}

const (
	// fewNames is how many names are compared with each other.
	fewNames = 64
	// fewCompared is how many bytes are: what only looks different to a look at its ends.
	fewCompared = 64 << 10
)

// seed makes hashes that nobody can foresee.
var seed = maphash.MakeSeed()

func (p *pruner) newNames(start int) nameSet {
	return nameSet{start: start, first: len(p.names), firstHash: len(p.hashes), unescaped: len(p.unescaped)}
}

// endNames takes the set's names away; it is false when one stood there twice.
func (p *pruner) endNames(set *nameSet) bool {
	p.names, p.unescaped = p.names[:set.first], p.unescaped[:set.unescaped]
	if !set.many {
		return true
	}
	hashes := p.hashes[set.firstHash:]
	p.hashes = p.hashes[:set.firstHash]
	twice, found := equalHash(hashes)
	return !found || p.unequal(set.start, twice)
}

// distinct adds the member name that stands quoted between two indexes to the
// set and returns it; not ok when the set is seen to have it already.
func (p *pruner) distinct(set *nameSet, start, end int, escaped bool) (text []byte, ok bool) {
	from := len(p.unescaped)
	if text = p.name(start, end, escaped); text == nil {
		return nil, false
	}
	if set.many {
		p.addHash(set, text, start)
		p.unescaped = p.unescaped[:from]
		return text, true
	}
	h := hash(text)
	others := p.names[set.first:]
	for i := range others {
		if others[i].hash != h {
			continue
		}
		if p.compared += len(text); bytes.Equal(others[i].text, text) {
			return nil, p.twice(start, text)
		}
	}
	p.names = append(p.names, name{h, text})
	if len(others) == fewNames || len(p.names) >= keepNames || p.compared > fewCompared {
		set.many = true
		for _, n := range p.names[set.first:] {
			p.addHash(set, n.text, start)
		}
		p.names = p.names[:set.first]
	}
	return text, true
}

// name returns the member name that stands quoted between two indexes; nil
// where it is none.
func (p *pruner) name(start, end int, escaped bool) []byte {
	if !escaped {
		return p.text[start+1 : end-1 : end-1]
	}
	from := len(p.unescaped)
	var err error
	if p.unescaped, err = jsontext.AppendUnquote(p.unescaped, p.text[start:end]); err != nil {
		p.fail(start, err.Error())
		return nil
	}
	return p.unescaped[from:len(p.unescaped):len(p.unescaped)]
}

// addHash adds the hash of a name that stands at an index. Room is made for as
// many as the rest of the text would have.
func (p *pruner) addHash(set *nameSet, text []byte, at int) {
	if n := len(p.hashes); n == cap(p.hashes) {
		each := max((at-set.start)/(n-set.firstHash+1), len(`"":0,`))
		p.hashes = slices.Grow(p.hashes, max((len(p.text)-at)/each, n/2, 2*fewNames))
	}
	p.hashes = append(p.hashes, maphash.Bytes(seed, text))
}

// equalHash finds a hash that is there twice. It sorts the hashes.
func equalHash(hashes []uint64) (twice uint64, found bool) {
	sortHashes(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			return hashes[i], true
		}
	}
	return 0, false
}

// sortHashes sorts by the first bits, which divide hashes evenly, and each part
// then by the rest: in half the time that it takes to sort millions at once.
func sortHashes(hashes []uint64) {
	const bits, parts = 10, 1 << 10
	if len(hashes) < 4*parts {
		slices.Sort(hashes)
		return
	}
	var next, end [parts]int
	for _, h := range hashes {
		end[h>>(64-bits)]++
	}
	for i, sum := 0, 0; i < parts; i++ {
		next[i] = sum
		sum += end[i]
		end[i] = sum
	}
	start := 0
	for i := range parts {
		for next[i] < end[i] {
			h := hashes[next[i]]
			for part := h >> (64 - bits); part != uint64(i); part = h >> (64 - bits) {
				h, hashes[next[part]] = hashes[next[part]], h
				next[part]++
			}
			hashes[next[i]] = h
			next[i]++
		}
		slices.Sort(hashes[start:end[i]])
		start = end[i]
	}
}

// unequal looks through the object at an index, which is well-formed, for
// different names of one hash. It is false when they are equal.
func (p *pruner) unequal(start int, h uint64) bool {
	var alike [][]byte
	for i := p.space(start + 1); p.text[i] != '}'; {
		end, escaped := p.str(i)
		text := p.name(i, end, escaped)
		if maphash.Bytes(seed, text) == h {
			if slices.ContainsFunc(alike, func(other []byte) bool { return bytes.Equal(other, text) }) {
				return p.twice(i, text)
			}
			alike = append(alike, bytes.Clone(text))
		}
		i = p.value(p.space(p.space(end)+1), nil, false)
		i, _ = p.separator(i, '}')
	}
	return true
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

// shown is how much of a name an error shows.
const shown = 256

func (p *pruner) twice(i int, text []byte) bool {
	return p.fail(i, "duplicate object member name "+strconv.Quote(string(text[:min(len(text), shown)]))) > 0
}
