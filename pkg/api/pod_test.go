package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestPodWindows(t *testing.T) {
	tests := []struct {
		spec string
		want bool
	}{
		{`{}`, false},
		{`{"os":null,"nodeSelector":null}`, false},
		{`{"os":{"name":"linux"}}`, false},
		{`{"os":{"name":"windows"}}`, true},
		{`{"nodeSelector":{"kubernetes.io/os":"linux"}}`, false},
		{`{"nodeSelector":{"kubernetes.io/os":"windows"}}`, true},
		{`{"os":{"name":"linux"},"nodeSelector":{"kubernetes.io/os":"windows"}}`, true},
		{`{"nodeSelector":{"os":"windows"}}`, false},
	}
	for _, tt := range tests {
		pod, err := decode[api.Pod]([]byte(`{"spec":` + tt.spec + `}`))
		if err != nil || (pod.Windows() != nil) != tt.want {
			t.Errorf("%s: Windows by %v, %v", tt.spec, pod.Windows(), err)
		}
	}
}

func TestContainerRestartable(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                               false,
		`{"restartPolicy":null}`:           false,
		`{"restartPolicy":"Always"}`:       true,
		`{"restartPolicy":"OnFailure"}`:    false,
		`{"restartPolicy":"Never"}`:        false,
		`{"name":"a","command":["sleep"]}`: false,
	} {
		c, err := decode[api.Container]([]byte(text))
		if err != nil || c.Restartable() != want {
			t.Errorf("%s: Restartable is %t, %v", text, c.Restartable(), err)
		}
	}
}

func TestPodSearches(t *testing.T) {
	for text, want := range map[string][]string{
		`{}`:                                   nil,
		`{"dnsConfig":null}`:                   nil,
		`{"dnsConfig":{}}`:                     nil,
		`{"dnsConfig":{"searches":["a","b"]}}`: {"a", "b"},
	} {
		pod, err := decode[api.Pod]([]byte(`{"spec":` + text + `}`))
		if diff := cmp.Diff(want, pod.Searches()); err != nil || diff != "" {
			t.Errorf("%s: %v, (-want +got):\n%s", text, err, diff)
		}
	}
}

func TestObjectMetaNames(t *testing.T) {
	tests := []struct{ meta, controller, name string }{
		{`{}`, "", ""},
		{`{"name":"app-0","generateName":"app-"}`, "", "app-0"},
		{`{"generateName":"app-"}`, "", "app-"},
		{`{"ownerReferences":[]}`, "", ""},
		{`{"ownerReferences":[{"kind":"Node"}]}`, "", ""},
		{`{"ownerReferences":[{"kind":"Node","controller":false},{"kind":"StatefulSet","controller":true}]}`, "StatefulSet", ""},
	}
	for _, tt := range tests {
		meta, err := decode[api.ObjectMeta]([]byte(tt.meta))
		if err != nil || meta.ControllerKind() != tt.controller || meta.DisplayName() != tt.name {
			t.Errorf("%s: ControllerKind %q, DisplayName %q, %v", tt.meta, meta.ControllerKind(), meta.DisplayName(), err)
		}
	}
}

// How the capability is written that changes a network, as container runtimes read it.
func TestGivesNetAdmin(t *testing.T) {
	for capability, want := range map[string]bool{
		"NET_ADMIN": true, "net_admin": true, "CAP_NET_ADMIN": true, "cap_Net_Admin": true, "ALL": true, "all": true, "CAP_ALL": true,
		"": false, "CAP_": false, "NET_RAW": false, "NET_ADMIN2": false, "CAP_CAP_NET_ADMIN": false, "SYS_ADMIN": false,
	} {
		if api.GivesNetAdmin(capability) != want {
			t.Errorf("%q: want %v", capability, want)
		}
	}
}
