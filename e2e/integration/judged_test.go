package integration

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/policy"
)

// judgePod is what Go says of a pod as the API server has it in the end, by each policy alone.
func judgePod(t *testing.T, policies policy.Set, namespaceLabels map[string]string, final []byte) verdict {
	t.Helper()
	var pod api.Pod
	if err := api.Decode(final, &pod, ""); err != nil {
		t.Fatal(err)
	}
	judged := verdict{}
	for _, p := range policies.ForPod(pod.Metadata.Labels).Policies() {
		var said plan.Plan
		policy.NewSet([]*policy.Policy{p}).JudgePod(&policy.Pod{
			Mode: modeOf(&pod.Metadata, namespaceLabels), ModeField: modeField(), Spec: &pod.Spec, HostNetwork: pod.Spec.HostNetwork,
		}, &said)
		judged.addPlan(p.Name, &said)
	}
	return judged
}

// judgeService is what Go says of a Service, by each policy alone.
func judgeService(t *testing.T, policies policy.Set, final []byte) verdict {
	t.Helper()
	var service api.Service
	if err := api.Decode(final, &service, ""); err != nil {
		t.Fatal(err)
	}
	judged := verdict{}
	for _, p := range policies.ForService().Policies() {
		var said plan.Plan
		policy.NewSet([]*policy.Policy{p}).JudgeService(modeOf(&service.Metadata, nil), modeField(), &said)
		judged.addPlan(p.Name, &said)
	}
	return judged
}

func modeField() *field.Path { return field.NewPath("metadata", "annotations").Key(api.AnnotationMode) }

func (v verdict) addPlan(name string, said *plan.Plan) {
	for enforcement, as := range map[api.Enforcement]plan.Verdict{
		api.EnforcementDeny: plan.Refused, api.EnforcementWarn: plan.Warned, api.EnforcementAudit: plan.Audited,
	} {
		for _, f := range said.Findings(as) {
			if f.Reason == plan.FindingsCut {
				continue // there are more of the same
			}
			v.add(enforcement, problem{name, string(f.Reason)})
		}
	}
}

// modeOf is the mode that policies believe an object to have:
//
//	label ignore  annotation  status                    mode
//	true          any         any                       none
//	else          a mode      any                       the annotation's
//	else          another     any                       none
//	else          none        of source namespace       the status's, if the label of the namespace has it
//	else          none        of source policy          the status's, in namespaces whose label sends pods for policies
//	else          none        of another, or no status  none
func modeOf(meta *api.ObjectMeta, namespaceLabels map[string]string) api.Mode {
	if meta.Labels[api.LabelIgnore] == "true" {
		return ""
	}
	if asked, ok := meta.Annotations[api.AnnotationMode]; ok {
		if mode := api.Mode(asked); mode.Valid() {
			return mode
		}
		return ""
	}
	for _, mode := range api.Modes() {
		of := func(source string) bool {
			return strings.HasPrefix(meta.Annotations[api.AnnotationStatus], `{"mode":"`+string(mode)+`","source":"`+source+`"`)
		}
		if namespaceLabels[api.LabelMode] == string(mode) && of("namespace") || namespaceLabels[api.LabelPolicy] == api.PolicyEnabled && of("policy") {
			return mode
		}
	}
	return ""
}
