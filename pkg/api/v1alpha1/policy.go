// Package v1alpha1 is a NetworkModePolicy as the API server holds it: the
// CustomResourceDefinition is made of it. Decisions read the view in pkg/api.
//
// +groupName=policy.netmode.io
// +kubebuilder:validation:Optional
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/api"
)

// NetworkModePolicy says which network modes the pods of some namespaces may, must and do
// have. Every policy that selects a pod is judged by itself; the strictest verdict wins. The
// API server holds it in every namespace that it selects, whatever the namespace's labels and
// whether netmode runs or not. What a policy gives (defaultMode, searchRewrite, resolver) reaches pods
// without an annotation of netmode's only in namespaces with the label
// netmode.io/policy=enabled or netmode.io/mode.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,path=networkmodepolicies,shortName=nmp,categories=netmode
// +kubebuilder:subresource:status
// +kubebuilder:metadata:labels="app.kubernetes.io/name=netmode"
// +kubebuilder:metadata:labels="app.kubernetes.io/component=policies"
// +kubebuilder:printcolumn:name=Priority,type=integer,JSONPath=`.spec.priority`,description="Of two defaults, the one with the higher priority counts."
// +kubebuilder:printcolumn:name=Default,type=string,JSONPath=`.spec.defaultMode`,description="The mode of pods that ask for none."
// +kubebuilder:printcolumn:name=Enforcement,type=string,JSONPath=`.spec.enforcement`,description="What becomes of a pod that breaks the policy."
// +kubebuilder:printcolumn:name=Namespaces,type=integer,JSONPath=`.status.selectedNamespaces`,description="How many namespaces the policy selects."
// +kubebuilder:printcolumn:name=Effective,type=string,JSONPath=`.status.conditions[?(@.type=="Effective")].status`,description="False where another policy overrides or refuses the default."
// +kubebuilder:printcolumn:name=Enforced,type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`,description="True where the API server holds what the policy forbids."
// +kubebuilder:printcolumn:name=Unlabelled,type=integer,JSONPath=`.status.unlabelledNamespaces`,priority=1,description="How many of the namespaces lack the label netmode.io/policy=enabled."
// +kubebuilder:printcolumn:name=Conflict,type=string,JSONPath=`.status.conditions[?(@.type=="Conflict")].status`,priority=1,description="True where this policy and another allow no mode in common."
// +kubebuilder:printcolumn:name=Age,type=date,JSONPath=`.metadata.creationTimestamp`
type NetworkModePolicy struct {
	metav1.TypeMeta   `json:",inline"` //nolint:revive // struct-tag: as every kind of Kubernetes has it
	metav1.ObjectMeta `json:"metadata"`

	// What the policy is for and what it says. Example, for namespaces of batch jobs, which
	// may use the host network, on ports 20000 to 29999:
	//   namespaceSelector:
	//     matchLabels:
	//       team: batch
	//   allowedModes: [hostnetwork]
	//   hostNetwork:
	//     allowUnmanaged: false
	//     portRange:
	//       min: 20000
	//       max: 29999
	//
	// +required
	Spec api.NetworkModePolicySpec `json:"spec"`
	// Written by netmode.
	Status Status `json:"status"`
}

// Status is what netmode writes.
type Status struct {
	// The metadata.generation of the spec that this status is about.
	ObservedGeneration int64 `json:"observedGeneration"`
	// How many namespaces namespaceSelector selects, without those that netmode never touches.
	SelectedNamespaces int32 `json:"selectedNamespaces"`
	// How many of these have no label that sends their pods to netmode: there, the policy gives
	// its defaultMode, searchRewrite and resolver only to pods with an annotation of netmode's,
	// and forbids the same as elsewhere. The cure:
	//   kubectl label namespace NAME netmode.io/policy=enabled
	UnlabelledNamespaces int32 `json:"unlabelledNamespaces"`
	// The first ten of them, by name.
	//
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MaxLength=63
	UnlabelledExamples []string `json:"unlabelledExamples,omitempty"`
	// Enforced: True where the API server holds what the policy forbids, False where it cannot
	// or does not yet. Effective: False where another policy overrides or refuses the
	// defaultMode, in some or in all of the namespaces. Conflict: True where this policy and
	// others that deny allow no mode in common, Unknown where they do so to pods that all of
	// them select.
	//
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []Condition `json:"conditions"`
}

// Condition is a metav1.Condition, in netmode's words.
type Condition struct {
	// Enforced, Effective or Conflict.
	//
	// +required
	// +kubebuilder:validation:MaxLength=316
	Type string `json:"type"`
	// Whether it is so.
	//
	// +required
	// +kubebuilder:validation:Enum=True;False;Unknown
	Status metav1.ConditionStatus `json:"status"`
	// The metadata.generation that the condition is about.
	//
	// +kubebuilder:validation:Minimum=0
	ObservedGeneration int64 `json:"observedGeneration"`
	// When status changed last.
	//
	// +required
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	// Why, in one word.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$`
	Reason string `json:"reason"`
	// Why, and what to do about it.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32768
	Message string `json:"message"`
}
