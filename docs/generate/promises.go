package main

import (
	_ "embed" // the template
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/mode"
	"github.com/netmode-io/netmode/pkg/resolv"
)

//go:embed promises.yaml.tmpl
var promisesTemplate string

// lineWidth is how long a folded line may become.
const lineWidth = 129

func promises() (string, error) {
	parsed, err := template.New("promises").Funcs(template.FuncMap{"folded": folded, "quoted": quoted, "isOneOf": isOneOf}).Parse(promisesTemplate)
	if err != nil {
		return "", err
	}
	modes := mode.Modes()
	headless := only(modes, func(m mode.Mode) bool { return len(m.Promise.Service) > 0 })
	var text strings.Builder
	err = parsed.Execute(&text, map[string]any{
		"Modes":       modes,
		"Strategies":  resolv.Strategies(),
		"Cheapest":    cheapest(),
		"AnyStrategy": anyStrategy(),
		"Headless":    headless,
		"Publishing":  only(modes, func(m mode.Mode) bool { return m.Promise.Publishes }),
		"Pods":        podValidations(modes),
		"Services":    serviceValidations(headless),
	})
	return text.String(), err
}

func only(modes []mode.Mode, keep func(mode.Mode) bool) []mode.Mode {
	return slices.DeleteFunc(slices.Clone(modes), func(m mode.Mode) bool { return !keep(m) })
}

// cheapest are the strategies, those first that nothing is looked for.
func cheapest() []resolv.Strategy {
	all := resolv.Strategies()
	slices.SortStableFunc(all, func(a, b resolv.Strategy) int { return min(len(a.Promise.Found), 1) - min(len(b.Promise.Found), 1) })
	return all
}

// anyStrategy is true for a pod that holds what any strategy writes.
func anyStrategy() string {
	var variables []string
	for _, s := range resolv.Strategies() {
		if s.Promise.Variable != "" {
			variables = append(variables, "variables."+s.Promise.Variable)
		}
	}
	return strings.Join(variables, " || ")
}

// held is what some modes promise.
type held struct {
	mode.Held
	modes []mode.Mode
}

// merge lists what modes promise. What several do stands once, where the last has it.
func merge(modes []mode.Mode, promised func(mode.Promise) []mode.Held) []held {
	var all []held
	for _, m := range modes {
		for _, h := range promised(m.Promise) {
			one := held{Held: h}
			if i := slices.IndexFunc(all, func(other held) bool { return other.Held == h }); i >= 0 {
				one.modes = all[i].modes
				all = slices.Delete(all, i, i+1)
			}
			one.modes = append(one.modes, m)
			all = append(all, one)
		}
	}
	return all
}

// podValidations are the promises to Pods, each held of the modes that make it.
func podValidations(modes []mode.Mode) []mode.Held {
	var validations []mode.Held
	for _, h := range merge(modes, func(p mode.Promise) []mode.Held { return p.Pod }) {
		var variables []string
		for _, m := range h.modes {
			variables = append(variables, "variables."+m.Promise.Variable)
		}
		condition := strings.Join(variables, " || ")
		if len(variables) > 1 {
			condition = "(" + condition + ")"
		}
		validations = append(validations, mode.Held{Expression: "!" + condition + " || " + h.Expression, Message: h.Message})
	}
	return validations
}

// serviceValidations are the promises to Services; their policy is asked about these
// modes only.
func serviceValidations(modes []mode.Mode) []mode.Held {
	var validations []mode.Held
	for _, h := range merge(modes, func(p mode.Promise) []mode.Held { return p.Service }) {
		if len(h.modes) < len(modes) {
			h.Expression = fmt.Sprintf("!(object.metadata.annotations['%s'] %s) || %s", api.AnnotationMode, isOneOf(h.modes), h.Expression)
		}
		validations = append(validations, h.Held)
	}
	return validations
}

// isOneOf compares with the names of modes in CEL.
func isOneOf(modes []mode.Mode) string {
	var names []string
	for _, m := range modes {
		names = append(names, "'"+string(m.Name)+"'")
	}
	if len(names) == 1 {
		return "== " + names[0]
	}
	return "in [" + strings.Join(names, ", ") + "]"
}

// quoted is a text as a YAML scalar on one line.
func quoted(text string) string {
	if strings.HasPrefix(text, "!") || strings.Contains(text, ": ") || strings.Contains(text, " #") {
		return strconv.Quote(text)
	}
	return text
}

// folded is a text as a folded YAML scalar, or a plain one where it is short.
func folded(indent int, text string) string {
	if len(text) < lineWidth-24 {
		return quoted(text)
	}
	lines := []string{">-"}
	margin := strings.Repeat(" ", indent)
	line := margin
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == margin:
			line += word
		case len(line)+1+len(word) > lineWidth:
			lines = append(lines, line)
			line = margin + word
		default:
			line += " " + word
		}
	}
	return strings.Join(append(lines, line), "\n")
}
