package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"gomodules.xyz/jsonpatch/v2"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
)

// explanation is one object in the output of explain -o json.
type explanation struct {
	File      string            `json:"file"`
	Line      int               `json:"line"`
	Kind      string            `json:"kind"`
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Mode      api.Mode          `json:"mode,omitempty"`
	Source    plan.Source       `json:"source,omitempty"`
	Policy    string            `json:"policy,omitempty"`
	Service   string            `json:"service,omitempty"`
	Strategy  api.SearchRewrite `json:"strategy,omitempty"`
	Decision  string            `json:"decision"`
	Rules     []explainedRule   `json:"rules"`
	// Ndots says which names of peers are looked up in the search list.
	Ndots string         `json:"ndots,omitempty"`
	Patch jsontext.Value `json:"patch,omitzero"`
}

type explainedRule struct {
	Rule    string       `json:"rule"`
	Verdict plan.Verdict `json:"verdict"`
	Reason  plan.Reason  `json:"reason,omitempty"`
	Field   string       `json:"field,omitempty"`
	Text    string       `json:"text,omitempty"`
}

func newExplain(streams *Streams) *cobra.Command {
	in := newInputs()
	output := "text"
	cmd := &cobra.Command{
		Use:   "explain -f FILE|FOLDER|-",
		Short: "Say what netmode decides about each object, rule by rule",
		Long: `explain reads manifests and says for each Pod, Service and pod template which
mode it has, where the mode came from, and what each rule decided; of other
objects, what they ask for where it means nothing.

The exit code is 1 when something is refused.`,
		Example: `  netmode explain -f app.yaml
  netmode explain -f deploy/ -o json | jq '.[] | select(.decision == "refused")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" && output != "yaml" {
				return fmt.Errorf("-o %q: use text, json or yaml", output)
			}
			_, all, err := in.read(cmd.Context(), streams)
			if err != nil {
				return err
			}
			explained, err := explainAll(all)
			if err != nil {
				return err
			}
			if output == "text" {
				err = explainText(streams, explained)
			} else {
				err = explainData(streams, explained, output)
			}
			if err != nil {
				return fmt.Errorf("writing the explanation: %w", err)
			}
			if slices.ContainsFunc(explained, func(e explanation) bool { return e.Decision == "refused" }) {
				return errRefused
			}
			return nil
		},
	}
	in.addFlags(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", output, "text, json or yaml")
	return cmd
}

func explainAll(all []*decided) ([]explanation, error) {
	explained := []explanation{}
	for _, d := range all {
		p := cmp.Or(d.plan, d.other)
		if p == nil {
			continue
		}
		e := explanation{
			File: d.object.Document.Name, Line: d.object.Line, Kind: d.object.Kind, Namespace: d.namespace,
			Name: strings.TrimPrefix(d.label(), d.object.Kind+"/"),
			Mode: p.Mode, Source: p.Source, Policy: p.Policy, Service: p.Service, Strategy: p.Strategy,
			Decision: decisionWord(p, d.operations),
		}
		for i := range p.Trace {
			f := &p.Trace[i]
			e.Rules = append(e.Rules, explainedRule{Rule: f.Rule, Verdict: f.Verdict, Reason: f.Reason, Field: f.Path(), Text: p.Text(f)})
		}
		var err error
		if e.Ndots, err = d.ndotsLine(); err != nil {
			return nil, d.fail(err)
		}
		if len(d.operations) > 0 {
			encoded, err := patch.Encode(d.operations)
			if err != nil {
				return nil, d.fail(err)
			}
			e.Patch = encoded
		}
		explained = append(explained, e)
	}
	return explained, nil
}

func decisionWord(p *plan.Plan, operations []jsonpatch.Operation) string {
	switch {
	case p.Refused():
		return "refused"
	case len(operations) > 0:
		return "patched"
	default:
		return "unchanged"
	}
}

func explainData(streams *Streams, explained []explanation, format string) error {
	data, err := json.Marshal(explained, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if format == "yaml" {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(streams.Out, strings.TrimSuffix(string(data), "\n"))
	return err
}

func explainText(streams *Streams, explained []explanation) error {
	if len(explained) == 0 {
		_, err := fmt.Fprintln(streams.Err, "note: there is no Pod, Service or workload in the manifests")
		return err
	}
	colors := streams.outPalette()
	for i, e := range explained {
		if i > 0 {
			_, _ = fmt.Fprintln(streams.Out)
		}
		_, _ = fmt.Fprintf(streams.Out, "%s %s\n  %s\n", colors.bold(e.Kind+"/"+e.Name), colors.dim(fmt.Sprintf("%s:%d", e.File, e.Line)), headline(e, colors))
		width := 0
		for _, r := range e.Rules {
			width = max(width, len(r.Rule))
		}
		for _, r := range e.Rules {
			if r.Verdict == plan.Passed && r.Text == "" {
				r.Text = "nothing to do"
			}
			message := plan.Line(r.Field, r.Text, r.Reason)
			if _, err := fmt.Fprintf(streams.Out, "  %s  %-*s  %s\n", colors.verdict(r.Verdict), width, r.Rule, message); err != nil {
				return err
			}
		}
		if e.Ndots != "" {
			_, _ = fmt.Fprintf(streams.Out, "  %s\n", e.Ndots)
		}
	}
	return nil
}

func headline(e explanation, colors palette) string {
	decision := e.Decision
	switch decision {
	case "patched":
		decision = colors.green(decision)
	case "refused":
		decision = colors.red(decision)
	}
	text := decision
	switch {
	case e.Policy != "":
		text += fmt.Sprintf(", mode %s from policy %s", e.Mode, e.Policy)
	case e.Mode != "":
		text += fmt.Sprintf(", mode %s from its %s", e.Mode, e.Source)
	case slices.ContainsFunc(e.Rules, func(r explainedRule) bool { return r.Reason == plan.NothingAsked }):
		text += ", no mode asked for"
	}
	if e.Service != "" {
		text += ", governing Service " + e.Service
	}
	if e.Strategy != "" {
		text += ", search rewrite " + string(e.Strategy)
	}
	return text
}

// verdict pads the word before it is coloured: the codes have no width.
func (p palette) verdict(v plan.Verdict) string {
	word := fmt.Sprintf("%-7s", v)
	switch v {
	case plan.Changed:
		return p.green(word)
	case plan.Warned, plan.Audited:
		return p.yellow(word)
	case plan.Refused:
		return p.red(word)
	case plan.Passed:
		return p.dim(word)
	default:
		return word
	}
}
