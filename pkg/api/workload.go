package api

import "slices"

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
	// OwnHostnames says that the controller gives each pod a hostname of its own.
	OwnHostnames bool
	// Surges says that a rolling update starts a new pod before the old one is
	// gone, and SurgeField which field decides it.
	Surges     bool
	SurgeField string
	// SubdomainField is the field of the workload that gives its pods their
	// subdomain; empty where that is the template's.
	SubdomainField string
	// HeldBy is the field that keeps running pods from following a change of the
	// template, and HeldUntil what lets them; both may be empty.
	HeldBy    string
	HeldUntil string
	// Suspended and Started say of a Job whether it may make pods, and whether it
	// ever might.
	Suspended bool
	Started   bool
}

// Copies reports whether netmode copies the workload's annotations to its pod
// template.
func (w *Workload) Copies() bool { return slices.Contains(WorkloadKinds(), w.Kind) }

// WorkloadKinds returns the kinds whose annotations netmode copies to their pod
// templates, in the order in which the documentation lists them.
func WorkloadKinds() []string {
	return []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}
}

// IsWorkload reports whether objects of a group, version and kind are workloads
// whose annotations netmode copies to their pod templates.
func IsWorkload(group, version, kind string) bool {
	switch {
	case version != "v1" || !slices.Contains(WorkloadKinds(), kind):
		return false
	case kind == "Job" || kind == "CronJob":
		return group == "batch"
	default:
		return group == "apps"
	}
}
