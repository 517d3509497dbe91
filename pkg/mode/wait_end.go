package mode

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// refuseEndless refuses a wait that cannot end, as far as that is known:
//
//	the pod waits for      and                                         reason
//	all                    no Indexed Job says how many that is        WaitAllUnknown
//	all                    parallelism < completions                   WaitParallelism
//	N > 1, a later pod     one StatefulSet makes its pods in order     WaitInOrder
//	itself, N, all         the Service shows no pod that is not ready  WaitNotPublished
//
// A later pod is one of the same StatefulSet with a higher ordinal than its first.
func refuseEndless(c *PodCase) bool {
	wait, w := &c.Intent.Wait, c.Workload
	refuse := func(reason plan.Reason, detail string) bool {
		c.Plan.Refuse(reason, annotationPath(api.AnnotationWait), plan.Shown(c.waitAsked()), detail)
		return true
	}
	itself := wait.Self || wait.Addresses > 0 || wait.All
	if w != nil {
		own, later := w.OwnPods(wait.Names, c.Plan.Service, c.Namespace)
		itself = itself || own
		switch {
		case w.InOrder && (wait.Addresses > 1 || later):
			return refuse(plan.WaitInOrder, "StatefulSet "+plan.Shown(w.Name)+" makes each pod only when the one before is ready, and a pod that waits is not")
		case wait.All && w.Completions > w.Replicas:
			return refuse(plan.WaitParallelism, fmt.Sprintf("%d of %d pods run at once", w.Replicas, w.Completions))
		}
	}
	if wait.All && (w == nil || w.Completions == 0) {
		return refuse(plan.WaitAllUnknown, "no Indexed Job says how many pods that is")
	}
	if service := c.governingService(); itself && service != nil && !service.PublishesNotReady() {
		return refuse(plan.WaitNotPublished, "Service "+plan.Shown(c.Plan.Service)+" does not show pods before they are ready, and a pod that waits is not")
	}
	return false
}

// governingService is nil where it is not known.
func (c *PodCase) governingService() *api.Service {
	services, _ := c.Snapshot.Services(c.Namespace)
	i := slices.IndexFunc(services, func(s api.Service) bool { return s.Metadata.Name == c.Plan.Service })
	if i < 0 {
		return nil
	}
	return &services[i]
}

// warnWait warns at the workload of what may keep a wait from ending, and what that
// costs.
func warnWait(c *PodCase) {
	w := c.Workload
	if w == nil {
		return
	}
	workload := c.Plan.About(&plan.Object{Kind: plan.OwnWorkload})
	if n := c.Intent.Wait.Addresses; w.ReplicasField != "" && n > int(w.Replicas) {
		workload.Warn(plan.WaitForMore, w.ReplicasField, "is "+strconv.Itoa(int(w.Replicas))+", and each pod waits for "+strconv.Itoa(n)+" addresses")
	}
	if (w.Kind == "Job" || w.Kind == "CronJob") && c.Pod.Spec.RestartPolicy == "Never" {
		c.Plan.Warn(plan.WaitCostsRetries, "spec.restartPolicy", "Never: a pod that waits too long has failed, and counts for the Job's backoffLimit")
	}
}

// refuseCapturedDNS refuses a mesh whose init container stands before the waiting one
// and sends DNS queries to a proxy that does not run yet.
func refuseCapturedDNS(c *PodCase, waiting int) {
	for i := range c.Pod.Spec.InitContainers[:waiting] {
		mesh := &c.Pod.Spec.InitContainers[i]
		captures := func(arg string) bool {
			return strings.HasPrefix(arg, "--redirect-dns") || strings.HasPrefix(arg, "--redirect-all-dns") || strings.HasPrefix(arg, "--capture-all-dns")
		}
		if !mesh.Restartable() && (slices.ContainsFunc(mesh.Args, captures) || slices.ContainsFunc(mesh.Command, captures)) {
			c.Plan.RefuseError(plan.WaitMeshDNS, field.Invalid(specPath.Child("initContainers").Index(i).Child("name"), plan.Shown(mesh.Name),
				"it sends DNS queries to a proxy that starts only after "+waitContainer))
			return
		}
	}
}
