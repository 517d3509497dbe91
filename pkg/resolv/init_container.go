package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// InitContainerName is the name of the init container that netmode adds.
const InitContainerName = "netmode-resolvconf"

// initContainer rewrites the pod's one resolv.conf, which all its containers
// share, before they start. It runs as root because the file is root's, with
// no capability and no way to gain one.
func initContainer() Strategy {
	return Strategy{
		Name:    api.SearchInitContainer,
		Summary: "a small container rewrites resolv.conf before the others start",
		Place:   "first, for init containers, too",
		Needs:   "root in that container",
		Promise: Promise{
			Variable: "byInitContainer",
			Found: "variables.small && variables.inits.exists(container, container.name == '" + InitContainerName + "' && " +
				"container.?command[?1].orValue('') == 'resolvconf' && " +
				"container.?command[?2].orValue('').startsWith(variables.domain))",
			Holds: "variables.first || variables.byInitContainer",
		},
		inPlace: func(c *Case) bool {
			return c.first(api.SearchInitContainer) || slices.ContainsFunc(c.Pod.Spec.InitContainers, c.isOwnInitContainer)
		},
		obstacles: initContainerObstacles,
		apply: func(c *Case) {
			domains := c.domains()
			c.Settings.InitContainer.Add(c.Plan, c.Pod, OwnContainer{
				Name:    InitContainerName,
				Command: append([]string{"/netmode", "resolvconf"}, domains.Words()...),
				Reason:  plan.SearchByInitContainer,
				Text:    InitContainerName + " puts " + domains.String() + " in resolv.conf",
			})
			warnMusl(c, domains.in(c.kubeletSearches(addExtra(c, c.Pod.Searches()))))
		},
	}
}

func (c *Case) isOwnInitContainer(container api.Container) bool {
	return container.Name == InitContainerName && len(container.Command) > 2 &&
		container.Command[1] == "resolvconf" && c.inWords(container.Command[2:], api.SearchInitContainer)
}

func initContainerObstacles(c *Case) []obstacle {
	var found []obstacle
	if c.NamespaceLabels[api.LabelPodSecurityEnforce] == "restricted" {
		found = append(found, obstacle{reason: plan.InitContainerRoot,
			detail: "the namespace enforces PodSecurity restricted, and the init container must run as root"})
	}
	if c.Settings.InitContainer.Image == "" {
		found = append(found, obstacle{reason: plan.InitContainerImage, detail: "netmode has no image for its init container"})
	}
	lists := []struct {
		field string
		list  []api.Container
	}{{"initContainers", c.Pod.Spec.InitContainers}, {"containers", c.Pod.Spec.Containers}}
	for _, l := range lists {
		for i := range l.list {
			if l.list[i].Name == InitContainerName {
				found = append(found, obstacle{reason: plan.InitContainerName, path: specPath.Child(l.field).Index(i).Child("name"),
					value: InitContainerName, detail: "the name belongs to netmode's init container"})
			}
		}
	}
	return found
}
