package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
)

// A pod that an inherited mode could not serve, for want of a name, is not held
// to the mode once the API server has generated one.
func TestGeneratedNames(t *testing.T) {
	long := strings.Repeat("a", 70)
	for _, tt := range []struct {
		name, generateName string
		served             bool
	}{
		{"", "web-", false},
		{"web-x2x4z", "web-", false},
		{long[:58] + "x2x4z", long, false},
		{"web-0", "web-", true}, // of a StatefulSet
		{"peer-x2x4z", "web-", true},
		{"x2x4z", "", true},
	} {
		raw := fmt.Sprintf(`{"metadata":{"name":%q,"generateName":%q},"spec":{"subdomain":"peers"}}`, tt.name, tt.generateName)
		pod := decode[api.Pod](t, []byte(raw))
		around := &around{labels: map[string]string{api.LabelMode: "statefulset-headless"}}
		validated := engine.ValidatePod(settings(), around, namespace, pod)
		observed := engine.ObservePod(settings(), around, namespace, pod)
		for what, p := range map[string]*plan.Plan{"validated": validated, "observed": observed} {
			if aside := hasReason(p, plan.Kept, plan.NotApplicable); aside == tt.served {
				t.Errorf("%s: %s: set aside %v: %q", raw, what, aside, describeAll(p))
			}
		}
		if validated.Refused() != tt.served { // it is not as the mode promises
			t.Errorf("%s: %q", raw, describeAll(validated))
		}
		if pod.Metadata.Name != tt.name {
			t.Errorf("%s: the caller's pod has the name %q", raw, pod.Metadata.Name)
		}
	}
}
