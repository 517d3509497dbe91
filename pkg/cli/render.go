package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"

	"github.com/netmode-io/netmode/pkg/manifest"
)

func newRender(streams *Streams) *cobra.Command {
	in := newInputs()
	output := "yaml"
	cmd := &cobra.Command{
		Use:   "render -f FILE|FOLDER|-",
		Short: "Show manifests as the cluster would hold them",
		Long: `render reads manifests and writes them as the cluster would hold them: Pods and
Services patched, and the pod templates of Deployments, StatefulSets,
DaemonSets, ReplicaSets, Jobs and CronJobs with what their pods would get. The
annotations of these workloads, but a ReplicaSet's, go to their pod templates.
Documents that netmode leaves alone come out byte for byte; in the others your
comments and your order stay. What is asked where nobody reads it, as in an
annotation of a Namespace or of a kind that netmode does not handle, is told.

Warnings and refusals go to standard error. When something is refused, nothing
is written but a diff, and the exit code is 1.`,
		Example: `  netmode render -f app.yaml | kubectl apply -f -
  netmode render -f deploy/ -o diff`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := renderers()[output]
			if !ok {
				return fmt.Errorf("-o %q: use yaml, json or diff", output)
			}
			files, all, err := in.read(cmd.Context(), streams)
			if err != nil {
				return err
			}
			refused := reportFindings(streams, all)
			if err := applyAll(all); err != nil {
				return err
			}
			if refused == 0 || output == "diff" {
				if err := write(streams, files); err != nil {
					return fmt.Errorf("writing the result: %w", err)
				}
			}
			if refused > 0 {
				_, _ = fmt.Fprintf(streams.Err, "%s refused; the cluster would not create what they ask for\n", count(refused, "object"))
				return errRefused
			}
			return nil
		},
	}
	in.addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", output, "yaml (the stream), json, or diff (what changes)")
	return cmd
}

func renderers() map[string]func(*Streams, []*manifest.File) error {
	return map[string]func(*Streams, []*manifest.File) error{"yaml": renderYAML, "json": renderJSON, "diff": renderDiff}
}

// renderYAML writes the streams one behind the other.
func renderYAML(streams *Streams, files []*manifest.File) error {
	var out bytes.Buffer
	for i, file := range files {
		text := file.Bytes()
		if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
			out.WriteByte('\n')
		}
		if i > 0 {
			text = bytes.TrimPrefix(text, []byte("\ufeff")) // a mark may only begin the whole
			out.WriteString(separator(text))
		}
		out.Write(text)
	}
	_, err := streams.Out.Write(out.Bytes())
	return err
}

// separator is the line to write between a stream and the one behind it, which
// may bring its own. Before a directive the document has to be ended.
func separator(behind []byte) string {
	for line := range bytes.Lines(behind) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
		case line[0] == '%':
			return "...\n"
		case bytes.HasPrefix(line, []byte("---")):
			return ""
		default:
			return "---\n"
		}
	}
	return "---\n"
}

// renderJSON writes every document as indented JSON.
func renderJSON(streams *Streams, files []*manifest.File) error {
	for _, file := range files {
		for _, document := range file.Documents {
			if document.Empty() {
				continue
			}
			value := jsontext.Value(document.JSON())
			if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(streams.Out, "%s\n", value); err != nil {
				return err
			}
		}
	}
	return nil
}

// renderDiff writes a unified diff per file that changes.
func renderDiff(streams *Streams, files []*manifest.File) error {
	for _, file := range files {
		var before bytes.Buffer
		for _, document := range file.Documents {
			before.Write(document.Original())
		}
		if err := writeDiff(streams, file.Name, file.Name+" (rendered)", before.String(), string(file.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// diffContext is how many lines stand around a change.
const diffContext = 3

// writeDiff writes a unified diff; nothing where the texts are equal. Empty
// names leave out the two lines that name the files.
func writeDiff(streams *Streams, beforeName, afterName, before, after string) error {
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: diffLines(before), B: diffLines(after), FromFile: beforeName, ToFile: afterName, Context: diffContext,
	})
	if err != nil {
		return err
	}
	colors := streams.outPalette()
	header := beforeName != ""
	for line := range strings.Lines(diff) {
		text := strings.TrimSuffix(line, "\n")
		switch {
		case header && (strings.HasPrefix(text, "--- ") || strings.HasPrefix(text, "+++ ")):
			header = text[0] == '-'
			text = colors.bold(text)
		case strings.HasPrefix(text, "@@"):
			text = colors.cyan(text)
		case strings.HasPrefix(text, "+"):
			text = colors.green(text)
		case strings.HasPrefix(text, "-"):
			text = colors.red(text)
		}
		if _, err := fmt.Fprintln(streams.Out, text); err != nil {
			return err
		}
	}
	return nil
}

// diffLines splits a text into lines as diff(1) shows them.
func diffLines(text string) []string {
	lines := slices.Collect(strings.Lines(text))
	if last := len(lines) - 1; last >= 0 && !strings.HasSuffix(lines[last], "\n") {
		lines[last] += "\n\\ No newline at end of file\n"
	}
	return lines
}

// count writes a number with its noun: "1 object", "2 objects".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
