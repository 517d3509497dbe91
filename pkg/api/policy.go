package api

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
// and do have.
type NetworkModePolicySpec struct {
	// Priority decides whose defaultMode and searchRewrite count: the highest,
	// then the lowest name.
	Priority int32 `json:"priority"`
	// NamespaceSelector chooses namespaces by their labels; {} chooses all.
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	// PodSelector chooses pods by their labels; absent, it chooses all pods, and
	// Services.
	PodSelector *metav1.LabelSelector `json:"podSelector"`
	// DefaultMode is the mode of pods that ask for none.
	DefaultMode Mode `json:"defaultMode"`
	// AllowedModes are the modes that may be asked for; absent: all. Mode default
	// need not be listed.
	AllowedModes []Mode `json:"allowedModes"`
	// RequireMode demands a mode of each pod; mode default counts only where it
	// is listed in AllowedModes.
	RequireMode bool `json:"requireMode"`
	// Enforcement is Deny if absent.
	Enforcement   Enforcement    `json:"enforcement"`
	HostNetwork   *HostNetwork   `json:"hostNetwork"`
	SearchRewrite *PolicyRewrite `json:"searchRewrite"`
}

// HostNetwork says what pods on the host network may do, whoever put them
// there.
type HostNetwork struct {
	// AllowUnmanaged false refuses pods that set hostNetwork without mode
	// hostnetwork. Absent: true.
	AllowUnmanaged *bool `json:"allowUnmanaged"`
	// RequireDeclaredPorts demands that a container declares a port.
	RequireDeclaredPorts bool `json:"requireDeclaredPorts"`
	// PortRange holds every port that is declared.
	PortRange *PortRange `json:"portRange"`
}

// PortRange is a range of ports, both ends included.
type PortRange struct {
	Min int32 `json:"min"`
	Max int32 `json:"max"`
}

// PolicyRewrite is the search rewrite of pods in mode statefulset-headless.
type PolicyRewrite struct {
	// Strategy holds for pods that ask for none and can have it.
	Strategy SearchRewrite `json:"strategy"`
	// ExtraSearches come behind the cluster's own search domains.
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
		return nil, fmt.Errorf("%s: is no field of a %s: correct it or remove it", fieldName("spec", wrong.JSONPointer), PolicyKind)
	}
	if err := inWords(err, "spec"); err != nil {
		return nil, err
	}
	return p, nil
}
