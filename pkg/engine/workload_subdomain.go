package engine

import (
	"fmt"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// nameSubdomain names the governing Service in the workload itself, where the
// controller takes the subdomain of its pods from there and finds none. Kubernetes
// takes it when the workload is created, and never changes it after that.
func (d *decision) nameSubdomain() bool {
	c, p := d.workload(), d.plan
	field := c.Workload.LacksSubdomain
	if field == "" || p.Service == "" {
		return true
	}
	p.Rule("subdomain of the workload")
	if c.Old != nil {
		p.Warn(plan.SubdomainFixed, field, "is empty, and the pods get their subdomain, "+plan.Shown(p.Service)+", only where netmode is asked about them")
		return true
	}
	p.Mutations = append(p.Mutations, plan.Mutation{Pointer: "/" + strings.ReplaceAll(field, ".", "/"), Value: p.Service})
	pod := *d.firstPod
	pod.Spec.Subdomain = p.Service
	d.firstPod = &pod
	return true
}

// warnOverwritten warns of fields of the template that have no effect.
func (d *decision) warnOverwritten() bool {
	c, p := d.workload(), d.plan
	if p.Mode == "" || p.Mode == api.ModeDefault {
		return true
	}
	p.Rule("template")
	for _, o := range c.Workload.Overwritten {
		if o.Field == "spec.subdomain" && o.Value == p.Service {
			continue // what the pods get
		}
		p.Warn(plan.TemplateOverwritten, c.Workload.Template+"."+o.Field,
			fmt.Sprintf("%s has no effect: the controller of a %s writes another into its pods", plan.Shown(o.Value), c.Workload.Kind))
	}
	return true
}
