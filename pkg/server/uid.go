package server

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// uidWithin is how much of a body is looked at for its uid. API servers write
	// it among the first 200 bytes.
	uidWithin = 4 << 10
	// maxUID is the longest text that is taken for a uid; real ones have 36.
	maxUID = 256
)

// uidOf finds request.uid in the first bytes of an AdmissionReview, whatever
// stands behind it. It returns "" if there is none.
func uidOf(beginning []byte) string {
	beginning = beginning[:min(len(beginning), uidWithin)]
	d := jsontext.NewDecoder(bytes.NewReader(beginning), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for _, name := range []string{"request", "uid"} {
		if !enter(d, name) {
			return ""
		}
	}
	token, err := d.ReadToken()
	if err != nil || token.Kind() != '"' {
		return ""
	}
	uid := token.String()
	if len(uid) > maxUID || !utf8.ValidString(uid) {
		return ""
	}
	return uid
}

// enter opens an object and stops before the value of the member.
func enter(d *jsontext.Decoder, name string) bool {
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return false
	}
	for {
		token, err := d.ReadToken()
		switch {
		case err != nil || token.Kind() != '"':
			return false
		case token.String() == name:
			return true
		case d.SkipValue() != nil:
			return false
		}
	}
}
