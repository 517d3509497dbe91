package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NamespaceSelector chooses namespaces by their labels, as a metav1.LabelSelector.
//
// +structType=atomic
type NamespaceSelector struct {
	// Labels that namespaces have, all of them. Example:
	//   team: storm
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule=`self.all(key, key.size() <= 317 && key.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$') && (!key.contains('/') || key.indexOf('/') <= 253))`,message=`a key is no key of a label: write NAME or DOMAIN/NAME, such as team or example.com/team`
	MatchLabels map[string]LabelValue `json:"matchLabels"`
	// Rules that the labels of namespaces meet, all of them.
	//
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	MatchExpressions []LabelRequirement `json:"matchExpressions"`
}

// PodSelector chooses pods by their labels, as a metav1.LabelSelector.
//
// +structType=atomic
type PodSelector struct {
	// Labels that pods have, all of them. Example:
	//   team: storm
	//
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule=`self.all(key, key.size() <= 317 && key.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$') && (!key.contains('/') || key.indexOf('/') <= 253))`,message=`a key is no key of a label: write NAME or DOMAIN/NAME, such as team or example.com/team`
	MatchLabels map[string]LabelValue `json:"matchLabels"`
	// Rules that the labels of pods meet, all of them.
	//
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	MatchExpressions []LabelRequirement `json:"matchExpressions"`
}

// LabelRequirement is one rule that labels meet.
//
// +kubebuilder:validation:XValidation:rule=`!(self.operator in ['In', 'NotIn']) || has(self.values) && self.values.size() > 0`,fieldPath=`.values`,reason=FieldValueRequired,message=`list the values, or use the operator Exists or DoesNotExist`
// +kubebuilder:validation:XValidation:rule=`!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || self.values.size() == 0`,fieldPath=`.values`,message=`must be left out for the operators Exists and DoesNotExist`
type LabelRequirement struct {
	// The label's key. Example: team
	//
	// +required
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$') && (!self.contains('/') || self.indexOf('/') <= 253)`,message=`is no key of a label: write NAME or DOMAIN/NAME, such as team or example.com/team`
	Key string `json:"key"`
	// In and NotIn compare the label with values, Exists and DoesNotExist do not. NotIn is true
	// without the label, too.
	//
	// +required
	// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
	Operator metav1.LabelSelectorOperator `json:"operator"`
	// The values for In and NotIn. Example: [storm, kafka]
	//
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Values []LabelValue `json:"values"`
}

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule=`self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')`,message=`is no value of a label: use letters, digits, '-', '_' and '.', first and last a letter or digit`
type LabelValue string

// LabelSelector is s as Kubernetes has it, a copy; nil for nil.
func (s *NamespaceSelector) LabelSelector() *metav1.LabelSelector {
	return (*PodSelector)(s).LabelSelector()
}

// LabelSelector is s as Kubernetes has it, a copy; nil for nil.
func (s *PodSelector) LabelSelector() *metav1.LabelSelector {
	if s == nil {
		return nil
	}
	selector := &metav1.LabelSelector{}
	if s.MatchLabels != nil {
		selector.MatchLabels = make(map[string]string, len(s.MatchLabels))
		for key, value := range s.MatchLabels {
			selector.MatchLabels[key] = string(value)
		}
	}
	for _, r := range s.MatchExpressions {
		requirement := metav1.LabelSelectorRequirement{Key: r.Key, Operator: r.Operator}
		for _, value := range r.Values {
			requirement.Values = append(requirement.Values, string(value))
		}
		selector.MatchExpressions = append(selector.MatchExpressions, requirement)
	}
	return selector
}
