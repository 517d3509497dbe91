package api

// The types of this package are views: they hold the fields that a decision
// reads and nothing else, so that decoding a large object stays cheap and a
// field of a newer Kubernetes is never dropped by being written back. JSON
// names are those of the Kubernetes API.

// ObjectMeta is the part of metav1.ObjectMeta that a decision reads.
type ObjectMeta struct {
	Name              string            `json:"name"`
	GenerateName      string            `json:"generateName"`
	Namespace         string            `json:"namespace"`
	Labels            map[string]string `json:"labels"`
	Annotations       map[string]string `json:"annotations"`
	OwnerReferences   []OwnerReference  `json:"ownerReferences"`
	DeletionTimestamp *string           `json:"deletionTimestamp"`
}

// OwnerReference is the part of metav1.OwnerReference that a decision reads.
type OwnerReference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Controller bool   `json:"controller"`
}

// ControllerKind returns the kind of the object's controller, or "".
func (m *ObjectMeta) ControllerKind() string {
	for i := range m.OwnerReferences {
		if m.OwnerReferences[i].Controller {
			return m.OwnerReferences[i].Kind
		}
	}
	return ""
}

// DisplayName returns the name, or the generateName of an object that has no
// name yet.
func (m *ObjectMeta) DisplayName() string {
	if m.Name != "" {
		return m.Name
	}
	return m.GenerateName
}

// Namespace is what a decision reads of a Namespace.
type Namespace struct {
	Labels map[string]string
	// Annotations are those of ReadsNamespaceAnnotation; there may be others.
	Annotations map[string]string
}
