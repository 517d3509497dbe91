package engine

import (
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
)

// The API server cuts a generateName and puts random letters behind it
// (k8s.io/apiserver/pkg/storage/names).
const (
	maxGenerateName = 58
	randomLetters   = 5
)

// asMutated is the pod as its mode was applied to it, if nobody changed it since:
// only then does the API server generate its name, which cannot be a hostname
// that peers know.
func asMutated(pod *api.Pod) *api.Pod {
	prefix := pod.Metadata.GenerateName
	prefix = prefix[:min(len(prefix), maxGenerateName)]
	rest, ok := strings.CutPrefix(pod.Metadata.Name, prefix)
	if prefix == "" || !ok || len(rest) != randomLetters {
		return pod
	}
	nameless := *pod
	nameless.Metadata.Name = ""
	return &nameless
}
