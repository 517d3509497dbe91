package api_test

import (
	"errors"
	"io"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestDecode(t *testing.T) {
	var got, want api.Pod
	want.Metadata.Name, want.Spec.HostNetwork = "a", true
	err := api.Decode([]byte(`{"metadata":{"name":"a"},"spec":{"hostNetwork":true}}`), &got, "object")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// What stands there and what must, in the words of a manifest.
func TestDecodeNamesTheField(t *testing.T) {
	tests := []struct{ text, below, want string }{
		{`[]`, "", "the object: is a list, and must be an object"},
		{`"a"`, "request.object", "request.object: is a string, and must be an object"},
		{`{"metadata":[]}`, "", "metadata: is a list, and must be an object"},
		{`{"metadata":{"labels":"app"}}`, "", "metadata.labels: is a string, and must be an object"},
		{`{"metadata":{"name":7}}`, "", "metadata.name: is a number, and must be a string: put quotes around it"},
		{`{"metadata":{"deletionTimestamp":false}}`, "", "metadata.deletionTimestamp: is false, and must be a string: put quotes around it"},
		{`{"metadata":{"annotations":{"netmode.io/mode":true}}}`, "", "metadata.annotations[netmode.io/mode]: is true, and must be a string: put quotes around it"},
		{`{"metadata":{"labels":{"app":1.5}}}`, "", "metadata.labels.app: is a number, and must be a string: put quotes around it"},
		{`{"metadata":{"labels":{"80":[]}}}`, "", "metadata.labels[80]: is a list, and must be a string"},
		{`{"metadata":{"labels":{"app":{}}}}`, "", "metadata.labels.app: is an object, and must be a string"},
		{`{"spec":{"hostNetwork":"true"}}`, "", "spec.hostNetwork: is a string, and must be true or false"},
		{`{"spec":{"hostUsers":1}}`, "request.object", "request.object.spec.hostUsers: is a number, and must be true or false"},
		{`{"spec":{"containers":{}}}`, "spec.template", "spec.template.spec.containers: is an object, and must be a list"},
		{`{"spec":{"containers":[1]}}`, "", "spec.containers[0]: is a number, and must be an object"},
		{`{"spec":{"containers":[{},{"ports":[{"hostPort":"80"}]}]}}`, "", "spec.containers[1].ports[0].hostPort: is a string, and must be a whole number"},
		{`{"spec":{"containers":[{"ports":[{"hostPort":80.5}]}]}}`, "", "spec.containers[0].ports[0].hostPort: Invalid value: 80.5: must be a whole number: invalid syntax"},
		{`{"spec":{"containers":[{"ports":[{"hostPort":4294967376}]}]}}`, "items[2]", "items[2].spec.containers[0].ports[0].hostPort: Invalid value: 4294967376: must be a whole number: value out of range"},
		{`{"spec":{"securityContext":{"runAsUser":true}}}`, "", "spec.securityContext.runAsUser: is true, and must be a whole number"},
	}
	for _, tt := range tests {
		if err := api.Decode([]byte(tt.text), &api.Pod{}, tt.below); err == nil || err.Error() != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	if err := api.Decode([]byte(`{}`), &[2]int{}, ""); err == nil || err.Error() != "the object: is an object, and must be a list" {
		t.Errorf("an array: got %v", err)
	}
	if err := api.Decode([]byte(`{}`), nil, "x"); err == nil {
		t.Error("no view: no error")
	}
}

// The cause can be told from the error.
func TestDecodeKeepsTheCause(t *testing.T) {
	tests := []struct {
		text  string
		cause error
	}{
		{``, io.ErrUnexpectedEOF},
		{`{"metadata":{`, io.ErrUnexpectedEOF},
		{`{"spec":{"hostname":"a","hostname":"b"}}`, jsontext.ErrDuplicateName},
		{`{"spec":{"volumes":{"a":1,"a":2}}}`, jsontext.ErrDuplicateName},
		{`{"spec":{"containers":[{"ports":[{"hostPort":1e99}]}]}}`, strconv.ErrSyntax},
		{`{"spec":{"containers":[{"ports":[{"hostPort":2147483648}]}]}}`, strconv.ErrRange},
	}
	for _, tt := range tests {
		if err := api.Decode([]byte(tt.text), &api.Pod{}, ""); !errors.Is(err, tt.cause) {
			t.Errorf("%s: got error %v, want %v", tt.text, err, tt.cause)
		}
	}
}
