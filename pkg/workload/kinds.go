package workload

import (
	"slices"
	"strings"
)

// Fields that hold a pod template.
const (
	TemplateField        = "spec.template"
	CronJobTemplateField = "spec.jobTemplate.spec.template"
)

// registered is a kind of object with a pod template, in version v1 of its group.
type registered struct {
	group, name string
	// controller is the kind that owns the pods.
	controller string
	// copies says that netmode copies the annotations to the pod template.
	copies bool
}

// kinds are all there are, in the order of the documentation; it is read-only.
// Nobody annotates a ReplicaSet but the Deployment that made it.
var kinds = []registered{
	{"apps", "Deployment", "ReplicaSet", true},
	{"apps", "StatefulSet", "StatefulSet", true},
	{"apps", "DaemonSet", "DaemonSet", true},
	{"batch", "Job", "Job", true},
	{"batch", "CronJob", "Job", true},
	{"apps", "ReplicaSet", "ReplicaSet", false},
}

// find returns the kind of an API version, such as apps/v1.
func find(apiVersion, kind string) (registered, bool) {
	i := slices.IndexFunc(kinds, func(k registered) bool { return k.name == kind && k.group+"/v1" == apiVersion })
	if i < 0 {
		return registered{}, false
	}
	return kinds[i], true
}

// IsOld reports whether a workload is of an API version that Kubernetes serves no
// more, as a Deployment of extensions/v1beta1 is.
func IsOld(apiVersion, kind string) bool {
	group, version, _ := strings.Cut(apiVersion, "/")
	return (strings.Contains(version, "alpha") || strings.Contains(version, "beta")) &&
		slices.ContainsFunc(kinds, func(k registered) bool { return k.name == kind && (k.group == group || group == "extensions") })
}

// Kinds returns the kinds whose annotations netmode copies to their pod
// templates, in the order of the documentation.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		if k.copies {
			names = append(names, k.name)
		}
	}
	return names
}

// IsKind reports whether objects of a group, version and kind are workloads
// whose annotations netmode copies to their pod templates.
func IsKind(group, version, kind string) bool {
	k, ok := find(group+"/"+version, kind)
	return ok && k.copies
}
