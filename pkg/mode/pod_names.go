package mode

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/plan"
)

var namePath = field.NewPath("metadata", "name")

// maxRevisedName is the longest name of a StatefulSet whose revisions all fit into the
// label controller-revision-hash of its pods: name, "-" and a hash of up to 10 letters
// (pkg/controller/history in Kubernetes).
const maxRevisedName = validation.LabelValueMaxLength - 1 - 10

// checkPodNames looks at the names that the controller derives from the workload's: one
// that is too long shows only when the pod is to be made.
func checkPodNames(c *PodCase) {
	w := c.Workload
	if w == nil || w.LastHostname == "" {
		return
	}
	workload := c.Plan.About(&plan.Object{Kind: plan.OwnWorkload})
	if problems := validation.IsDNS1123Label(w.LastHostname); len(problems) > 0 {
		err := field.Invalid(namePath, w.Name, fmt.Sprintf("%s, the hostname of a pod that %s asks for, cannot be one: %s",
			plan.Shown(w.LastHostname), w.HostnamesField, problems[0]))
		if c.Plan.Source == plan.SourceAnnotation {
			workload.RefuseError(plan.HostnameInvalid, err)
		} else {
			// In no mode could that pod be made, and the others have theirs.
			workload.Warn(plan.HostnameInvalid, err.Field, err.ErrorBody())
		}
		return
	}
	if w.Kind == "StatefulSet" && len(w.Name) > maxRevisedName {
		workload.Warn(plan.StatefulSetNameLong, namePath.String(), fmt.Sprintf("the name has %d characters, and with more than %d Kubernetes cannot make the pods of most revisions: "+
			"their label controller-revision-hash would be too long", len(w.Name), maxRevisedName))
	}
}

// hasOwnHostname says that the pod's controller gives it its hostname, so that
// checkPodNames has judged it.
func (c *PodCase) hasOwnHostname() bool { return c.Workload != nil && c.Workload.LastHostname != "" }
