package api

import "k8s.io/apimachinery/pkg/util/validation"

// HostnameSource says where the hostname of a pod comes from that has none.
type HostnameSource string

// The sources.
const (
	// HostnameOwn is the pod's own name; a pod without a name is refused.
	HostnameOwn HostnameSource = "own"
	// HostnameGenerated is a name that netmode makes of the generateName: the pod's
	// name and its hostname, in one.
	HostnameGenerated HostnameSource = "generated"
	// HostnameNode is the name of the node that a DaemonSet's pod is made for.
	HostnameNode HostnameSource = "node"
)

// HostnameSources returns every source, in the order in which the documentation
// lists them.
func HostnameSources() []HostnameSource {
	return []HostnameSource{HostnameOwn, HostnameGenerated, HostnameNode}
}

// GeneratedSuffix is how many letters the API server appends to a generateName
// (k8s.io/apiserver/pkg/storage/names).
const GeneratedSuffix = 5

// GeneratedBase is what a generated name has of its generateName: with the suffix,
// no more than a DNS label holds.
func GeneratedBase(generateName string) string {
	return generateName[:min(len(generateName), validation.DNS1123LabelMaxLength-GeneratedSuffix)]
}

// DaemonSetNode is the node that a DaemonSet's controller makes the pod for; empty
// where the pod has not the one term that the controller writes.
func (s *PodSpec) DaemonSetNode() string {
	terms := s.Affinity.RequiredTerms()
	if len(terms) != 1 || len(terms[0].Fields) != 1 {
		return ""
	}
	f := terms[0].Fields[0]
	if f.Key != "metadata.name" || f.Operator != "In" || len(f.Values) != 1 {
		return ""
	}
	return f.Values[0]
}
