package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/api/apitest"
	"github.com/netmode-io/netmode/pkg/plan"
)

// judged is the trace, a line a finding: verdict, reason, and the message.
func judged(p *plan.Plan) []string {
	var lines []string
	for _, f := range p.Trace {
		lines = append(lines, string(f.Verdict)+" "+p.Message(&f))
	}
	return lines
}

// The rows of the truth table in judgement.mode.
func TestModes(t *testing.T) {
	const (
		free     = `{"namespaceSelector":{}}`
		headless = `{"namespaceSelector":{},"allowedModes":["headless"]}`
		listed   = `{"namespaceSelector":{},"allowedModes":["headless","default"],"requireMode":true}`
		required = `{"namespaceSelector":{},"requireMode":true}`
		narrow   = `{"namespaceSelector":{},"requireMode":true,"allowedModes":["headless"]}`

		missing  = "refused metadata.annotations[netmode.io/mode]: Required value: policy p "
		isSet    = "refused metadata.annotations[netmode.io/mode]: Invalid value: "
		setMode  = ": set netmode.io/mode on the pod template (PolicyModeRequired)"
		setOther = ": set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)"
	)
	anyMode := "requires a mode: " + apitest.AnyMode()
	for _, tt := range []struct {
		spec string
		mode api.Mode
		want string
	}{
		{free, "", ""},
		{headless, "", ""},
		{required, "", missing + anyMode + setMode},
		{narrow, "", missing + "requires a mode: headless" + setMode},
		{free, api.ModeDefault, ""},
		{headless, api.ModeDefault, ""},
		{listed, api.ModeDefault, ""},
		{required, api.ModeDefault, isSet + `"default": policy p ` + anyMode + setMode},
		{narrow, api.ModeDefault, isSet + `"default": policy p requires a mode: headless` + setMode},
		{free, api.ModeHostNetwork, ""},
		{headless, api.ModeHeadless, ""},
		{listed, api.ModeHeadless, ""},
		{headless, api.ModeHostNetwork, isSet + `"hostnetwork": policy p allows headless; mode default is allowed, too` + setOther},
		{listed, api.ModeHostNetwork, isSet + `"hostnetwork": policy p allows headless or default` + setOther},
		{required, api.ModeHostNetwork, ""},
		{narrow, api.ModeHostNetwork, isSet + `"hostnetwork": policy p allows headless` + setOther},
	} {
		t.Run(tt.spec+" "+string(tt.mode), func(t *testing.T) {
			var p plan.Plan
			NewSet([]*Policy{compile(t, "p", tt.spec)}).JudgePod(&Pod{Mode: tt.mode, ModeField: modePath, Spec: &api.PodSpec{}}, &p)
			if got := strings.Join(judged(&p), "\n"); got != tt.want {
				t.Errorf("have %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Each policy is judged alone under its own enforcement.
func TestEnforcements(t *testing.T) {
	set := NewSet([]*Policy{
		compile(t, "audit", `{"namespaceSelector":{},"allowedModes":["headless"],"enforcement":"Audit"}`),
		compile(t, "deny", `{"namespaceSelector":{},"allowedModes":["hostnetwork"]}`),
		compile(t, "warn", `{"namespaceSelector":{},"allowedModes":["headless"],"enforcement":"Warn"}`),
	})
	var p plan.Plan
	set.JudgePod(&Pod{Mode: api.ModeHostNetwork, ModeField: modePath, Spec: &api.PodSpec{}}, &p)
	want := []string{
		"audited metadata.annotations[netmode.io/mode]: policy audit allows headless; mode default is allowed, too (PolicyModeNotAllowed)",
		"warned metadata.annotations[netmode.io/mode]: policy warn allows headless; mode default is allowed, too: set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)",
	}
	if diff := cmp.Diff(want, judged(&p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Refused() {
		t.Error("an allowed mode is refused")
	}
	p = plan.Plan{}
	set.JudgePod(&Pod{Mode: api.ModeHeadless, ModeField: modePath, Spec: &api.PodSpec{}}, &p)
	if got := judged(&p); len(got) != 1 || !strings.HasPrefix(got[0], "refused ") || !p.Refused() {
		t.Errorf("have %q, want the refusal of policy deny alone", got)
	}
}

// What a node needs to come back passes by every policy, as in the API server.
func TestCritical(t *testing.T) {
	set := NewSet([]*Policy{
		compile(t, "deny", `{"namespaceSelector":{},"requireMode":true,"hostNetwork":{"allowUnmanaged":false,"requireDeclaredPorts":true}}`),
		compile(t, "warn", `{"namespaceSelector":{},"requireMode":true,"enforcement":"Warn"}`),
	})
	var p plan.Plan
	set.JudgePod(&Pod{ModeField: modePath, Spec: &api.PodSpec{HostNetwork: true, PriorityClassName: "system-node-critical"}, HostNetwork: true, Critical: true}, &p)
	want := []string{"kept spec.priorityClassName: system-node-critical lets the pod pass by every policy here (SystemCritical)"}
	if diff := cmp.Diff(want, judged(&p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A refusal tells what is left when several policies restrict modes.
func TestSeveralPolicies(t *testing.T) {
	one := compile(t, "one", `{"namespaceSelector":{},"allowedModes":["headless","statefulset-headless"]}`)
	two := compile(t, "two", `{"namespaceSelector":{},"allowedModes":["statefulset-headless","hostnetwork"]}`)
	none := compile(t, "none", `{"namespaceSelector":{},"allowedModes":["default"]}`)
	for _, tt := range []struct {
		policies []*Policy
		want     []string
	}{
		{[]*Policy{one, two}, []string{"policy one allows headless or statefulset-headless; all policies together allow statefulset-headless; mode default is allowed, too: "}},
		{[]*Policy{one, none, two}, []string{
			"policy none allows default; the policies none, one, two allow nothing in common: ",
			"policy one allows headless or statefulset-headless; the policies none, one allow nothing in common; mode default is allowed, too: ",
		}},
		{[]*Policy{
			compile(t, "a", `{"namespaceSelector":{},"allowedModes":["default","headless"]}`),
			compile(t, "b", `{"namespaceSelector":{},"allowedModes":["default","statefulset-headless"]}`),
		}, []string{
			"policy a allows default or headless; the policies a, b allow nothing in common: ",
			"policy b allows default or statefulset-headless; the policies a, b allow nothing in common: ",
		}},
		{[]*Policy{none, compile(t, "required", `{"namespaceSelector":{},"requireMode":true}`)},
			[]string{"policy none allows default; the policies none, required allow nothing in common: "}},
		{[]*Policy{
			compile(t, "deny", `{"namespaceSelector":{},"allowedModes":["headless"]}`),
			compile(t, "warn", `{"namespaceSelector":{},"allowedModes":["statefulset-headless"],"enforcement":"Warn"}`),
		}, []string{"policy deny allows headless; mode default is allowed, too: ", "policy warn allows statefulset-headless; mode default is allowed, too: "}},
		// Mode default is no way out where one that denies requires another.
		{[]*Policy{compile(t, "deny", `{"namespaceSelector":{},"requireMode":true}`), compile(t, "one", `{"namespaceSelector":{},"allowedModes":["headless"]}`)},
			[]string{"policy one allows headless: "}},
		{[]*Policy{compile(t, "one", `{"namespaceSelector":{},"allowedModes":["headless"]}`), compile(t, "warn", `{"namespaceSelector":{},"requireMode":true,"enforcement":"Warn"}`)},
			[]string{"policy one allows headless; mode default is allowed, too: "}},
	} {
		var p plan.Plan
		NewSet(tt.policies).JudgePod(&Pod{Mode: api.ModeHostNetwork, ModeField: modePath, Spec: &api.PodSpec{}}, &p)
		got := judged(&p)
		if len(got) != len(tt.want) {
			t.Fatalf("have %q, want %q", got, tt.want)
		}
		for i, want := range tt.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("have %s\nwant %s in it", got[i], want)
			}
		}
	}
}

// What the pod does not ask for itself is told of.
func TestModeNote(t *testing.T) {
	set := NewSet([]*Policy{compile(t, "p", `{"namespaceSelector":{},"requireMode":true,"allowedModes":["headless"],"hostNetwork":{"allowUnmanaged":false}}`)})
	for mode, want := range map[api.Mode][]string{
		"": {
			"refused metadata.annotations[netmode.io/mode]: Required value: policy p requires a mode: headless; from elsewhere: set netmode.io/mode on the pod template (PolicyModeRequired)",
			"refused spec.hostNetwork: Invalid value: true: policy p allows the host network to no pod: remove hostNetwork (PolicyHostNetworkUnmanaged)",
		},
		api.ModeHostNetwork: {`refused metadata.annotations[netmode.io/mode]: Invalid value: "hostnetwork": policy p allows headless; from elsewhere: ` +
			"set netmode.io/mode to one that it allows, or ask those who own the policy (PolicyModeNotAllowed)"},
	} {
		var p plan.Plan
		set.JudgePod(&Pod{Mode: mode, ModeField: modePath, ModeNote: "from elsewhere", Spec: &api.PodSpec{}, HostNetwork: true}, &p)
		if diff := cmp.Diff(want, judged(&p)); diff != "" {
			t.Errorf("mode %q (-want +got):\n%s", mode, diff)
		}
	}
}

func TestHostNetwork(t *testing.T) {
	const (
		unmanaged = `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":false}}`
		declared  = `{"namespaceSelector":{},"hostNetwork":{"requireDeclaredPorts":true}}`
		ranged    = `{"namespaceSelector":{},"hostNetwork":{"portRange":{"min":20000,"max":29999}}}`
	)
	const tooMuch = "spec.containers: Forbidden: policy p looks at no more than 100 containers, 100 init containers and 1000 ports of a pod: make it smaller (PodTooLarge)"
	always := "Always"
	ports := func(n int) []api.Container { return []api.Container{{Ports: make([]api.ContainerPort, n)}} }
	port := func(container, host int32) []api.Container {
		return []api.Container{{Ports: []api.ContainerPort{{ContainerPort: container, HostPort: host}}}}
	}
	for _, tt := range []struct {
		name string
		spec string
		pod  Pod
		want []string
	}{
		{"by hand", unmanaged, Pod{HostNetwork: true}, []string{`spec.hostNetwork: Invalid value: true: policy p allows the host network only in mode hostnetwork: remove hostNetwork`}},
		{"by mode", unmanaged, Pod{HostNetwork: true, Mode: api.ModeHostNetwork}, nil},
		{"not at all", unmanaged, Pod{}, nil},
		{"by hand, and the mode is not allowed", `{"namespaceSelector":{},"allowedModes":["headless"]}`, Pod{HostNetwork: true}, []string{`spec.hostNetwork: Invalid value: true: policy p allows the host network to no pod: remove hostNetwork (`}},
		{"by hand, and the mode is allowed", `{"namespaceSelector":{},"allowedModes":["headless","hostnetwork"]}`, Pod{HostNetwork: true}, nil},
		{"by hand, which the policy allows", `{"namespaceSelector":{},"allowedModes":["headless"],"hostNetwork":{"allowUnmanaged":true}}`, Pod{HostNetwork: true}, nil},
		{"allowed", `{"namespaceSelector":{},"hostNetwork":{"allowUnmanaged":true}}`, Pod{HostNetwork: true}, nil},
		{"no rules", `{"namespaceSelector":{},"hostNetwork":{}}`, Pod{HostNetwork: true}, nil},
		{"no port", declared, Pod{HostNetwork: true, Mode: api.ModeHostNetwork}, []string{`spec.containers: Required value: policy p requires that pods on the host network declare their ports: list every port`}},
		{"no port, by hand", declared, Pod{HostNetwork: true}, []string{"spec.containers: Required value: "}},
		{"a port", declared, Pod{HostNetwork: true, Spec: &api.PodSpec{Containers: port(1, 0)}}, nil},
		{"a port of an init container", declared, Pod{HostNetwork: true, Spec: &api.PodSpec{InitContainers: port(1, 0)}}, []string{"spec.containers: Required value: "}},
		{"a port of a sidecar", declared, Pod{HostNetwork: true, Spec: &api.PodSpec{InitContainers: []api.Container{{RestartPolicy: &always, Ports: port(1, 0)[0].Ports}}}}, nil},
		{"no port, pod network", declared, Pod{}, nil},
		{"in range", ranged, Pod{HostNetwork: true, Spec: &api.PodSpec{Containers: append(port(20000, 0), port(29999, 29999)...)}}, nil},
		{"below", ranged, Pod{HostNetwork: true, Spec: &api.PodSpec{Containers: port(19999, 0)}}, []string{`spec.containers[0].ports[0].containerPort: Invalid value: 19999: policy p allows ports 20000 to 29999 of a node: choose a port`}},
		{"above", ranged, Pod{HostNetwork: true, Spec: &api.PodSpec{Containers: port(80, 30000)}}, []string{`spec.containers[0].ports[0].hostPort: Invalid value: 30000: `}},
		{"init container", ranged, Pod{HostNetwork: true, Spec: &api.PodSpec{InitContainers: port(80, 0)}}, []string{`spec.initContainers[0].ports[0].containerPort: Invalid value: 80: `}},
		{"pod network", ranged, Pod{Spec: &api.PodSpec{Containers: port(80, 0)}}, nil},
		{"pod network, hostPort in range", ranged, Pod{Spec: &api.PodSpec{Containers: port(80, 20001)}}, nil},
		{"pod network, hostPort out of range", ranged, Pod{Spec: &api.PodSpec{Containers: port(20001, 80)}}, []string{`spec.containers[0].ports[0].hostPort: Invalid value: 80: policy p allows ports`}},
		{"as many ports as are looked at", ranged, Pod{Spec: &api.PodSpec{Containers: ports(api.MaxPorts)}}, nil},
		{"too many ports", ranged, Pod{Spec: &api.PodSpec{Containers: ports(api.MaxPorts + 1)}}, []string{tooMuch}},
		{"too many containers", ranged, Pod{Spec: &api.PodSpec{Containers: make([]api.Container, api.MaxContainers+1)}}, []string{tooMuch}},
		{"too many init containers", declared, Pod{HostNetwork: true, Spec: &api.PodSpec{InitContainers: make([]api.Container, api.MaxInitContainers+1)}}, []string{tooMuch}},
		{"too many, and no rule that looks", declared, Pod{Spec: &api.PodSpec{Containers: ports(api.MaxPorts + 1)}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p plan.Plan
			tt.pod.ModeField = modePath
			if tt.pod.Spec == nil {
				tt.pod.Spec = &api.PodSpec{}
			}
			NewSet([]*Policy{compile(t, "p", tt.spec)}).JudgePod(&tt.pod, &p)
			got := judged(&p)
			if len(got) != len(tt.want) {
				t.Fatalf("have %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], "refused "+want) {
					t.Errorf("have %s\nwant refused %s", got[i], want)
				}
			}
		})
	}
}

func TestServices(t *testing.T) {
	set := NewSet([]*Policy{compile(t, "p", `{"namespaceSelector":{},"allowedModes":["headless"],"requireMode":true,"hostNetwork":{"allowUnmanaged":false}}`)})
	for mode, want := range map[api.Mode]int{"": 0, api.ModeDefault: 0, api.ModeHeadless: 0, api.ModeStatefulSetHeadless: 1} {
		var p plan.Plan
		set.JudgeService(mode, modePath, &p)
		if got := judged(&p); len(got) != want {
			t.Errorf("mode %q: %q, want %d", mode, got, want)
		}
	}
}
