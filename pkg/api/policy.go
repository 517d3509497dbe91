package api

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The kind of a policy (policy.netmode.io/v1alpha1); it is cluster-scoped.
const (
	PolicyGroup      = "policy.netmode.io"
	PolicyVersion    = "v1alpha1"
	PolicyAPIVersion = PolicyGroup + "/" + PolicyVersion
	PolicyKind       = "NetworkModePolicy"
	PolicyResource   = "networkmodepolicies"
)

// LabelPolicy with the value PolicyEnabled on a Namespace sends its pods to the
// webhook entries of policies.
const (
	LabelPolicy   = Prefix + "policy"
	PolicyEnabled = "enabled"
)

// Enforcement says what becomes of an object that breaks a policy.
//
// +kubebuilder:validation:Enum=Deny;Warn;Audit
type Enforcement string

// The enforcements.
const (
	// EnforcementDeny refuses the object.
	EnforcementDeny Enforcement = "Deny"
	// EnforcementWarn accepts it with a warning.
	EnforcementWarn Enforcement = "Warn"
	// EnforcementAudit accepts it, and tells the audit log and the metrics.
	EnforcementAudit Enforcement = "Audit"
)

// Enforcements returns every enforcement, strictest first.
func Enforcements() []Enforcement {
	return []Enforcement{EnforcementDeny, EnforcementWarn, EnforcementAudit}
}

// NetworkModePolicy is the part of a policy that decisions read: all but its
// status.
type NetworkModePolicy struct {
	Metadata ObjectMeta            `json:"metadata"`
	Spec     NetworkModePolicySpec `json:"spec"`
}

// NetworkModePolicySpec says which modes the pods of some namespaces may, must
// and do have. The comments of its fields are what kubectl explain shows, and with
// the markers below them the schema of the CustomResourceDefinition: make generate.
// What pkg/policy.Compile refuses, the markers refuse, too.
//
// +kubebuilder:validation:XValidation:rule=`has(self.namespaceSelector)`,reason=FieldValueRequired,fieldPath=`.namespaceSelector`,message=`write {} to select all namespaces`
// +kubebuilder:validation:XValidation:rule=`!has(self.defaultMode) || self.defaultMode == 'default' || !has(self.allowedModes) || self.allowedModes.size() == 0 || self.defaultMode in self.allowedModes`,fieldPath=`.defaultMode`,message=`is not among allowedModes: add it there, or choose another`
// +kubebuilder:validation:XValidation:rule=`!has(self.defaultMode) || self.defaultMode != 'default' || !has(self.requireMode) || !self.requireMode || has(self.allowedModes) && 'default' in self.allowedModes`,fieldPath=`.defaultMode`,message=`is no mode that satisfies requireMode: choose another, or remove requireMode`
// +kubebuilder:validation:XValidation:rule=`!has(self.defaultMode) || !has(self.enforcement) || self.enforcement != 'Audit'`,fieldPath=`.defaultMode`,message=`an Audit policy changes nothing: remove it, or choose enforcement Warn or Deny`
// +kubebuilder:validation:XValidation:rule=`!has(self.searchRewrite) || !has(self.enforcement) || self.enforcement != 'Audit'`,fieldPath=`.searchRewrite`,message=`an Audit policy changes nothing: remove it, or choose enforcement Warn or Deny`
// +kubebuilder:validation:XValidation:rule=`!has(self.resolver) || !has(self.enforcement) || self.enforcement != 'Audit'`,fieldPath=`.resolver`,message=`an Audit policy changes nothing: remove it, or choose enforcement Warn or Deny`
type NetworkModePolicySpec struct {
	// Of several policies with a defaultMode for one pod, the one with the highest priority
	// gives it; of equal ones, the one whose name sorts first. So for searchRewrite and resolver. What
	// policies allow and require does not depend on it. Default: 0. Example: 100
	//
	// +kubebuilder:default=0
	Priority int32 `json:"priority"`
	// Required. Chooses namespaces by their labels; {} chooses all. The label
	// kubernetes.io/metadata.name is each namespace's name. Example:
	//   matchLabels:
	//     team: storm
	NamespaceSelector *NamespaceSelector `json:"namespaceSelector"`
	// Chooses pods of these namespaces by their labels. Default: all pods, and Services that
	// ask for a mode. Who makes a pod sets its labels: what must hold for all is not chosen
	// by them. Example:
	//   matchLabels:
	//     tier: worker
	PodSelector *PodSelector `json:"podSelector"`
	// The mode of pods that ask for none, where the namespace has the label
	// netmode.io/policy=enabled, and no label netmode.io/mode. A pod that the mode cannot
	// serve is left as it is. Default: no mode. Example: statefulset-headless
	DefaultMode Mode `json:"defaultMode"`
	// The modes that pods and Services may have. The mode default is allowed in any case,
	// unless requireMode is true. Default: all. Example: [headless, statefulset-headless]
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:XValidation:rule=`self.size() > 0`,message=`is empty: list the modes that may be asked for, or leave allowedModes out to allow all`
	AllowedModes ModeSet `json:"allowedModes"`
	// Whether each pod must have a mode: asked for, or inherited. The mode default counts as
	// one only if allowedModes lists it. Default: false
	//
	// +kubebuilder:default=false
	RequireMode bool `json:"requireMode"`
	// What becomes of a pod or a Service that breaks the policy. Deny refuses it. Warn
	// accepts it, and warns whoever made it. Audit accepts it, and tells the audit log and the
	// metrics; an Audit policy has no defaultMode, searchRewrite or resolver. Default: Deny
	//
	// +kubebuilder:default=Deny
	Enforcement Enforcement `json:"enforcement"`
	// What pods may take of a node: its network, in mode hostnetwork or with hostNetwork
	// set by hand, and its ports. Default: anything, where allowedModes has hostnetwork.
	HostNetwork *HostNetwork `json:"hostNetwork"`
	// How the domain of their peers gets into the resolv.conf of pods in mode
	// statefulset-headless, and of those with the annotation netmode.io/peers. The one policy
	// with the highest priority counts. Default: as the webhook's auto has it.
	SearchRewrite *PolicyRewrite `json:"searchRewrite"`
	// Options of the resolver for pods that have a mode, but default, or the annotation
	// netmode.io/peers. The one policy with the highest priority counts. Default: none.
	Resolver *PolicyResolver `json:"resolver"`
}

