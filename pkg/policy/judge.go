package policy

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Pod is a pod as it is after its mode was applied, for a judgement.
type Pod struct {
	// Mode is the mode that the pod has: "" if it has none.
	Mode api.Mode
	// ModeField is what asks for the mode, or could, and ModeNote what is to be said
	// of a mode that the pod itself does not ask for; it may be empty.
	ModeField *field.Path
	ModeNote  string
	// Spec is the pod's, but for HostNetwork below.
	Spec *api.PodSpec
	// HostNetwork says whether the pod will be on the host network.
	HostNetwork bool
	// Critical pods start whatever they break: a rule must not stop what a node
	// needs to come back.
	Critical bool
}

// JudgePod records what each of the policies has to say of the pod, under its
// own enforcement: the strictest verdict wins, since one refusal refuses. The
// set is that of the pod.
func (s Set) JudgePod(pod *Pod, p *plan.Plan) {
	optOut := !slices.ContainsFunc(s.policies, (*Policy).forbidsDefault)
	for _, policy := range s.policies {
		j := judgement{policy: policy, all: s, plan: p, enforcement: policy.Enforcement, optOut: optOut, note: pod.ModeNote}
		if pod.Critical && j.enforcement == api.EnforcementDeny {
			j.enforcement = api.EnforcementWarn
		}
		j.mode(pod.Mode, pod.ModeField)
		if pod.HostNetwork {
			j.hostNetwork(pod)
		}
	}
}

// JudgeService records what the policies say of the mode that a Service asks
// for. The set is that of Services.
func (s Set) JudgeService(mode api.Mode, modeField *field.Path, p *plan.Plan) {
	if mode == "" {
		return
	}
	for _, policy := range s.policies {
		j := judgement{policy: policy, all: s, plan: p, enforcement: policy.Enforcement, optOut: true}
		j.allowed(mode, modeField)
	}
}

// judgement is one policy's of one object.
type judgement struct {
	policy *Policy
	all    Set
	plan   *plan.Plan
	// enforcement is the policy's, or a milder one.
	enforcement api.Enforcement
	// optOut says that no policy refuses mode default.
	optOut bool
	// note is the ModeNote of the pod.
	note string
}

// broken records that the object breaks the policy. A nil value stands for a
// field that is missing.
func (j *judgement) broken(reason plan.Reason, path *field.Path, value any, detail string) {
	detail = fmt.Sprintf("policy %s %s", j.policy.Name, detail)
	switch j.enforcement {
	case api.EnforcementWarn:
		j.plan.Warn(reason, path.String(), detail)
	case api.EnforcementAudit:
		j.plan.Audit(reason, path.String(), detail)
	default:
		j.plan.Refuse(reason, path, value, detail)
	}
}

// mode decides about the pod's mode:
//
//	mode     requireMode  allowedModes  verdict
//	none     no           any           good
//	none     yes          any           broken: PolicyModeRequired
//	default  no           any           good
//	default  yes          lists it      good
//	default  yes          any other     broken: PolicyModeRequired
//	another  any          absent        good
//	another  any          lists it      good
//	another  any          any other     broken: PolicyModeNotAllowed
func (j *judgement) mode(mode api.Mode, modeField *field.Path) {
	switch mode {
	case "", api.ModeDefault:
		if !j.policy.Spec.RequireMode || mode != "" && slices.Contains(j.policy.Spec.AllowedModes, mode) {
			return
		}
		var value any
		if mode != "" {
			value = mode
		}
		j.broken(plan.PolicyModeRequired, modeField, value, "requires a mode: "+words(j.policy.required())+j.noted())
	default:
		j.allowed(mode, modeField)
	}
}

func (j *judgement) allowed(mode api.Mode, modeField *field.Path) {
	spec := &j.policy.Spec
	if mode == api.ModeDefault || j.policy.permits(mode) {
		return
	}
	detail := "allows " + words(spec.AllowedModes) + j.others()
	if j.optOut && !slices.Contains(spec.AllowedModes, api.ModeDefault) {
		detail += "; mode default is allowed, too"
	}
	j.broken(plan.PolicyModeNotAllowed, modeField, mode, detail+j.noted())
}

func (j *judgement) noted() string {
	if j.note == "" {
		return ""
	}
	return "; " + j.note
}

// forbidsDefault says whether the policy refuses mode default.
func (p *Policy) forbidsDefault() bool {
	return p.Enforcement == api.EnforcementDeny && refusesDefault(&p.Spec)
}

// others says what the object's other policies leave of the modes that this one allows.
func (j *judgement) others() string {
	if !j.policy.restricts() {
		return ""
	}
	if c := j.all.conflicts()[j.policy.Name]; c != nil {
		names := sets.List(c.certain.Union(c.possible).Insert(j.policy.Name))
		return "; the policies " + strings.Join(names, ", ") + " allow nothing in common"
	}
	if common := inCommon(j.all.restrictions()); common != 0 && common != j.policy.modes() {
		return "; all policies together allow " + words(common.list())
	}
	return ""
}

// required are the modes that would do.
func (p *Policy) required() []api.Mode {
	if p.Spec.AllowedModes != nil {
		return p.Spec.AllowedModes
	}
	return api.Modes()[1:]
}

func (j *judgement) hostNetwork(pod *Pod) {
	rules := j.policy.Spec.HostNetwork
	if rules == nil {
		return
	}
	if rules.AllowUnmanaged != nil && !*rules.AllowUnmanaged && pod.Mode != api.ModeHostNetwork {
		j.broken(plan.PolicyHostNetworkUnmanaged, field.NewPath("spec", "hostNetwork"), true, "allows the host network only in mode hostnetwork")
	}
	declared := false
	for _, list := range []struct {
		name       string
		containers []api.Container
	}{{"initContainers", pod.Spec.InitContainers}, {"containers", pod.Spec.Containers}} {
		for i := range list.containers {
			container := &list.containers[i]
			declared = declared || len(container.Ports) > 0 && (list.name == "containers" || container.Restartable())
			j.portRange(rules.PortRange, container.Ports, field.NewPath("spec", list.name).Index(i).Child("ports"))
		}
	}
	if rules.RequireDeclaredPorts && !declared {
		j.broken(plan.PolicyPortsUndeclared, field.NewPath("spec", "containers"), nil, "requires that pods on the host network declare their ports")
	}
}

// portRange looks at the ports that the container has on its node: the
// hostPort, or else the containerPort.
func (j *judgement) portRange(r *api.PortRange, ports []api.ContainerPort, path *field.Path) {
	if r == nil {
		return
	}
	for i, port := range ports {
		name, number := "containerPort", port.ContainerPort
		if port.HostPort != 0 {
			name, number = "hostPort", port.HostPort
		}
		if number < r.Min || number > r.Max {
			j.broken(plan.PolicyPortOutOfRange, path.Index(i).Child(name), number, fmt.Sprintf("allows ports %d to %d on the host network", r.Min, r.Max))
		}
	}
}

// words joins modes for a person.
func words(modes []api.Mode) string {
	texts := make([]string, len(modes))
	for i, m := range modes {
		texts[i] = string(m)
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}
