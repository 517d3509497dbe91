package engine

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

var (
	specPath        = field.NewPath("spec")
	annotationsPath = field.NewPath("metadata").Child("annotations")
	modeLabelPath   = field.NewPath("metadata").Child("labels").Key(api.LabelMode)
)

// parseAnnotations reads what the object's annotations ask for.
func (d *decision) parseAnnotations() bool {
	p := d.plan
	p.Rule("annotations")
	intent, errs := api.ParseAnnotations(d.Object.Meta().Annotations, annotationsPath)
	for i, unknown := range intent.Unknown {
		if i == api.MaxNearest {
			p.Warn(plan.AnnotationUnknown, annotationsPath.String(), fmt.Sprintf("%d more keys mean nothing to netmode", len(intent.Unknown)-i))
			break
		}
		p.Warn(plan.AnnotationUnknown, annotationsPath.Key(plan.Shown(unknown.Key)).String(), "the key means nothing to netmode; the nearest that does is "+unknown.Nearest)
	}
	for _, err := range errs {
		p.RefuseError(plan.AnnotationInvalid, err)
	}
	d.intent = intent
	return len(errs) == 0
}

// warnUnusedOnPod counts the search rewrite as used in any mode where there are peers.
func (d *decision) warnUnusedOnPod() bool {
	used := d.mode.UsedByPod(d.intent)
	if len(d.intent.Peers) > 0 {
		used = append(slices.Clip(used), api.AnnotationSearchRewrite)
	}
	return d.warnUnused(used, d.mode.NameAnnotations)
}

func (d *decision) warnUnusedOnService() bool { return d.warnUnused(d.mode.ServiceAnnotations, nil) }

// warnUnused warns of the author's annotations that do nothing in the mode, and says
// which of them need a named Service.
func (d *decision) warnUnused(used, withService []string) bool {
	p := d.plan
	p.Rule("annotations")
	for _, key := range d.intent.Keys {
		if key == api.AnnotationMode || slices.Contains(used, key) {
			continue
		}
		text := "it does nothing here without a mode"
		if p.Mode != "" {
			text = "it does nothing here in mode " + string(p.Mode)
			if slices.Contains(withService, key) {
				text += " without " + api.AnnotationService
			}
		}
		p.Warn(plan.AnnotationUnused, annotationsPath.Key(key).String(), text)
	}
	return true
}
