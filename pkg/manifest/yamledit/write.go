package yamledit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	yamlv3 "go.yaml.in/yaml/v3"
)

// after returns what follows a key's colon or a dash: a value on the same line,
// or a block below. column is the key's or the dash's. Lines end in "\n".
func (s style) after(v *node, column int, item bool) string {
	switch {
	case v.kind == scalar:
		text, ok := v.value.(string)
		if !ok || s.noLiterals || !isLiteral(text) {
			return " " + s.scalar(v.value, false)
		}
		below := column + s.unit
		if item {
			below = column + s.item
		}
		return " " + literal(text, below)
	case len(v.entries) == 0:
		return " " + s.inFlow(v, "", false)
	case item:
		return strings.Repeat(" ", s.item-1) + s.block(v, column+s.item)
	}
	below := column + s.unit
	if v.kind == sequence {
		below = column + s.dash
	}
	return "\n" + strings.Repeat(" ", below) + s.block(v, below)
}

// block writes a collection at a column; its first line is not indented, its
// last one not ended.
func (s style) block(v *node, column int) string {
	var out []string
	for _, e := range v.entries {
		out = append(out, s.entry(v, e, column))
	}
	return strings.Join(out, "\n"+strings.Repeat(" ", column))
}

// entry writes one entry of a block collection at a column.
func (s style) entry(in *node, e *entry, column int) string {
	if in.kind == sequence {
		return "-" + s.after(e.value, column, true)
	}
	return s.scalar(e.key, false) + ":" + s.after(e.value, column, false)
}

// inFlow writes a value in flow style: over several lines if several, the
// entries one level deeper than indent.
func (s style) inFlow(v *node, indent string, several bool) string {
	if v.kind == scalar {
		return s.scalar(v.value, true)
	}
	open, closing := "{", "}"
	if v.kind == sequence {
		open, closing = "[", "]"
	}
	if len(v.entries) == 0 {
		return open + closing
	}
	var items []string
	for _, e := range v.entries {
		items = append(items, s.flowEntry(v, e, indent+s.indent, several))
	}
	if several {
		deeper := "\n" + indent + s.indent
		return open + deeper + strings.Join(items, ","+deeper) + "\n" + indent + closing
	}
	return open + strings.Join(items, ","+s.comma) + closing
}

func (s style) flowEntry(in *node, e *entry, indent string, several bool) string {
	value := s.inFlow(e.value, indent, several)
	if in.kind == sequence {
		return value
	}
	return s.scalar(e.key, true) + ":" + s.colon + value
}

// scalar writes a scalar in one line, quoted where a reader of YAML 1.1 or 1.2
// could take it for something else.
func (s style) scalar(v any, flow bool) string {
	text, ok := v.(string)
	if !ok || s.json {
		return jsonText(v)
	}
	switch {
	case isPlain(text) && !(flow && strings.ContainsAny(text, ":,")):
		return text
	case !isPrintable(text):
		return escaped(text)
	case strings.ContainsAny(text, `"\`):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		return `"` + text + `"`
	}
}

var (
	plainWord = regexp.MustCompile(`^(?:--?[A-Za-z]|[A-Za-z0-9_/.])[A-Za-z0-9_/.@%+=,;:()~^-]*( [A-Za-z0-9_/.@%+=,;:()~^-]+)*$`)
	base60    = regexp.MustCompile(`^[0-9]+(:[0-9]+)+`)
	oldBool   = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)
)

// isPlain says whether every reader takes the unquoted text for that string.
func isPlain(text string) bool {
	if !plainWord.MatchString(text) || strings.Contains(text, ": ") || strings.HasSuffix(text, ":") ||
		strings.Contains(text, "---") || strings.Contains(text, "...") || base60.MatchString(text) || oldBool.MatchString(text) {
		return false
	}
	if !strings.ContainsRune(mayBeTyped, rune(text[0])) {
		return true
	}
	var n yamlv3.Node
	if yamlv3.Unmarshal([]byte(text), &n) != nil || len(n.Content) != 1 || n.Content[0].ShortTag() != "!!str" {
		return false
	}
	asJSON, err := toJSON([]byte(text))
	var read string
	return err == nil && json.Unmarshal(asJSON, &read) == nil && read == text
}

// isPrintable says whether the text may stand between quotes as it is, on one line.
func isPrintable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) || r == '\uFEFF' {
			return false
		}
	}
	return true
}

// escaped writes a double-quoted scalar with escapes.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteRune('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case unicode.IsPrint(r) && r != '\uFEFF':
			out.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&out, `\U%08X`, r)
		default:
			fmt.Fprintf(&out, `\u%04X`, r)
		}
	}
	return `"` + out.String() + `"`
}

// isLiteral says whether a text of several lines can be a literal block scalar
// without an indentation mark.
func isLiteral(text string) bool {
	body := strings.TrimSuffix(text, "\n")
	if !strings.Contains(text, "\n") || body == "" || strings.HasSuffix(body, "\n") {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if !isPrintable(strings.ReplaceAll(line, "\t", " ")) || strings.TrimRight(line, " \t") != line {
			return false
		}
	}
	return !strings.ContainsAny(body[:1], " \t\n")
}

// literal writes a literal block scalar: its header, and its lines at a column.
func literal(text string, column int) string {
	body, broken := strings.CutSuffix(text, "\n")
	var out strings.Builder
	out.WriteString("|")
	if !broken {
		out.WriteString("-")
	}
	for line := range strings.SplitSeq(body, "\n") {
		out.WriteString("\n")
		if line != "" {
			out.WriteString(strings.Repeat(" ", column) + line)
		}
	}
	return out.String()
}
