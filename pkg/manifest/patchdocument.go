package manifest

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// patchKey returns the key by which a document is a strategic merge patch, which
// kustomize applies and no API server takes: "" if there is none
// (https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/).
func patchKey(raw []byte) string {
	if !bytes.Contains(raw, []byte(`"$`)) {
		return ""
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return ""
		}
		in, n := decoder.StackIndex(decoder.StackDepth())
		if token.Kind() != '"' || in != '{' || n%2 == 0 {
			continue
		}
		switch key, _, _ := strings.Cut(token.String(), "/"); key {
		case "$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList":
			return key
		}
	}
}
