package server

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUIDOf(t *testing.T) {
	const whole = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":{"kind":"Pod"},"object":{`
	for name, tt := range map[string]struct{ body, want string }{
		"an API server's":        {whole, "u-1"},
		"cut behind the uid":     {`{"request":{"uid":"u"`, "u"},
		"cut within the uid":     {`{"request":{"uid":"u`, ""},
		"behind other members":   {`{"a":[1,{"request":{"uid":"x"}}],"request":{"kind":{"uid":"y"},"uid":"u"}}`, "u"},
		"the response's":         {`{"response":{"uid":"x"}}`, ""},
		"the object's":           {`{"request":{"object":{"metadata":{"uid":"x"}}}}`, ""},
		"not within 4 kB":        {`{"request":{"a":"` + strings.Repeat("a", uidWithin) + `","uid":"u"}}`, ""},
		"just within 4 kB":       {strings.Repeat(" ", uidWithin-len(`{"request":{"uid":"u"`)) + `{"request":{"uid":"u"}}`, "u"},
		"just not within 4 kB":   {strings.Repeat(" ", uidWithin-len(`{"request":{"uid":"u"`)+1) + `{"request":{"uid":"u"}}`, ""},
		"escaped":                {`{"request":{"uid":"\u0061\"\n"}}`, "a\"\n"},
		"256 bytes":              {`{"request":{"uid":"` + strings.Repeat("u", 256) + `"}}`, strings.Repeat("u", 256)},
		"257 bytes":              {`{"request":{"uid":"` + strings.Repeat("u", 257) + `"}}`, ""},
		"a number":               {`{"request":{"uid":5}}`, ""},
		"null":                   {`{"request":{"uid":null}}`, ""},
		"empty":                  {`{"request":{"uid":""}}`, ""},
		"a list":                 {`[{"request":{"uid":"u"}}]`, ""},
		"request is no object":   {`{"request":"uid"}`, ""},
		"no JSON":                {`request: {uid: u}`, ""},
		"nothing":                {``, ""},
		"garbage behind":         {`{"request":{"uid":"u"}}}}}`, "u"},
		"duplicates before":      {`{"a":1,"a":2,"request":{"a":1,"a":1,"uid":"u"}}`, "u"},
		"invalid UTF-8 before":   {"{\"a\":\"\xff\",\"request\":{\"uid\":\"u\"}}", "u"},
		"invalid UTF-8 in it":    {"{\"request\":{\"uid\":\"\xff\"}}", "\uFFFD"},
		"a thousand levels deep": {`{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,"request":{"uid":"u"}}`, "u"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := uidOf([]byte(tt.body)); got != tt.want {
				t.Errorf("have %q, want %q", got, tt.want)
			}
		})
	}
}

// What is found is what a whole parser finds, and fits an answer.
func FuzzUIDOf(f *testing.F) {
	for _, seed := range []string{`{"request":{"uid":"u"}}`, `{"request":{"uid":"u`, `{"a":{},"request":{"b":[],"uid":"\ud800"}}`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		uid := uidOf(body)
		if len(uid) > maxUID || !utf8.ValidString(uid) {
			t.Errorf("uid %q", uid)
		}
		var review struct{ Request struct{ UID *string } }
		if len(body) <= uidWithin && json.Unmarshal(body, &review) == nil && uid != "" && review.Request.UID == nil {
			t.Errorf("found %q where encoding/json finds none in %q", uid, body)
		}
	})
}
