package engine_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

// A mode that is asked for by a label changes nothing, and is not silent.
func TestModeAsLabel(t *testing.T) {
	const text = `"hostnetwork" asks for nothing here: the label counts on a Namespace: write it as an annotation, netmode.io/mode, and remove the label`
	const metadata = `{"metadata":{"name":"web","labels":{"netmode.io/mode":"hostnetwork"}},"spec":`
	const nothing = "kept NothingAsked"
	at := "warned ModeLabel metadata.labels[netmode.io/mode]: " + text
	wantFindings(t, decidePod(t, metadata+`{}}`, &snapshot{}), at, nothing)
	wantFindings(t, decideService(t, metadata+`{}}`), at, nothing)

	c := workloadOf("Deployment", "", "")
	c.Metadata.Labels = map[string]string{api.LabelMode: "hostnetwork"}
	wantFindings(t, decideWorkload(c, &snapshot{}), at, nothing)
	c.Metadata.Labels, c.Pod.Metadata.Labels = nil, map[string]string{api.LabelMode: "hostnetwork"}
	wantFindings(t, decideWorkload(c, &snapshot{}), "warned ModeLabel spec.template.metadata.labels[netmode.io/mode]: "+text, nothing)
}
