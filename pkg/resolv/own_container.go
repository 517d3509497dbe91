package resolv

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// The requests of netmode's init containers, which are their limits, too: a namespace
// with a ResourceQuota refuses containers without them.
const (
	initContainerCPU    = "50m"
	initContainerMemory = "32Mi"
)

// InitContainer says which image netmode's init containers run.
type InitContainer struct {
	// Image holds the netmode binary at /netmode; "" makes them unavailable.
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
	SecurityContext          SecurityContext `json:"securityContext"`
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

// SecurityContext is what an init container of netmode's says of its user; the rest
// is the same for all: no capability, and no way to gain one.
type SecurityContext struct {
	RunAsUser                int64          `json:"runAsUser"`
	RunAsNonRoot             bool           `json:"runAsNonRoot"`
	ReadOnlyRootFilesystem   bool           `json:"readOnlyRootFilesystem,omitzero"`
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

// OwnContainer is an init container of netmode's image.
type OwnContainer struct {
	Name string
	// Command begins with "/netmode".
	Command []string
	User    SecurityContext
	// OfOnePod says that another pod of the same template has another command.
	OfOnePod bool
	// Reason and Text are told of it.
	Reason plan.Reason
	Text   string
}

// Add puts the container first among the pod's init containers, with the Secrets that
// its image is pulled with.
func (s *InitContainer) Add(p *plan.Plan, pod *api.Pod, own OwnContainer) {
	own.User.Capabilities, own.User.SeccompProfile = capabilities{Drop: []string{"ALL"}}, seccompProfile{Type: "RuntimeDefault"}
	q := quantities{CPU: initContainerCPU, Memory: initContainerMemory}
	p.Change(plan.Mutation{Action: plan.InsertFirst, Pointer: "/spec/initContainers", OfOnePod: own.OfOnePod, Value: containerToAdd{
		Name:                     own.Name,
		Image:                    s.Image,
		ImagePullPolicy:          s.PullPolicy,
		Command:                  own.Command,
		Resources:                resources{Limits: q, Requests: q},
		SecurityContext:          own.User,
		TerminationMessagePolicy: "FallbackToLogsOnError",
	}}, own.Reason, "spec.initContainers", own.Text)
	for _, name := range s.PullSecrets {
		m := plan.Mutation{Action: plan.AppendLast, Pointer: "/spec/imagePullSecrets", Value: api.LocalObjectReference{Name: name}}
		planned := slices.ContainsFunc(p.Mutations, func(other plan.Mutation) bool { return other.Pointer == m.Pointer && other.Value == m.Value })
		if !planned && !slices.Contains(pod.Spec.ImagePullSecrets, api.LocalObjectReference{Name: name}) {
			p.Change(m, own.Reason, "spec.imagePullSecrets", name+", for the image of "+own.Name)
		}
	}
}
