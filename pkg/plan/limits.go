package plan

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/netmode-io/netmode/pkg/api"
)

// MaxFindings is how many findings a plan tells of. One more says how many
// others there are.
const MaxFindings = 50

// The most bytes that texts take in JSON.
const (
	maxValue  = 512
	maxField  = 1 << 10
	maxText   = 2 << 10
	maxDenial = 7 << 10
	// maxQuoted is the most bytes that a byte takes in JSON: \u0000.
	maxQuoted = 6
)

// room is how many findings a plan may tell of when one of the verdict comes: a
// flood of mild ones leaves room for what is stricter.
func room(v Verdict) int {
	switch v {
	case Refused:
		return MaxFindings
	case Warned, Audited:
		return MaxFindings - 5
	default:
		return MaxFindings - 10
	}
}

// strictness orders the verdicts.
func strictness(v Verdict) int {
	return slices.Index([]Verdict{Passed, Kept, Changed, Audited, Warned, Refused}, v)
}

// untold are the findings that a plan has no room for.
type untold struct {
	count int
	// at is the index in the trace of the finding that says how many there are.
	at int
	// reasons are their reasons, each once a verdict: a closed list, and so short.
	reasons []untoldReason
}

type untoldReason struct {
	verdict Verdict
	reason  Reason
}

// told is how many findings the plan tells of.
func (p *Plan) told() int {
	if p.untold.count > 0 {
		return len(p.Trace) - 1
	}
	return len(p.Trace)
}

// Found is how many findings there are, told or not. A rule found something if
// it grew.
func (p *Plan) Found() int { return p.told() + p.untold.count }

// Counted counts a finding that the plan has no room for, and reports whether
// it had none: its text need not be made then. Its verdict and its reason hold.
func (p *Plan) Counted(verdict Verdict, reason Reason) bool {
	if p.told() < room(verdict) {
		return false
	}
	p.count(verdict, reason, 1)
	return true
}

func (p *Plan) count(verdict Verdict, reason Reason, n int) {
	u := &p.untold
	if u.count == 0 {
		u.at = len(p.Trace)
		p.Trace = append(p.Trace, Finding{Rule: "findings", Verdict: verdict, Reason: FindingsCut})
	}
	u.count += n
	f := &p.Trace[u.at]
	if strictness(verdict) > strictness(f.Verdict) {
		f.Verdict = verdict
	}
	f.Detail = strconv.Itoa(u.count) + " more findings are not told"
	p.remember(untoldReason{verdict, reason})
}

func (p *Plan) remember(u untoldReason) {
	if !slices.Contains(p.untold.reasons, u) {
		p.untold.reasons = append(p.untold.reasons, u)
	}
}

// Adopt records the findings of another plan, each moved to its place in this
// plan's object.
func (p *Plan) Adopt(other *Plan, move func(Finding) Finding) {
	for i, f := range other.Trace {
		switch {
		case other.untold.count > 0 && i == other.untold.at:
			p.count(f.Verdict, f.Reason, other.untold.count)
		case f.Verdict == Passed && p.told() >= room(Passed):
		case !p.Counted(f.Verdict, f.Reason):
			f = move(f)
			f.Field = Clip(f.Field, maxField)
			p.Trace = append(p.Trace, f)
		}
	}
	for _, u := range other.untold.reasons {
		p.remember(u)
	}
}

// Shown is a key or a value of the author's as a text shows it: clipped.
func Shown(s string) string { return Clip(s, maxValue) }

// Clip cuts a text that takes more than most bytes in JSON, between two
// characters, and says how long it was.
func Clip(s string, most int) string {
	if len(s) <= most/maxQuoted {
		return s
	}
	size := 0
	for i, r := range s {
		if size += quoted(r); size > most {
			length := strconv.Itoa(len(s))
			if len(s) > api.MaxText {
				length = "more than " + strconv.Itoa(api.MaxText) // what is decoded is cut behind that
			}
			return s[:i] + "... (" + length + " bytes in all)"
		}
	}
	return s
}

// Quoted is how many bytes the text takes in JSON, without its quotes.
func Quoted(s string) int {
	size := 0
	for _, r := range s {
		size += quoted(r)
	}
	return size
}

func quoted(r rune) int {
	switch {
	case r < ' ':
		return maxQuoted
	case r == '"' || r == '\\':
		return 2
	default:
		return utf8.RuneLen(r)
	}
}

// List joins the words with blanks, as many as have room, and says how many
// there are beside them.
func List(words []string, separator string) string {
	var text []byte
	for i, word := range words {
		if len(text)+len(word) > maxText/2 && i > 0 {
			return string(text) + " and " + strconv.Itoa(len(words)-i) + " more"
		}
		if i > 0 {
			text = append(text, separator...)
		}
		text = append(text, Clip(word, maxText)...)
	}
	return string(text)
}