// HostNetwork says what pods on the host network may do, whoever put them
// there.
type HostNetwork struct {
	// Whether pods may set hostNetwork by hand, without the mode hostnetwork. Default: whether
	// allowedModes has hostnetwork
	AllowUnmanaged *bool `json:"allowUnmanaged"`
	// Whether pods on the host network must declare a port: the scheduler keeps two pods
	// with one port off one node only if it is declared. Default: false
	//
	// +kubebuilder:default=false
	RequireDeclaredPorts bool `json:"requireDeclaredPorts"`
	// The ports of a node that pods may take, both ends included: every port that a pod on
	// the host network declares, and every hostPort without it. Default: all. Example:
	//   min: 20000
	//   max: 29999
	PortRange *PortRange `json:"portRange"`
}

// PortRange is a range of ports, both ends included.
//
// +kubebuilder:validation:XValidation:rule=`self.min <= self.max`,fieldPath=`.min`,message=`is more than max: exchange min and max`
type PortRange struct {
	// The lowest port. Example: 20000
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Min int32 `json:"min"`
	// The highest port, not less than min. Example: 29999
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Max int32 `json:"max"`
}

// PolicyRewrite is the search rewrite of pods that have peers.
//
// +kubebuilder:validation:XValidation:rule=`has(self.strategy) || has(self.extraSearches) && self.extraSearches.size() > 0`,reason=FieldValueRequired,message=`write a strategy or extraSearches, or leave searchRewrite out`
// +kubebuilder:validation:XValidation:rule=`!has(self.strategy) || self.strategy != 'none' || !has(self.extraSearches) || self.extraSearches.size() == 0`,fieldPath=`.strategy`,message=`adds no extraSearches: remove them, or choose another strategy`
type PolicyRewrite struct {
	// The strategy of pods without the annotation netmode.io/search-rewrite. A pod that cannot
	// have it gets auto, with a warning. Default: auto. Example: prepend
	Strategy SearchRewrite `json:"strategy"`
	// Search domains to put behind the cluster's own, in every strategy but none.
	// Default: none. Example: [corp.example]
	//
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule=`self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message=`must be a domain in lower case, of letters, digits, '-' and '.', such as corp.example`
	ExtraSearches []string `json:"extraSearches"`
}

// DecodePolicy reads a policy strictly: a field that a policy does not have is
// an error, as is one of the wrong type. The error names it.
func DecodePolicy(text []byte) (*NetworkModePolicy, error) {
	var split struct {
		Metadata ObjectMeta     `json:"metadata"`
		Spec     jsontext.Value `json:"spec"`
	}
	if err := Decode(text, &split, ""); err != nil {
		return nil, err
	}
	p := &NetworkModePolicy{Metadata: split.Metadata}
	if len(split.Spec) == 0 {
		return p, nil
	}
	err := json.Unmarshal(split.Spec, &p.Spec, json.RejectUnknownMembers(true))
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok && errors.Is(err, json.ErrUnknownName) {
		return nil, fmt.Errorf("%s: is no field of a %s: correct it or remove it", FieldName("spec", wrong.JSONPointer), PolicyKind)
	}
	if err := inWords(err, "spec"); err != nil {
		return nil, err
	}
	return p, nil
}
