package mode

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// meshContainers are the proxies of service meshes, and the init containers that
// write their iptables rules or look for them, as each mesh's injector names them;
// read-only.
var meshContainers = []string{
	"istio-proxy", "istio-init", "istio-validation",
	"linkerd-proxy", "linkerd-init", "linkerd-network-validator",
	"consul-dataplane", "consul-connect-inject-init",
	"kuma-sidecar", "kuma-init", "kuma-validation",
	"nginx-mesh-sidecar", "nginx-mesh-init",
	"osm-init",  // Open Service Mesh; its proxy is named envoy, as others' own are
	"proxyinit", // AWS App Mesh, likewise
}

func refuseMeshSidecar(c *PodCase) {
	look := func(list string, containers []api.Container) {
		for i := range containers {
			if slices.Contains(meshContainers, containers[i].Name) && !c.Plan.Counted(plan.Refused, plan.MeshSidecar) {
				c.Plan.Refuse(plan.MeshSidecar, specPath.Child(list).Index(i).Child("name"), containers[i].Name,
					"a service mesh was injected already, and its rules would be the node's")
			}
		}
	}
	look("initContainers", c.Pod.Spec.InitContainers)
	look("containers", c.Pod.Spec.Containers)
}

// warnInitNetAdmin warns of init containers that can write iptables rules and routes,
// which is what they are for, most often. Those of a mesh are refused already.
func warnInitNetAdmin(c *PodCase) {
	for i := range c.Pod.Spec.InitContainers {
		container := &c.Pod.Spec.InitContainers[i]
		at, what := netAdmin(container.SecurityContext)
		if at == nil || slices.Contains(meshContainers, container.Name) || c.Plan.Counted(plan.Warned, plan.InitContainerNetAdmin) {
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
