package api

import "slices"

// windows is the value of the labels and fields that name a node's operating system.
const windows = "windows"

// osLabels are the labels of a node that name its operating system; the second is
// deprecated, and still set by the kubelet.
func osLabels() []string { return []string{"kubernetes.io/os", "beta.kubernetes.io/os"} }

// Affinity is the part of corev1.Affinity that a decision reads.
type Affinity struct {
	NodeAffinity *NodeAffinity `json:"nodeAffinity"`
}

// NodeAffinity is the part of corev1.NodeAffinity that a decision reads.
type NodeAffinity struct {
	Required *NodeSelector `json:"requiredDuringSchedulingIgnoredDuringExecution"`
}

// NodeSelector is corev1.NodeSelector: one of the terms has to match.
type NodeSelector struct {
	Terms []NodeSelectorTerm `json:"nodeSelectorTerms"`
}

// NodeSelectorTerm is the part of corev1.NodeSelectorTerm that a decision reads:
// all expressions have to match.
type NodeSelectorTerm struct {
	Expressions []NodeSelectorRequirement `json:"matchExpressions"`
	Fields      []NodeSelectorRequirement `json:"matchFields"`
}

// NodeSelectorRequirement is corev1.NodeSelectorRequirement.
type NodeSelectorRequirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// RequiredTerms are the terms of which a node has to match one.
func (a *Affinity) RequiredTerms() []NodeSelectorTerm {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.Required == nil {
		return nil
	}
	return a.NodeAffinity.Required.Terms
}

// requiresWindows says whether each of the terms wants a Windows node.
func (a *Affinity) requiresWindows() bool {
	terms := a.RequiredTerms()
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(t NodeSelectorTerm) bool {
		read := t.Expressions[:min(len(t.Expressions), MaxExpressions)]
		return !slices.ContainsFunc(read, func(e NodeSelectorRequirement) bool {
			return slices.Contains(osLabels(), e.Key) && e.Operator == "In" && len(e.Values) == 1 && e.Values[0] == windows
		})
	})
}
