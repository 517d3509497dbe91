package policy

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// Pod is a pod as it is after its mode was applied, for a judgement.
type Pod struct {
	// Mode is the mode that the pod has: "" if it has none.
	Mode api.Mode
	// ModeField is what asks for the mode, or could, in ModeObject, and ModeNote what
	// is to be said of a mode that the pod itself does not ask for; it may be empty.
	ModeObject *plan.Object
	ModeField  *field.Path
	ModeNote   string
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
// set is that of the pod. It is what the API server says of the pod by the
// AdmissionPolicies of each policy, in more words.
func (s Set) JudgePod(pod *Pod, p *plan.Plan) {
	if pod.Critical {
		p.Keep(plan.SystemCritical, "spec.priorityClassName", pod.Spec.PriorityClassName+" lets the pod pass by every policy here")
		return
	}
	optOut := !slices.ContainsFunc(s.policies, (*Policy).forbidsDefault)
	conflicts := sync.OnceValue(s.conflicts)
	for _, policy := range s.policies {
		j := judgement{policy: policy, all: s, conflicts: conflicts, plan: p, optOut: optOut, modeObject: pod.ModeObject, note: pod.ModeNote}
		j.mode(pod.Mode, pod.ModeField)
		j.hostNetwork(pod)
	}
}

// JudgeService records what the policies say of the mode that a Service asks
// for. The set is that of Services.
func (s Set) JudgeService(mode api.Mode, modeField *field.Path, p *plan.Plan) {
	if mode == "" {
		return
	}
	conflicts := sync.OnceValue(s.conflicts)
	for _, policy := range s.policies {
		j := judgement{policy: policy, all: s, conflicts: conflicts, plan: p, optOut: true}
		j.allowed(mode, modeField)
	}
}

// judgement is one policy's of one object.
type judgement struct {
	policy *Policy
	all    Set
	// conflicts are those of all.
	conflicts func() map[string]*conflict
	plan      *plan.Plan
	// optOut says that no policy refuses mode default.
	optOut bool
	// modeObject and note are the pod's ModeObject and ModeNote.
	modeObject *plan.Object
	note       string
}

// broken records that the object breaks the policy; the value is fault's.
func (j *judgement) broken(reason plan.Reason, path *field.Path, value any, detail string) {
	j.brokenAt(nil, reason, path, value, detail)
}

// brokenAt is broken where the field is another object's.
func (j *judgement) brokenAt(object *plan.Object, reason plan.Reason, path *field.Path, value any, detail string) {
	about := j.plan.About(object)
	detail = j.policy.says(detail)
	switch j.policy.Enforcement {
	case api.EnforcementWarn:
		about.Warn(reason, path.String(), detail)
	case api.EnforcementAudit:
		about.Audit(reason, path.String(), detail)
	default:
		about.RefuseError(reason, fault(path, value, detail))
	}
}

// verdict is what the plan has of an object that breaks the policy.
func (j *judgement) verdict() plan.Verdict {
	switch j.policy.Enforcement {
	case api.EnforcementWarn:
		return plan.Warned
	case api.EnforcementAudit:
		return plan.Audited
	default:
		return plan.Refused
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
		if !j.policy.Spec.RequireMode || mode != "" && j.policy.permits(mode) {
			return
		}
		var value any
		if mode != "" {
			value = mode
		}
		j.brokenAt(j.modeObject, plan.PolicyModeRequired, modeField, value, j.policy.requiresMode()+j.others()+j.noted())
	default:
		j.allowed(mode, modeField)
	}
}

func (j *judgement) allowed(mode api.Mode, modeField *field.Path) {
	if mode == api.ModeDefault || j.policy.permits(mode) {
		return
	}
	detail := j.policy.allowsModes() + j.others()
	if j.optOut && !slices.Contains(j.policy.Spec.AllowedModes, api.ModeDefault) {
		detail += "; mode default is allowed, too"
	}
	j.brokenAt(j.modeObject, plan.PolicyModeNotAllowed, modeField, mode, detail+j.noted())
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
	if c := j.conflicts()[j.policy.Name]; c != nil {
		return "; the policies " + some(c.certain.Union(c.possible).Insert(j.policy.Name)) + " allow nothing in common"
	}
	if common := inCommon(j.all.restrictions()); common != 0 && common != j.policy.modes() {
		return "; all policies together allow " + words(common.list())
	}
	return ""
}

// hostNetwork decides about the ports that the pod takes of its node:
//
//	rule                  looks at                          broken
//	allowUnmanaged false  pods on the host network that     PolicyHostNetworkUnmanaged
//	                      are not in mode hostnetwork
//	requireDeclaredPorts  pods on the host network          PolicyPortsUndeclared, PodTooLarge
//	portRange             every port of a node, hostPorts   PolicyPortOutOfRange, PodTooLarge
//	                      of other pods included
func (j *judgement) hostNetwork(pod *Pod) {
	if pod.HostNetwork && pod.Mode != api.ModeHostNetwork && !j.policy.allowsUnmanaged() {
		j.broken(plan.PolicyHostNetworkUnmanaged, hostNetworkPath, true, j.policy.allowsHostNetwork())
	}
	rules := j.policy.Spec.HostNetwork
	if rules == nil || rules.PortRange == nil && !(rules.RequireDeclaredPorts && pod.HostNetwork) {
		return
	}
	if tooLarge(pod.Spec) {
		j.broken(plan.PodTooLarge, containersPath, anyValue{}, looksAt())
		return
	}
	declared := false
	for _, list := range []struct {
		name       string
		containers []api.Container
	}{{"initContainers", pod.Spec.InitContainers}, {"containers", pod.Spec.Containers}} {
		for i := range list.containers {
			container := &list.containers[i]
			declared = declared || len(container.Ports) > 0 && (list.name == "containers" || container.Restartable())
			j.portRange(pod.HostNetwork, container.Ports, field.NewPath("spec", list.name).Index(i).Child("ports"))
		}
	}
	if rules.RequireDeclaredPorts && pod.HostNetwork && !declared {
		j.broken(plan.PolicyPortsUndeclared, containersPath, nil, requiresPorts)
	}
}

// portRange looks at the ports that the container has on its node: the hostPort,
// or else, on the host network, the containerPort, which the API server makes
// the hostPort.
func (j *judgement) portRange(hostNetwork bool, ports []api.ContainerPort, path *field.Path) {
	r := j.policy.Spec.HostNetwork.PortRange
	if r == nil {
		return
	}
	for i, port := range ports {
		name, number := "hostPort", port.HostPort
		if number == 0 && hostNetwork {
			name, number = "containerPort", port.ContainerPort
		}
		if number != 0 && (number < r.Min || number > r.Max) && !j.plan.Counted(j.verdict(), plan.PolicyPortOutOfRange) {
			j.broken(plan.PolicyPortOutOfRange, path.Index(i).Child(name), number, allowsPorts(r))
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
