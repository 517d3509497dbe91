package mode

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// refuseMeshSidecar refuses a pod that a mesh's injector has been at.
func refuseMeshSidecar(c *PodCase) {
	look := func(list string, containers []api.Container) {
		for i := range containers {
			if mesh := meshOf(containers[i].Name); mesh != nil && !c.Plan.Counted(plan.Refused, plan.MeshSidecar) {
				c.Plan.Refuse(plan.MeshSidecar, specPath.Child(list).Index(i).Child("name"), containers[i].Name,
					"a service mesh was injected already, and its rules would be the node's; "+keepsAway(mesh))
			}
		}
	}
	look("initContainers", c.Pod.Spec.InitContainers)
	look("containers", c.Pod.Spec.Containers)
}

// meshOf is the mesh whose injector names a container so; nil: none.
func meshOf(container string) *api.Mesh {
	meshes := api.Meshes()
	for i := range meshes {
		if slices.Contains(meshes[i].Containers, container) {
			return &meshes[i]
		}
	}
	return nil
}

// keepsAway is what keeps a mesh from a pod.
func keepsAway(m *api.Mesh) string {
	off, in := m.Pod[0], "annotations"
	if off.Label {
		in = "labels"
	}
	return fmt.Sprintf("%s: %q among the pod's %s keeps %s away", off.Key, off.No[0], in, m.Name)
}

// warnMeshInjection warns of a pod that is to have a sidecar, and cannot: it depends on
// the order of the webhooks whether it is refused, or runs outside of the mesh.
func warnMeshInjection(c *PodCase) {
	namespace, _ := c.Snapshot.Namespace(c.Namespace)
	meshes := api.Meshes()
	for i := range meshes {
		mesh := &meshes[i]
		asks, value, ofNamespace := mesh.Asks(&c.Pod.Metadata, &namespace)
		if asks == nil || hasSidecar(&c.Pod.Spec, mesh) {
			continue
		}
		about, member := c.Plan.About(nil), "annotations"
		if ofNamespace {
			about = c.Plan.About(&plan.Object{Kind: plan.OwnNamespace})
		}
		if asks.Label {
			member = "labels"
		}
		then := ", and a pod on the host network that gets one is refused"
		if mesh.SkipsHostNetwork {
			then = ": a pod that gets it before netmode is called is refused, and one that is on the host network by then is left out of the mesh"
		}
		about.Warn(plan.MeshInjection, field.NewPath("metadata", member).Key(asks.Key).String(),
			fmt.Sprintf("%q asks %s for a sidecar%s; %s", plan.Shown(value), mesh.Name, then, keepsAway(mesh)))
	}
}

func hasSidecar(spec *api.PodSpec, mesh *api.Mesh) bool {
	named := func(container api.Container) bool { return slices.Contains(mesh.Containers, container.Name) }
	return slices.ContainsFunc(spec.Containers, named) || slices.ContainsFunc(spec.InitContainers, named)
}

// warnInitNetAdmin warns of init containers that can write iptables rules and routes,
// which is what they are for, most often. Those of a mesh are refused already.
func warnInitNetAdmin(c *PodCase) {
	for i := range c.Pod.Spec.InitContainers {
		container := &c.Pod.Spec.InitContainers[i]
		at, what := netAdmin(container.SecurityContext)
		if at == nil || meshOf(container.Name) != nil || c.Plan.Counted(plan.Warned, plan.InitContainerNetAdmin) {
			continue
		}
		path := specPath.Child("initContainers").Index(i).Child("securityContext")
		c.Plan.Warn(plan.InitContainerNetAdmin, path.String()+"."+at.String(),
			what+" lets init container "+plan.Shown(container.Name)+" write iptables rules and routes, and they would be the node's")
	}
}

// netAdmin is what lets a container administer the network that it is in, and its
// field in the securityContext; nil: nothing does.
func netAdmin(s *api.SecurityContext) (at *field.Path, what string) {
	switch {
	case s == nil:
		return nil, ""
	case s.Privileged != nil && *s.Privileged:
		return field.NewPath("privileged"), "true"
	case s.Capabilities == nil:
		return nil, ""
	}
	added := s.Capabilities.Add[:min(len(s.Capabilities.Add), api.MaxCapabilities)]
	i := slices.IndexFunc(added, api.GivesNetAdmin)
	if i < 0 {
		return nil, ""
	}
	return field.NewPath("capabilities", "add").Index(i), added[i]
}
