package resolv

import (
	"bytes"
	"strings"
)

// File is what a resolv.conf says, as resolvers read it: a keyword begins its
// line, and the last search or domain line wins (resolv.conf(5)).
type File struct {
	Nameservers []string
	Searches    []string

	// searchLine is the index of the line that Searches come from, or -1.
	searchLine int
}

// Parse reads a resolv.conf. It accepts any bytes, as resolvers do: lines that
// it does not know are passed over.
func Parse(text []byte) File {
	f := File{searchLine: -1}
	index := 0
	for line := range bytes.Lines(text) {
		keyword, values := words(string(line))
		if len(values) > 0 {
			switch keyword {
			case "nameserver":
				f.Nameservers = append(f.Nameservers, values[0])
			case "search":
				f.Searches, f.searchLine = values, index
			case "domain":
				f.Searches, f.searchLine = values[:1], index
			}
		}
		index++
	}
	return f
}

// words splits a line into the keyword that begins it and the words behind it.
func words(line string) (keyword string, values []string) {
	blank := func(r rune) bool { return r == ' ' || r == '\t' }
	line = strings.TrimSuffix(line, "\n")
	end := strings.IndexFunc(line, blank)
	if end < 0 {
		return line, nil
	}
	return line[:end], strings.FieldsFunc(line[end:], blank)
}

// withSearches returns the text that the file was read from with another search list.
func (f File) withSearches(text []byte, searches []string) []byte {
	line := strings.Join(append([]string{"search"}, searches...), " ") + "\n"
	out := make([]byte, 0, len(text)+len(line)+1)
	index := 0
	for l := range bytes.Lines(text) {
		if index == f.searchLine {
			l = []byte(line)
		}
		out = append(out, l...)
		index++
	}
	if f.searchLine < 0 {
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
		out = append(out, line...)
	}
	return out
}
