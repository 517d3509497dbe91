package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/cluster/offline"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/patch"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// inputs are the flags of every command that reads manifests.
type inputs struct {
	files     []string
	recursive bool
	namespace string
	// policies are manifests with NetworkModePolicies and Namespaces, beside those
	// of files and in the place of those with the same names.
	policies []string
	// policyFiles are what policies name, once they are read.
	policyFiles []*manifest.File
	// namespaceLabels are those of every namespace that no manifest tells of.
	namespaceLabels map[string]string
	decision        *flags.Decision
	// strict refuses documents that are no objects; else they are left as they are,
	// and aside says of each what it is.
	strict bool
	aside  []*manifest.Error
}

func newInputs() *inputs {
	return &inputs{namespace: "default", decision: flags.NewDecision("")}
}

func (in *inputs) addFlags(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringSliceVarP(&in.files, "filename", "f", nil, "manifests: a file, a folder, or - for standard input; may be repeated")
	fs.BoolVarP(&in.recursive, "recursive", "R", false, "read folders below the named ones, too")
	fs.StringVarP(&in.namespace, "namespace", "n", in.namespace, "namespace of objects that name none")
	fs.StringSliceVar(&in.policies, "policy", nil,
		"more manifests, whose NetworkModePolicies and Namespaces count, rather than others of the same name: a file or a folder; may be repeated")
	fs.StringToStringVar(&in.namespaceLabels, "namespace-labels", nil,
		"labels of the namespaces that no manifest tells of, such as team=storm,netmode.io/policy=enabled")
	fs.BoolVar(&in.strict, "strict", false, "refuse documents that are no objects, such as kustomize's patches, which are else left as they are")
	in.decision.AddFlags(fs)
}

// decided is one object of the manifests and what netmode decided about it.
type decided struct {
	object *manifest.Object
	// namespace is the object's; a Namespace's is itself.
	namespace string
	// template is the object's pod template, whose pods the plan is about; nil
	// for a Pod or a Service.
	template *workload.Template
	// plan is nil for an object that netmode does not handle. What such a one asks for
	// in vain, or elsewhere, is in other; that may be nil as well.
	plan, other *plan.Plan
	// pods is the plan of the pods that the template makes, or the object's own;
	// nil for what makes none, and where the object itself is refused.
	pods *plan.Plan
	// entry is where the pods are sent; empty: nowhere.
	entry api.Entry
	// operations change the object's document.
	operations []jsonpatch.Operation
}

// label names the object as a person would: Deployment/web.
func (d *decided) label() string { return d.object.Label() }

// read opens the manifests and decides about every object of them.
func (in *inputs) read(ctx context.Context, streams *Streams) ([]*manifest.File, []*decided, error) {
	if len(in.files) == 0 {
		return nil, nil, errors.New("no manifests: name them with -f FILE, -f FOLDER, or -f - for standard input")
	}
	if problems := validation.IsDNS1123Label(in.namespace); len(problems) > 0 {
		return nil, nil, fmt.Errorf("--namespace %q: not the name of a namespace: %s", in.namespace, problems[0])
	}
	if err := checkLabels(in.namespaceLabels); err != nil {
		return nil, nil, err
	}
	settings, notes, err := in.decision.Settings()
	if err != nil {
		return nil, nil, err
	}
	for _, note := range notes {
		_, _ = fmt.Fprintf(streams.Err, "note: %s\n", note)
	}
	files, err := manifest.Open(ctx, in.files, streams.In, in.recursive)
	if err != nil {
		return nil, nil, err
	}
	if len(in.policies) > 0 {
		if in.policyFiles, err = manifest.Open(ctx, in.policies, nil, in.recursive); err != nil {
			return nil, nil, fmt.Errorf("--policy: %w", err)
		}
	}
	all, _, err := in.decide(files, settings)
	for _, a := range in.aside {
		_, _ = fmt.Fprintf(streams.Err, "%s:%d: note: left as it is: %s\n", a.Name, a.Line, a.Problem)
	}
	return files, all, err
}

