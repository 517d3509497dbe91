package api_test

import (
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestTargetPort(t *testing.T) {
	tests := []struct {
		text string
		want api.TargetPort
	}{
		{`{}`, api.TargetPort{}},
		{`{"targetPort":null}`, api.TargetPort{}},
		{`{"targetPort":0}`, api.TargetPort{}},
		{`{"targetPort":8080}`, api.TargetPort{Number: 8080}},
		{`{"targetPort":-1}`, api.TargetPort{Number: -1}},
		{`{"targetPort":"web"}`, api.TargetPort{Name: "web"}},
		{`{"targetPort":""}`, api.TargetPort{}},
		{`{"targetPort":"8080"}`, api.TargetPort{Name: "8080"}},
		{`{"targetPort":"w\u0065b"}`, api.TargetPort{Name: "web"}},
	}
	for _, tt := range tests {
		port, err := decode[api.ServicePort]([]byte(tt.text))
		if err != nil || port.TargetPort != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, port.TargetPort, err, tt.want)
		}
	}
}

func TestTargetPortRefuses(t *testing.T) {
	for _, value := range []string{"true", "[]", "{}", "80.5", "4294967296", "[80]"} {
		_, err := decode[api.Service]([]byte(`{"spec":{"ports":[{"targetPort":` + value + `}]}}`))
		if err == nil || !strings.Contains(err.Error(), `"/spec/ports/0/targetPort"`) {
			t.Errorf("%s: got error %v, want one that names the field", value, err)
		}
	}
	for _, broken := range []string{`{"targetPort":`, `{"targetPort":"we`, `{"targetPort":}`} {
		if _, err := decode[api.ServicePort]([]byte(broken)); err == nil {
			t.Errorf("%s: no error", broken)
		}
	}
}

// A second decode into the same view keeps nothing of the first.
func TestTargetPortStartsAnew(t *testing.T) {
	ports, err := decode[[]api.ServicePort]([]byte(`[{"targetPort":"web"},{"targetPort":80}]`))
	if err != nil || ports[0].TargetPort.Number != 0 || ports[1].TargetPort.Name != "" {
		t.Errorf("got %+v, %v", ports, err)
	}
}

func TestServiceHeadless(t *testing.T) {
	tests := []struct {
		clusterIP, mode string
		want            bool
	}{
		{"None", "", true},
		{"None", "default", true},
		{"", "", false},
		{"", "default", false},
		{"", "hostnetwork", false},
		{"", "headless", true},
		{"", "statefulset-headless", true},
		{"", "no mode", false},
		{"10.96.1.1", "", false},
		{"10.96.1.1", "headless", false},
		{"none", "headless", false},
	}
	for _, tt := range tests {
		s := api.Service{Spec: api.ServiceSpec{ClusterIP: tt.clusterIP}}
		if tt.mode != "" {
			s.Metadata.Annotations = map[string]string{api.AnnotationMode: tt.mode}
		}
		if got := s.Headless(); got != tt.want {
			t.Errorf("clusterIP %q, mode %q: Headless is %t", tt.clusterIP, tt.mode, got)
		}
	}
	for _, kind := range []string{"NodePort", "LoadBalancer", "ExternalName"} {
		s := api.Service{Spec: api.ServiceSpec{Type: kind}}
		s.Metadata.Annotations = map[string]string{api.AnnotationMode: "headless"}
		if s.Headless() {
			t.Errorf("a Service of type %s cannot be headless, and asks for it", kind)
		}
	}
}

func TestServiceSelects(t *testing.T) {
	type labels = map[string]string
	tests := []struct {
		name             string
		selector, labels labels
		want             bool
	}{
		{"no selector", nil, labels{"app": "db"}, false},
		{"empty selector", labels{}, labels{"app": "db"}, false},
		{"neither selector nor labels", nil, nil, false},
		{"no labels", labels{"app": "db"}, nil, false},
		{"equal", labels{"app": "db"}, labels{"app": "db"}, true},
		{"more labels", labels{"app": "db"}, labels{"app": "db", "tier": "back"}, true},
		{"more selectors", labels{"app": "db", "tier": "back"}, labels{"app": "db"}, false},
		{"another value", labels{"app": "db"}, labels{"app": "db-prod"}, false},
		{"an empty value is not an absent label", labels{"app": ""}, labels{"tier": "back"}, false},
		{"empty values", labels{"app": ""}, labels{"app": ""}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := api.Service{Spec: api.ServiceSpec{Selector: tt.selector}}
			if got := s.Selects(tt.labels); got != tt.want {
				t.Errorf("Selects is %t", got)
			}
		})
	}
}
