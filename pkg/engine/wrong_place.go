package engine

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/workload"
)

// Other is an object of a kind that netmode does not handle. Only offline is netmode
// asked about one, where its author asks netmode for something.
type Other struct {
	APIVersion, Kind string
	Metadata         *api.ObjectMeta
	Asked            workload.Asked
}

// Meta is the object's own.
func (o *Other) Meta() *api.ObjectMeta { return o.Metadata }

func (d *decision) other() *Other {
	o, _ := d.Object.(*Other)
	return o
}

// warnModeLabel tells whoever asks for a mode by a label: only a Namespace's counts.
func (d *decision) warnModeLabel() bool {
	if asked, labelled := d.Object.Meta().Labels[api.LabelMode]; labelled {
		d.plan.Warn(plan.ModeLabel, modeLabelPath.String(), `"`+plan.Shown(asked)+`" asks for nothing here: the label counts on a Namespace`)
	}
	return true
}

// asAnnotation is what is said of a label's key among the annotations of a Namespace.
const asAnnotation = "it asks for nothing, since it is an annotation"

// warnNamespaceAnnotations looks at a Namespace, and ends with it.
func (d *decision) warnNamespaceAnnotations() bool {
	o, p := d.other(), d.plan
	if o.APIVersion != "v1" || o.Kind != "Namespace" {
		return true
	}
	p.Rule("place")
	for _, key := range o.Asked.Own {
		asked, at := o.Metadata.Annotations[key], annotationsPath.Key(plan.Shown(key)).String()
		switch label, labelled := o.Metadata.Labels[key]; {
		case key != api.LabelMode && key != api.LabelPolicy:
			p.Warn(plan.AnnotationMisplaced, at, "it means nothing on this Namespace")
		case !labelled || label != asked:
			p.Warn(plan.NamespaceAnnotation, at, asAnnotation)
		}
	}
	return false
}

// warnOldVersion looks at a workload of another time, and ends with it.
func (d *decision) warnOldVersion() bool {
	o := d.other()
	old := workload.IsOld(o.APIVersion, o.Kind)
	if old {
		d.plan.Rule("place")
		d.plan.Warn(plan.APIVersionOld, "apiVersion", "Kubernetes serves "+plan.Shown(o.APIVersion)+" no more, so nobody reads the annotations of netmode")
	}
	return !old
}

// warnMisplaced warns of annotations that nobody reads. What a controller made has
// its annotations from there.
func (d *decision) warnMisplaced() bool {
	o := d.other()
	if o.Metadata.ControllerKind() == "" {
		d.misplaced(o.Kind, o.Asked.Own, o.Asked.Templates)
	}
	return true
}

// warnNotCopied is warnMisplaced for a workload whose annotations are not copied to its
// template.
func (d *decision) warnNotCopied() bool {
	c := d.workload()
	if c.Metadata.ControllerKind() == "" {
		d.misplaced(c.Workload.Kind, api.AuthorKeys(c.Metadata.Annotations), []string{c.Workload.Template})
	}
	return true
}

func (d *decision) misplaced(kind string, keys, templates []string) {
	text := "it means nothing on this " + plan.Shown(kind)
	if len(templates) > 0 {
		text += " itself, whose pods are made of " + plan.List(templates, ", ")
	}
	d.plan.Rule("place")
	for _, key := range keys {
		d.plan.Warn(plan.AnnotationMisplaced, annotationsPath.Key(plan.Shown(key)).String(), text)
	}
}

// tellNotRendered tells of what another controller makes, which is not there yet.
func (d *decision) tellNotRendered() bool {
	o, p := d.other(), d.plan
	p.Rule("place")
	for _, field := range o.Asked.InTemplates {
		p.Keep(plan.NotRendered, field, "netmode serves the pods of this template when they are made, and nothing of that is shown here")
	}
	for _, field := range o.Asked.Elsewhere {
		p.Keep(plan.NotRendered, field, "netmode serves what is made with this, if it is a Pod, a Service or a workload, and nothing of that is shown here")
	}
	return true
}

// jobAnnotations is where a CronJob has what its Jobs get.
const jobAnnotations = "spec.jobTemplate.metadata.annotations"

// tellOfJobs tells of what a CronJob's Jobs ask for, which their pods get by them.
func (d *decision) tellOfJobs() bool {
	if c := d.workload(); c.Workload.Kind == "CronJob" && slices.Contains(c.Asked.Elsewhere, jobAnnotations) {
		d.plan.Rule("place")
		d.plan.Keep(plan.NotRendered, jobAnnotations, "netmode serves the Jobs, and their pods, when they are made, and nothing of that is shown here")
	}
	return true
}
