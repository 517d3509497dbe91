package plan_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/plan"
)

var update = flag.Bool("update", false, "write docs/reasons.md anew")

const reasonsFile = "../../docs/reasons.md"

// markdown makes plain text safe for a cell of a Markdown table.
var markdown = strings.NewReplacer(
	`\`, `\\`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`, `<`, `\<`, `>`, `\>`, `[`, `\[`, `]`, `\]`)

func reasonsPage() string {
	var page strings.Builder
	page.WriteString(`# Reasons

netmode gives a reason for everything that it does, warns of or refuses. The same word stands in
denials, warnings, audit annotations, the annotation netmode.io/status, logs, metrics and the
output of the command line. Where the last column is empty, there is nothing to do, or the message
itself says what.

This page is made from the table in pkg/plan/reasons_table.go. To renew it:
` + "`go test ./pkg/plan -update`" + `

| Reason | What it means | What to do |
|---|---|---|
`)
	for _, doc := range plan.Reasons() {
		page.WriteString("| " + string(doc.Reason) + " | " + markdown.Replace(doc.Sentence) + " | " + markdown.Replace(doc.Cure) + " |\n")
	}
	return page.String()
}

func TestReasonsPage(t *testing.T) {
	want := reasonsPage()
	if *update {
		if err := os.WriteFile(reasonsFile, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reasonsFile)
	if err != nil {
		t.Fatalf("%v: run go test ./pkg/plan -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/reasons.md is not what the table says; run go test ./pkg/plan -update (-table +file):\n%s", diff)
	}
}

// Each row has three cells, whatever the sentences hold.
func TestReasonsPageIsATable(t *testing.T) {
	_, table, found := strings.Cut(reasonsPage(), "|---|---|---|\n")
	if !found {
		t.Fatal("the page has no table")
	}
	rows := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(rows) != len(plan.Reasons()) {
		t.Errorf("%d rows for %d reasons", len(rows), len(plan.Reasons()))
	}
	for _, row := range rows {
		plain := strings.ReplaceAll(strings.ReplaceAll(row, `\\`, ""), `\|`, "")
		if strings.Count(plain, "|") != 4 {
			t.Errorf("not three cells: %s", row)
		}
	}
}
