package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// The lines of a README behind which a table is made.
const (
	modesMark      = "<!-- make generate writes this table from pkg/mode -->"
	strategiesMark = "<!-- make generate writes this table from pkg/resolv -->"
)

// tables are what a README lists.
type tables struct {
	// modes and strategies are rows of cells, the heading first.
	modes, strategies [][]string
	// comma stands between the values of an annotation.
	comma string
}

func english() (tables, error) {
	t := tables{
		modes:      [][]string{{code(api.AnnotationMode), "for", "what it does to a Pod", "what it does to a Service"}},
		strategies: [][]string{{"strategy", "what it does", "the peers' domain is", "needs"}},
		comma:      ", ",
	}
	for _, m := range mode.Modes() {
		t.modes = append(t.modes, []string{code(m.Name), m.Summary, m.OnPod, m.OnService})
	}
	for _, s := range resolv.Strategies() {
		t.strategies = append(t.strategies, []string{code(s.Name), s.Summary, s.Place, s.Needs})
	}
	return t, nil
}

func code[T ~string](word T) string { return "`" + string(word) + "`" }

// withTables puts the tables, and the strategies that an annotation may name, into a README.
func withTables(readme string, listed func() (tables, error)) (string, error) {
	t, err := listed()
	if err != nil {
		return "", err
	}
	lines := strings.SplitAfter(readme, "\n")
	for _, table := range []struct {
		mark string
		rows [][]string
	}{{modesMark, t.modes}, {strategiesMark, t.strategies}} {
		at := slices.Index(lines, table.mark+"\n")
		if at < 0 {
			return "", fmt.Errorf("the line %s is not there: put it before the table", table.mark)
		}
		end := at + 1
		for end < len(lines) && strings.HasPrefix(lines[end], "|") {
			end++
		}
		lines = slices.Replace(lines, at+1, end, markdown(table.rows)...)
	}
	row := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "| "+code(api.AnnotationSearchRewrite)+" |") })
	if row < 0 {
		return "", errors.New("no table has a row for " + api.AnnotationSearchRewrite + ": write one of three cells")
	}
	var values []string
	for _, s := range resolv.Strategies() {
		values = append(values, code(s.Name))
	}
	cells := strings.Split(lines[row], "|")
	cells[2] = " " + strings.Join(values, t.comma) + " "
	lines[row] = strings.Join(cells, "|")
	return strings.Join(lines, ""), nil
}

// markdown writes rows as lines, with a rule below the first.
func markdown(rows [][]string) []string {
	var lines []string
	for i, cells := range rows {
		lines = append(lines, "| "+strings.Join(cells, " | ")+" |\n")
		if i == 0 {
			lines = append(lines, "|"+strings.Repeat("---|", len(cells))+"\n")
		}
	}
	return lines
}
