package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// A StatefulSet without serviceName: its controller gives the pods no subdomain,
// whatever the template says.
func TestStatefulSetWithoutServiceName(t *testing.T) {
	const template = `"template":{"spec":{"subdomain":"other","containers":[{"name":"c"}]}}}`
	created := func() *engine.WorkloadCase {
		return parsed(t, "apps/v1", "StatefulSet", "statefulset-headless", `"name":"db"`, "{"+template)
	}
	const ignored = "warned TemplateOverwritten spec.template.spec.subdomain: other has no effect: the controller of a StatefulSet writes another into its pods: " +
		"remove it: a StatefulSet's subdomain is its serviceName"

	p := decideWorkload(created(), engine.EmptySnapshot{})
	names := plan.Mutation{Pointer: "/spec/serviceName", Value: "peers"}
	if !slices.Contains(p.Mutations, names) || p.FirstPod.Spec.Subdomain != "peers" {
		t.Errorf("created: %v, subdomain %q", p.Mutations, p.FirstPod.Spec.Subdomain)
	}
	for _, want := range []string{ignored, "changed SubdomainSet spec.serviceName"} {
		if !slices.Contains(describeAll(p), want) {
			t.Errorf("created: %q\nlacks %s", describeAll(p), want)
		}
	}

	p = decideWorkload(updated(created(), "", ""), engine.EmptySnapshot{})
	if slices.ContainsFunc(p.Mutations, func(m plan.Mutation) bool { return m.Pointer == names.Pointer }) {
		t.Errorf("updated, and Kubernetes would refuse it: %v", p.Mutations)
	}
	const fixed = "warned SubdomainFixed spec.serviceName: is empty, and the pods get their subdomain, peers, only where netmode is asked about them: " +
		"create the StatefulSet anew with serviceName"
	if !slices.Contains(describeAll(p), fixed) {
		t.Errorf("updated: %q", describeAll(p))
	}

	cured := parsed(t, "apps/v1", "StatefulSet", "statefulset-headless", `"name":"db"`, `{"serviceName":"peers",`+strings.Replace(template, `"subdomain":"other",`, "", 1))
	if p := decideWorkload(cured, engine.EmptySnapshot{}); hasReason(p, plan.Warned, plan.TemplateOverwritten) || hasReason(p, plan.Warned, plan.SubdomainFixed) ||
		slices.ContainsFunc(p.Mutations, func(m plan.Mutation) bool { return m.Pointer == names.Pointer }) {
		t.Errorf("the cures are followed: %v %q", p.Mutations, describeAll(p))
	}
}

// A hostname is overwritten, be it that of the Service: an Indexed Job's controller leaves
// the subdomain alone, a StatefulSet's writes both.
func TestOverwrittenHostname(t *testing.T) {
	const template = `"template":{"spec":{"hostname":"peers","subdomain":"peers","containers":[{"name":"c"}]}}}`
	for kind, spec := range map[string]string{
		"apps/v1 StatefulSet": `{"serviceName":"peers",` + template,
		"batch/v1 Job":        `{"completionMode":"Indexed",` + template,
		"batch/v1 CronJob":    `{"jobTemplate":{"spec":{"completionMode":"Indexed",` + template + "}}",
	} {
		t.Run(kind, func(t *testing.T) {
			apiVersion, kind, _ := strings.Cut(kind, " ")
			c := parsed(t, apiVersion, kind, "statefulset-headless", `"name":"db"`, spec)
			var told []string
			p := decideWorkload(c, engine.EmptySnapshot{})
			for _, f := range p.Findings(plan.Warned) {
				if f.Reason == plan.TemplateOverwritten {
					told = append(told, describe(p, &f))
				}
			}
			want := "warned TemplateOverwritten " + c.Workload.Template + ".spec.hostname: peers has no effect: the controller of a " + kind +
				" writes another into its pods: remove it: a StatefulSet's subdomain is its serviceName"
			if len(told) != 1 || told[0] != want {
				t.Errorf("%q\nwant %s", told, want)
			}
			cured := parsed(t, apiVersion, kind, "statefulset-headless", `"name":"db"`, strings.Replace(spec, `"hostname":"peers",`, "", 1))
			if p := decideWorkload(cured, engine.EmptySnapshot{}); hasReason(p, plan.Warned, plan.TemplateOverwritten) {
				t.Errorf("the cure is followed: %q", describeAll(p))
			}
		})
	}
}
