package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/netmode-io/netmode/pkg/manifest"
)

// corpus counts what became of files. The lists name files, for the table.
type corpus struct {
	program program
	flags   []string

	files, documents, same, changed int

	elsewhere, unstable, disagree []string
	// unread are files that kubectl cannot read, before netmode changes anything.
	unread []string
	// errors are messages by their first words.
	errors map[string][]string
}

func (c *corpus) file(name string, text []byte) {
	c.files++
	out, complaint := c.program(text, c.args("render")...)
	if complaint != "" {
		c.complain(name, complaint)
		return
	}
	if again, complaint := c.program(out, c.args("render")...); complaint != "" || !bytes.Equal(again, out) {
		c.unstable = append(c.unstable, name+" "+complaint)
	}
	before, err := manifest.Read(name, text)
	if err != nil {
		c.elsewhere = append(c.elsewhere, fmt.Sprintf("%s: rendered, but not read: %v", name, err))
		return
	}
	after, err := manifest.Read(name, out)
	if err != nil || len(after.Documents) != len(before.Documents) {
		c.elsewhere = append(c.elsewhere, fmt.Sprintf("%s: %d documents became others: %v", name, len(before.Documents), err))
		return
	}
	patches := c.patches(before, text)
	for i, d := range before.Documents {
		c.document(fmt.Sprintf("%s:%d", name, d.Line), d, after.Documents[i].Bytes(), after.Documents[i].JSON(), patches[i])
	}
	for i, side := range []struct {
		text []byte
		file *manifest.File
	}{{text, before}, {out, after}} {
		problem, err := readAlike(side.text, side.file)
		switch {
		case err != nil && i == 0:
			c.unread = append(c.unread, fmt.Sprintf("%s: %v", name, err))
			return
		case err != nil:
			problem = "kubectl reads what went in, and not what came out: " + err.Error()
		}
		if problem != "" {
			c.disagree = append(c.disagree, name+": "+problem)
			return
		}
	}
}

func (c *corpus) args(command ...string) []string {
	return append(append(command, "-f", "-"), c.flags...)
}

// patches are the operations that explain shows, by the document's place.
func (c *corpus) patches(f *manifest.File, text []byte) map[int][]json.RawMessage {
	var explained []struct {
		Line  int
		Patch []json.RawMessage
	}
	all := map[int][]json.RawMessage{}
	out, _ := c.program(text, c.args("explain", "-o", "json")...)
	if json.Unmarshal(out, &explained) != nil {
		return all
	}
	for _, e := range explained {
		i := len(f.Documents) - 1
		for i > 0 && f.Documents[i].Line > e.Line {
			i--
		}
		all[i] = append(all[i], e.Patch...)
	}
	return all
}

// document holds one document and what became of it against the patch.
func (c *corpus) document(where string, d *manifest.Document, after, afterJSON []byte, patch []json.RawMessage) {
	c.documents++
	if bytes.Equal(d.Bytes(), after) {
		c.same++
		return
	}
	c.changed++
	if problem := touched(d, after, afterJSON, patch); problem != "" {
		c.elsewhere = append(c.elsewhere, where+": "+problem)
	}
}

// touched says what a change did beside its patch: another value, a comment lost, or
// more lines written anew than the patch has operations.
func touched(d *manifest.Document, after, afterJSON []byte, operations []json.RawMessage) string {
	raw, err := json.Marshal(operations)
	if err != nil {
		return err.Error()
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		return err.Error()
	}
	want, err := patch.Apply(d.JSON())
	if err != nil {
		return err.Error()
	}
	if !jsonpatch.Equal(want, afterJSON) {
		return "another value"
	}
	lost := 0
	rest := strings.Split(string(after), "\n")
	for line := range strings.Lines(string(d.Bytes())) {
		line = strings.TrimSuffix(line, "\n")
		if i := slices.Index(rest, line); i >= 0 {
			rest = rest[i+1:]
			continue
		}
		lost++
		if strings.HasPrefix(strings.TrimSpace(line), "#") || lost > len(operations) || !adds(operations, line, after) {
			return fmt.Sprintf("line %q is gone", line)
		}
	}
	return ""
}