// decide is the webhook's decision about every object of the manifests, with
// the Services, Namespaces and policies of all manifests around it.
func (in *inputs) decide(files []*manifest.File, settings *engine.Settings) ([]*decided, *offline.Snapshot, error) {
	snapshot := offline.New(in.namespaceLabels)
	var all []*decided
	var errs []error
	for o, err := range manifest.Objects(files...) {
		if bad, ok := errors.AsType[*manifest.Error](err); ok && bad.NotObject && !in.strict {
			in.aside = append(in.aside, bad)
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		d := &decided{object: o, namespace: cmp.Or(o.Namespace, in.namespace)}
		if isNamespace(o) {
			d.namespace = o.Name
		}
		if err := snapshot.Add(o, d.namespace); err != nil {
			errs = append(errs, d.fail(err))
		}
		all = append(all, d)
	}
	errs = append(errs, snapshot.AddPolicies(in.policyFiles))
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	for _, d := range all {
		err := d.decide(settings, snapshot)
		if errors.Is(err, workload.ErrNoTemplate) && !in.strict {
			in.aside = append(in.aside, &manifest.Error{Name: d.object.Document.Name, Line: d.object.Line,
				Problem: fmt.Sprintf("%s has no pod template, as a patch: %v", d.label(), err)})
			continue
		}
		if err != nil {
			errs = append(errs, d.fail(err))
		}
	}
	return all, snapshot, errors.Join(errs...)
}

func (d *decided) fail(err error) error { return d.object.Fail(err) }

func (d *decided) decide(settings *engine.Settings, snapshot *offline.Snapshot) error {
	var err error
	decide := func(object engine.Object) *plan.Plan {
		return engine.Decide(engine.Request{Settings: settings, Snapshot: snapshot, Namespace: d.namespace, Object: object, Judge: true})
	}
	if d.template, err = workload.Parse(d.object.APIVersion, d.object.Kind, d.object.JSON, d.namespace); err != nil {
		return err
	}
	ns, _ := snapshot.Namespace(d.namespace)
	raw := d.object.JSON
	var mutations []plan.Mutation
	switch {
	case d.template != nil:
		if mutations, err = d.decideWorkload(decide, ns.Labels); err != nil {
			return err
		}
	case d.object.APIVersion == "v1" && d.object.Kind == "Pod":
		var pod api.Pod
		if err := api.Decode(raw, &pod, ""); err != nil {
			return err
		}
		d.plan, d.entry = decide(&pod), api.EntryOfPod(pod.Metadata.Annotations, ns.Labels)
		d.pods = d.plan
		mutations = d.plan.Mutations
	case d.object.APIVersion == "v1" && d.object.Kind == "Service":
		var service api.Service
		if err := api.Decode(raw, &service, ""); err != nil {
			return err
		}
		d.plan = decide(&service)
		mutations = d.plan.Mutations
	default:
		d.other = d.decideOther(decide)
		return nil
	}
	if d.plan.Refused() {
		return nil
	}
	d.operations, err = patch.Build(raw, mutations)
	for i := range d.operations {
		d.operations[i].Path = d.object.Pointer + d.operations[i].Path
	}
	return err
}

// decideWorkload is the decision about a workload, and then about its pods. The
// mutations are what the workload gets from the one and its template from the
// other. The template is left as the first decision made it.
func (d *decided) decideWorkload(decide func(engine.Object) *plan.Plan, labels map[string]string) ([]plan.Mutation, error) {
	pod, err := d.template.FirstPod()
	if err != nil {
		return nil, err
	}
	d.plan = decide(&engine.WorkloadCase{Metadata: &d.template.Metadata, Workload: &d.template.Workload, Pod: pod, Asked: workload.AskedIn(d.object.JSON)})
	first := d.plan.FirstPod
	if len(d.plan.Mutations) > 0 {
		if d.template, err = d.planned(); err != nil {
			return nil, err
		}
	}
	mutations := slices.Clone(d.plan.Mutations)
	// The webhook sees pods alone: its status names no reason of the workload's.
	d.pods, d.entry = decide(first), api.EntryOfPod(first.Metadata.Annotations, labels)
	if d.pods.Changes() {
		for _, m := range d.pods.Mutations {
			if m.OfOnePod {
				continue
			}
			m.Pointer = d.template.Workload.Pointer() + m.Pointer
			mutations = append(mutations, m)
		}
	}
	return mutations, nil
}

// decideOther is the decision about an object of a kind that netmode does not handle;
// nil where there is nothing to tell.
func (d *decided) decideOther(decide func(engine.Object) *plan.Plan) *plan.Plan {
	asked := workload.AskedIn(d.object.JSON)
	if len(asked.Own)+len(asked.InTemplates)+len(asked.Elsewhere) == 0 {
		return nil
	}
	var o struct {
		Metadata api.ObjectMeta `json:"metadata"`
	}
	// What does not decode is for its own API server to refuse.
	_ = api.Decode(d.object.JSON, &o, "")
	p := decide(&engine.Other{APIVersion: d.object.APIVersion, Kind: d.object.Kind, Metadata: &o.Metadata, Asked: asked})
	if len(p.Trace) == 0 {
		return nil
	}
	return p
}

func isNamespace(o *manifest.Object) bool { return o.APIVersion == "v1" && o.Kind == "Namespace" }

// planned is the template as the decision about its workload made it.
func (d *decided) planned() (*workload.Template, error) {
	operations, err := patch.Build(d.object.JSON, d.plan.Mutations)
	if err != nil {
		return nil, err
	}
	changed, err := patch.Apply(d.object.JSON, operations)
	if err != nil {
		return nil, err
	}
	return workload.Parse(d.object.APIVersion, d.object.Kind, changed, d.namespace)
}

// applyAll changes the documents.
func applyAll(all []*decided) error {
	for i := 0; i < len(all); {
		document := all[i].object.Document
		var operations []jsonpatch.Operation
		for ; i < len(all) && all[i].object.Document == document; i++ {
			operations = append(operations, all[i].operations...)
		}
		if len(operations) == 0 {
			continue
		}
		if err := document.Apply(operations); err != nil {
			return err
		}
	}
	return nil
}

// reportFindings writes the warnings and refusals, and returns how many objects
// were refused.
func reportFindings(streams *Streams, all []*decided) int {
	colors := streams.errPalette()
	refused := 0
	for _, d := range all {
		p := cmp.Or(d.plan, d.other)
		if p == nil {
			continue
		}
		if p.Refused() {
			refused++
		}
		for i := range p.Trace {
			f := &p.Trace[i]
			word := ""
			switch f.Verdict {
			case plan.Warned:
				word = colors.yellow("warning:")
			case plan.Refused:
				word = colors.red("refused:")
			case plan.Kept:
				word = "note:"
				if f.Reason != plan.NotRendered {
					continue
				}
			default:
				continue
			}
			_, _ = fmt.Fprintf(streams.Err, "%s:%d: %s %s: %s\n", d.object.Document.Name, d.object.Line, word, d.label(), p.Message(f))
		}
	}
	return refused
}
