package policy

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// What a policy says of an object that breaks it, by the Go judgement and by the
// API server alike.
const requiresPorts = "requires that pods on the host network declare their ports"

// looksAt is what a policy says of a pod that is too large for its loops.
func looksAt() string {
	return fmt.Sprintf("looks at no more than %d containers, %d init containers and %d ports of a pod",
		api.MaxContainers, api.MaxInitContainers, api.MaxPorts)
}

// tooLarge says whether a rule does not look at the pod's ports, here and in the
// API server.
func tooLarge(spec *api.PodSpec) bool {
	if len(spec.Containers) > api.MaxContainers || len(spec.InitContainers) > api.MaxInitContainers {
		return true
	}
	ports := 0
	for _, list := range [][]api.Container{spec.Containers, spec.InitContainers} {
		for i := range list {
			ports += len(list[i].Ports)
		}
	}
	return ports > api.MaxPorts
}

var (
	modePath        = field.NewPath("metadata").Child("annotations").Key(api.AnnotationMode)
	hostNetworkPath = field.NewPath("spec", "hostNetwork")
	containersPath  = field.NewPath("spec", "containers")
)

// says names the policy.
func (p *Policy) says(detail string) string { return "policy " + p.Name + " " + detail }

func (p *Policy) allowsModes() string { return "allows " + words(p.Spec.AllowedModes) }

func (p *Policy) requiresMode() string { return "requires a mode: " + words(p.required()) }

// required are the modes that would do.
func (p *Policy) required() []api.Mode {
	if p.Spec.AllowedModes != nil {
		return p.Spec.AllowedModes
	}
	return slices.DeleteFunc(api.Modes(), func(m api.Mode) bool { return m == api.ModeDefault })
}

// allowsHostNetwork never names a way that the policy itself forbids.
func (p *Policy) allowsHostNetwork() string {
	if p.permits(api.ModeHostNetwork) {
		return "allows the host network only in mode " + string(api.ModeHostNetwork)
	}
	return "allows the host network to no pod"
}

// allowsUnmanaged says whether pods may be on the host network without mode
// hostnetwork: as the policy says, else if it allows that mode.
func (p *Policy) allowsUnmanaged() bool {
	if h := p.Spec.HostNetwork; h != nil && h.AllowUnmanaged != nil {
		return *h.AllowUnmanaged
	}
	return p.permits(api.ModeHostNetwork)
}

func allowsPorts(r *api.PortRange) string {
	return fmt.Sprintf("allows ports %d to %d of a node", r.Min, r.Max)
}

// anyValue stands for a value that a message does not name.
type anyValue struct{}

// fault says what is wrong with the value at path. A nil value stands for a
// field that is missing.
func fault(path *field.Path, value any, detail string) *field.Error {
	switch value.(type) {
	case nil:
		return field.Required(path, detail)
	case anyValue:
		return field.Forbidden(path, detail)
	default:
		return field.Invalid(path, value, detail)
	}
}
