package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// InitContainerName is the name of the init container that netmode adds.
const InitContainerName = "netmode-resolvconf"

// The init container's requests, which are its limits, too: a namespace with a
// ResourceQuota refuses containers without them.
const (
	initContainerCPU    = "50m"
	initContainerMemory = "32Mi"
)

// InitContainer says which image the init container runs.
type InitContainer struct {
	// Image holds the netmode binary at /netmode; "" makes the strategy unavailable.
	Image string
	// PullPolicy is Always, IfNotPresent or Never; "" leaves it to Kubernetes.
	PullPolicy string
	// PullSecrets are names of Secrets in the pod's namespace.
	PullSecrets []string
}

// The types below are the members of corev1.Container that are written.
type containerToAdd struct {
	Name                     string          `json:"name"`
	Image                    string          `json:"image"`
	ImagePullPolicy          string          `json:"imagePullPolicy,omitempty"`
	Command                  []string        `json:"command"`
	Resources                resources       `json:"resources"`
	SecurityContext          securityContext `json:"securityContext"`
	TerminationMessagePolicy string          `json:"terminationMessagePolicy"`
}

type resources struct {
	Limits   quantities `json:"limits"`
	Requests quantities `json:"requests"`
}

type quantities struct {
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

type securityContext struct {
	RunAsUser                int64          `json:"runAsUser"`
	RunAsNonRoot             bool           `json:"runAsNonRoot"`
	AllowPrivilegeEscalation bool           `json:"allowPrivilegeEscalation"`
	Capabilities             capabilities   `json:"capabilities"`
	SeccompProfile           seccompProfile `json:"seccompProfile"`
}

type capabilities struct {
	Drop []string `json:"drop"`
}

type seccompProfile struct {
	Type string `json:"type"`
}

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
			domain := c.peerDomain()
			settings := c.Settings.InitContainer
			q := quantities{CPU: initContainerCPU, Memory: initContainerMemory}
			c.Plan.Change(plan.Mutation{Action: plan.InsertFirst, Pointer: "/spec/initContainers", Value: containerToAdd{
				Name:            InitContainerName,
				Image:           settings.Image,
				ImagePullPolicy: settings.PullPolicy,
				Command:         []string{"/netmode", "resolvconf", domain},
				Resources:       resources{Limits: q, Requests: q},
				SecurityContext: securityContext{
					Capabilities:   capabilities{Drop: []string{"ALL"}},
					SeccompProfile: seccompProfile{Type: "RuntimeDefault"},
				},
				TerminationMessagePolicy: "FallbackToLogsOnError",
			}}, plan.SearchByInitContainer, "spec.initContainers", InitContainerName+" puts "+domain+" first in resolv.conf")
			for _, name := range settings.PullSecrets {
				secret := api.LocalObjectReference{Name: name}
				if !slices.Contains(c.Pod.Spec.ImagePullSecrets, secret) {
					c.Plan.Change(plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/imagePullSecrets", Value: secret},
						plan.SearchByInitContainer, "spec.imagePullSecrets", name+", for the image of "+InitContainerName)
				}
			}
			addExtra(c, c.Pod.Searches())
		},
	}
}

func (c *Case) isOwnInitContainer(container api.Container) bool {
	return container.Name == InitContainerName && len(container.Command) == 3 &&
		container.Command[1] == "resolvconf" && c.isPeerDomain(container.Command[2], api.SearchInitContainer)
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