// adds says whether operations may write a line anew: one in flow style, one that got
// a comma, or any if they do more than add.
func adds(operations []json.RawMessage, line string, after []byte) bool {
	more := slices.ContainsFunc(operations, func(o json.RawMessage) bool { return !addition.Match(o) })
	return more || strings.ContainsAny(line, "{[") || bytes.Contains(after, []byte(strings.TrimRight(line, "\r")+","))
}

// readAlike reads as kubectl does, and says where the values are others. The error is
// kubectl's.
func readAlike(text []byte, f *manifest.File) (string, error) {
	var want []any
	for _, d := range f.Documents {
		if !d.Empty() {
			want = append(want, decoded(d.JSON()))
		}
	}
	var got []any
	for reader := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var extension runtime.RawExtension
		err := reader.Decode(&extension)
		if err == io.EOF { //nolint:errorlint // as kubectl compares it
			break
		}
		if err != nil {
			return "", err
		}
		if raw := bytes.TrimSpace(extension.Raw); len(raw) > 0 && string(raw) != "null" {
			got = append(got, decoded(raw))
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		return "kubectl reads other values (-kubectl +netmode):\n" + diff, nil
	}
	return "", nil
}

func decoded(raw []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}

var (
	addition = regexp.MustCompile(`"op": *"add"`)
	place    = regexp.MustCompile(`^\S+?:(\d+: )?\s*`)
	object   = regexp.MustCompile(`^[A-Z]\w+/\S*: `)
	values   = regexp.MustCompile(`"[^"]*"|'[^']*'|\d+`)
)

// words is how many of a message's first words name its kind.
const words = 7

// complain keeps a message with those that begin alike. Of several lines, as of
// refusals, the first error counts.
func (c *corpus) complain(name, complaint string) {
	line := complaint
	for l := range strings.Lines(complaint) {
		if strings.HasPrefix(l, "error: ") || strings.Contains(l, " refused: ") {
			line = l
			break
		}
	}
	line = strings.TrimSpace(line)
	kind := object.ReplaceAllString(place.ReplaceAllString(strings.TrimPrefix(line, "error: "), ""), "")
	kind = values.ReplaceAllString(kind, "…")
	if all := strings.Fields(kind); len(all) > words {
		kind = strings.Join(all[:words], " ")
	}
	c.errors[kind] = append(c.errors[kind], name+": "+line)
}

// print writes the table.
func (c *corpus) print(out io.Writer) {
	for _, row := range []struct {
		name  string
		count int
		named []string
	}{
		{"files", c.files, nil}, {"documents", c.documents, nil}, {"came out byte for byte", c.same, nil}, {"changed", c.changed, nil},
		{"changes that touched something else", len(c.elsewhere), c.elsewhere}, {"second render differs", len(c.unstable), c.unstable},
		{"reader disagrees", len(c.disagree), c.disagree}, {"not for kubectl to read", len(c.unread), c.unread},
	} {
		_, _ = fmt.Fprintf(out, "%-40s %d\n", row.name, row.count)
		for _, name := range row.named[:min(len(row.named), 10)] {
			_, _ = fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(strings.TrimSpace(name), "\n", "\n    "))
		}
	}
	kinds := slices.SortedFunc(maps.Keys(c.errors), func(a, b string) int {
		if d := len(c.errors[b]) - len(c.errors[a]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	failed := 0
	for _, kind := range kinds {
		failed += len(c.errors[kind])
	}
	_, _ = fmt.Fprintf(out, "%-40s %d\n", "files not rendered", failed)
	for _, kind := range kinds {
		_, _ = fmt.Fprintf(out, "%6d %s\n       %s\n", len(c.errors[kind]), kind, c.errors[kind][0])
	}
}
