package policy

import (
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// ConditionEnforced is True where the API server holds what the policy forbids.
const ConditionEnforced = "Enforced"

// Reasons of condition Enforced, beside ReasonNotUnderstood.
const (
	ReasonEnforced         = "Enforced"
	ReasonNothingForbidden = "NothingForbidden"
	ReasonPending          = "Pending"
	ReasonObserveOnly      = "ObserveOnly"
	ReasonNotApplied       = "NotApplied"
	ReasonNameTaken        = "NameTaken"
	ReasonTypeChecking     = "TypeChecking"
)

// AdmissionFound is what a cluster has of one AdmissionPolicy.
type AdmissionFound struct {
	// Name is that of the policy and of its binding.
	Name string
	// Taken is the kind of the object of that name that is not netmode's; "": none.
	Taken string
	// Problem is why they are not as compiled; nil: they are.
	Problem error
	// Policy is the cluster's, where there is no problem.
	Policy *admissionregistrationv1.ValidatingAdmissionPolicy
}

// Enforced says whether the API server holds what the policy forbids, where this
// has been found of each of its AdmissionPolicies.
func (p *Policy) Enforced(settings *AdmissionSettings, found []AdmissionFound) Condition {
	status, reason, message := p.enforced(settings, found)
	return Condition{ConditionEnforced, status, reason, clip(message) + p.byHand()}
}

func (p *Policy) enforced(settings *AdmissionSettings, found []AdmissionFound) (status metav1.ConditionStatus, reason, message string) {
	if len(found) == 0 {
		return metav1.ConditionTrue, ReasonNothingForbidden, "the policy forbids nothing"
	}
	for i := range found {
		switch f := &found[i]; {
		case f.Taken != "":
			return metav1.ConditionFalse, ReasonNameTaken, fmt.Sprintf(
				"%s %s is there and is not netmode's, so that the policy is not enforced: delete that one, or give the policy another name", f.Taken, f.Name)
		case f.Problem != nil:
			return metav1.ConditionFalse, ReasonNotApplied, fmt.Sprintf(
				"ValidatingAdmissionPolicy %s and its binding are not as the policy has it, and are tried again: %v", f.Name, f.Problem)
		}
	}
	for i := range found {
		if checked := found[i].Policy.Status; checked.ObservedGeneration < found[i].Policy.Generation {
			return metav1.ConditionUnknown, ReasonPending, fmt.Sprintf(
				"ValidatingAdmissionPolicy %s is applied, and kube-controller-manager has not type-checked it yet", found[i].Name)
		}
	}
	if warnings := typeWarnings(found); warnings != "" {
		return metav1.ConditionFalse, ReasonTypeChecking, "the API server doubts the rules, and refuses what they fail on: install a version of netmode made for this version of Kubernetes: " + warnings
	}
	switch action := p.action(settings.ObserveOnly); {
	case settings.ObserveOnly && p.Enforcement != api.EnforcementAudit:
		return metav1.ConditionFalse, ReasonObserveOnly, "netmode only observes: bound with Audit, and not with " + string(p.action(false)) + ": remove --observe-only from netmode-policies"
	default:
		return metav1.ConditionTrue, ReasonEnforced, "bound with " + string(action)
	}
}

// typeWarnings are the first of what type checking found.
func typeWarnings(found []AdmissionFound) string {
	const most = 3
	var all []string
	for i := range found {
		if checked := found[i].Policy.Status.TypeChecking; checked != nil {
			for _, w := range checked.ExpressionWarnings {
				all = append(all, found[i].Name+" "+w.FieldRef+": "+w.Warning)
			}
		}
	}
	if more := len(all) - most; more > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}

// byHand tells of policies that were stored while allowUnmanaged had a default.
func (p *Policy) byHand() string {
	if p.permits(api.ModeHostNetwork) || !p.allowsUnmanaged() {
		return ""
	}
	return "; hostNetwork.allowUnmanaged is true, though hostnetwork is not among allowedModes: pods may still set hostNetwork by hand: remove allowUnmanaged if that is not meant"
}

// clip bounds a message, in which others may have their say.
func clip(message string) string {
	const most = 2000
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}
