package api

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// MaxPeers is how many Services AnnotationPeers may name: with the pod's own domain, the
// cluster's three and the most that a policy gives, 30 of the 32 searches that Kubernetes
// allows.
const MaxPeers = 10

// Peer is a Service whose pods a pod calls by short name. Without a Namespace it is in the
// pod's own.
type Peer struct {
	Service, Namespace string
}

// maxPeer is the longest name of a Service with its namespace, in bytes.
const maxPeer = validation.DNS1123LabelMaxLength + 1 + validation.DNS1123LabelMaxLength

// parsePeers reads names of Services with commas between them, each alone or as
// name.namespace.
func parsePeers(path *field.Path, value string) ([]Peer, *field.Error) {
	entries := strings.SplitN(value, ",", MaxPeers+1)
	if len(entries) > MaxPeers {
		return nil, field.Invalid(path, value, fmt.Sprintf("must name at most %d Services", MaxPeers))
	}
	peers := make([]Peer, len(entries))
	for i, entry := range entries {
		entry = strings.Trim(entry, " \t\r\n")
		service, namespace, qualified := strings.Cut(entry, ".")
		problems := validation.IsDNS1123Label(service)
		if qualified {
			problems = append(problems, validation.IsDNS1123Label(namespace)...)
		}
		if len(problems) > 0 {
			if len(entry) > maxPeer {
				entry = entry[:maxPeer] + "..."
			}
			return nil, field.Invalid(path, value, fmt.Sprintf(
				"must be names of Services, such as zk, or zk.data for one of namespace data, with commas between them: %q is none: %s", entry, problems[0]))
		}
		peers[i] = Peer{service, namespace}
	}
	return peers, nil
}
