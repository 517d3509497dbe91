// Package workload knows the objects that make pods of a template: their kinds,
// where the template stands, the first pod that would be made of it, and which
// annotations netmode copies to it. The webhook and the CLI share it.
//
// [Parse] reads such an object and makes its first pod, with the names, labels and
// hostname that the controller would give it: a decision about it tells the
// workload's author what would otherwise show only when pods are made. [Copy] says
// what becomes of the annotations. [Admitted] does for a bare Pod or Service what
// the API server does before it asks a webhook.
//
// The package is pure: no I/O, no clock, no randomness.
package workload

import (
	"slices"
	"strings"
)

// Workload is what a decision reads of the object that will make the pods of a
// template.
type Workload struct {
	Kind string
	Name string
	// Template is the field that holds the template: "spec.template".
	Template string
	// Replicas is how many pods run at once, and ReplicasField the field that says so.
	// A DaemonSet has none: its pods are as many as its nodes.
	Replicas      int32
	ReplicasField string
	// Completions is how many pods an Indexed Job has in all; zero for any other.
	Completions int32
	// InOrder says of a StatefulSet that it makes each pod only when the one before is
	// ready, and FirstOrdinal the number of its first pod.
	InOrder      bool
	FirstOrdinal int32
	// OwnHostnames says that the controller gives each pod a hostname of its own.
	OwnHostnames bool
	// LastHostname is the longest of those hostnames, and HostnamesField the field that
	// says how many there are. Both are empty without OwnHostnames.
	LastHostname   string
	HostnamesField string
	// Surges says that a rolling update starts a new pod before the old one is
	// gone, and SurgeField which field decides it.
	Surges     bool
	SurgeField string
	// SubdomainField is the field of the workload that gives its pods their
	// subdomain; empty where that is the template's.
	SubdomainField string
	// LacksSubdomain is the field that should give its pods their subdomain, where it is
	// empty; the controller leaves none of the template's then.
	LacksSubdomain string
	// Overwritten are fields of the template that its author gave a value, and to which
	// the controller gives another, in its pods.
	Overwritten []Overwritten
	// HeldBy is the field that keeps running pods from following a change of the
	// template, and HeldUntil what lets them; both may be empty.
	HeldBy    string
	HeldUntil string
	// Suspended and Started say of a Job whether it may make pods, and whether it
	// ever might.
	Suspended bool
	Started   bool
}

// Overwritten is a field of a pod template that has no effect, and its value.
type Overwritten struct{ Field, Value string }

// Copies reports whether netmode copies the workload's annotations to its pod
// template.
func (w *Workload) Copies() bool {
	return slices.ContainsFunc(kinds, func(k registered) bool { return k.copies && k.name == w.Kind })
}

// Pointer is Template as a JSON Pointer: "/spec/template".
func (w *Workload) Pointer() string { return "/" + strings.ReplaceAll(w.Template, ".", "/") }

// TemplateFixed reports whether the API server lets nobody change the template
// any more: a Job's is fixed once it has made pods (batch/v1).
func (w *Workload) TemplateFixed() bool { return w.Kind == "Job" && (!w.Suspended || w.Started) }
