package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/workload"
)

// writeSnapshot writes what surrounds the objects into a file for a webhook that
// has no cluster to ask, and returns its path.
func writeSnapshot(in *inputs, all []*decided) (path string, err error) {
	text, err := aroundOf(in, all)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "netmode-demo-*.json")
	if err != nil {
		return "", fmt.Errorf("making a file for the webhook: %w: set TMPDIR to a folder that can be written", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// aroundOf is the Services, Namespaces and policies, as a stream of JSON.
func aroundOf(in *inputs, all []*decided) ([]byte, error) {
	var stream bytes.Buffer
	var told, meant []string // namespaces
	add := func(o *manifest.Object, namespace string) error {
		text := o.JSON
		switch o.APIVersion + "/" + o.Kind {
		case "v1/Service":
			var err error
			if text, err = workload.Admitted(o.APIVersion, o.Kind, o.JSON, namespace); err != nil {
				return o.Fail(err)
			}
		case "v1/Namespace":
			told = append(told, o.Name)
		case api.PolicyAPIVersion + "/" + api.PolicyKind:
		default:
			return nil
		}
		stream.Write(text)
		stream.WriteByte('\n')
		return nil
	}
	for _, d := range all {
		if err := add(d.object, d.namespace); err != nil {
			return nil, err
		}
		meant = append(meant, d.namespace)
	}
	for o, err := range manifest.Objects(in.policyFiles...) {
		if err != nil {
			return nil, err
		}
		if err := add(o, ""); err != nil {
			return nil, err
		}
	}
	slices.Sort(meant)
	for _, namespace := range slices.Compact(meant) {
		if len(in.namespaceLabels) == 0 || slices.Contains(told, namespace) {
			continue
		}
		text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{"name": namespace, "labels": in.namespaceLabels}}, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		stream.Write(append(text, '\n'))
	}
	return stream.Bytes(), nil
}
