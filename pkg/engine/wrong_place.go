package engine

import (
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// warnModeLabel tells whoever asks for a mode by a label: only a Namespace's counts.
func (d *decision) warnModeLabel() bool {
	if asked, labelled := d.Object.Meta().Labels[api.LabelMode]; labelled {
		d.plan.Warn(plan.ModeLabel, modeLabelPath.String(), `"`+plan.Shown(asked)+`" asks for nothing here: the label counts on a Namespace`)
	}
	return true
}
