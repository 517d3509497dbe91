package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestEnforced(t *testing.T) {
	const (
		forbids = `"allowedModes":["hostnetwork"]`
		byHand  = "; hostNetwork.allowUnmanaged is true, though hostnetwork is not among allowedModes: pods may still set hostNetwork by hand: remove allowUnmanaged if that is not meant"
	)
	checked := func(generation, observed int64, warnings ...admissionregistrationv1.ExpressionWarning) AdmissionFound {
		return AdmissionFound{Name: "netmode-policy-p", Policy: &admissionregistrationv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Generation: generation},
			Status: admissionregistrationv1.ValidatingAdmissionPolicyStatus{
				ObservedGeneration: observed, TypeChecking: &admissionregistrationv1.TypeChecking{ExpressionWarnings: warnings},
			},
		}}
	}
	good := checked(2, 2)
	unseen := AdmissionFound{Name: "netmode-policy-p", Policy: &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Generation: 1}}}
	taken := AdmissionFound{Name: "netmode-service-policy-p", Taken: "ValidatingAdmissionPolicyBinding"}
	failed := AdmissionFound{Name: "netmode-policy-p", Problem: errors.New("etcd is away")}
	warning := admissionregistrationv1.ExpressionWarning{FieldRef: "spec.variables[0]", Warning: "undefined field 'x'"}
	for _, tt := range []struct {
		what, spec string
		observe    bool
		found      []AdmissionFound
		want       string
	}{
		{"nothing forbidden", "", false, nil, "True NothingForbidden: the policy forbids nothing"},
		{"nothing forbidden, observed", "", true, nil, "True NothingForbidden: the policy forbids nothing"},
		{"as compiled", forbids, false, []AdmissionFound{good, good}, "True Enforced: bound with Deny"},
		{"warns", forbids + `,"enforcement":"Warn"`, false, []AdmissionFound{good}, "True Enforced: bound with Warn"},
		{"audits", forbids + `,"enforcement":"Audit"`, false, []AdmissionFound{good}, "True Enforced: bound with Audit"},
		{"audits, observed", forbids + `,"enforcement":"Audit"`, true, []AdmissionFound{good}, "True Enforced: bound with Audit"},
		{"observed", forbids, true, []AdmissionFound{good}, "False ObserveOnly: netmode only observes: bound with Audit, and not with Deny: remove --observe-only from netmode-policies"},
		{"not looked at", forbids, false, []AdmissionFound{good, unseen}, "Unknown Pending: ValidatingAdmissionPolicy netmode-policy-p is applied, and kube-controller-manager has not type-checked it yet"},
		{"not looked at again", forbids, true, []AdmissionFound{checked(3, 2)}, "Unknown Pending: "},
		{"not applied", forbids, false, []AdmissionFound{unseen, failed},
			"False NotApplied: ValidatingAdmissionPolicy netmode-policy-p and its binding are not as the policy has it, and are tried again: etcd is away"},
		{"taken", forbids, false, []AdmissionFound{unseen, taken},
			"False NameTaken: ValidatingAdmissionPolicyBinding netmode-service-policy-p is there and is not netmode's, so that the policy is not enforced: delete that one, or give the policy another name"},
		{"doubted", forbids, false, []AdmissionFound{good, checked(2, 2, warning)},
			"False TypeChecking: the API server doubts the rules, and refuses what they fail on: install a version of netmode made for this version of Kubernetes: netmode-policy-p spec.variables[0]: undefined field 'x'"},
		{"much doubted", forbids, true, []AdmissionFound{checked(2, 2, warning, warning, warning, warning, warning)}, "False TypeChecking: "},
		{"by hand", `"allowedModes":["headless"],"hostNetwork":{"allowUnmanaged":true}`, false, []AdmissionFound{good}, "True Enforced: bound with Deny" + byHand},
		{"not by hand", `"allowedModes":["headless"]`, false, []AdmissionFound{good}, "True Enforced: bound with Deny"},
		{"by hand, as its mode", forbids + `,"hostNetwork":{"allowUnmanaged":true}`, false, []AdmissionFound{good}, "True Enforced: bound with Deny"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			spec := `{"namespaceSelector":{}`
			if tt.spec != "" {
				spec += "," + tt.spec
			}
			c := compile(t, "p", spec+"}").Enforced(&AdmissionSettings{ObserveOnly: tt.observe}, tt.found)
			got := fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
			if c.Type != ConditionEnforced || got != tt.want && !(strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(got, tt.want)) {
				t.Errorf("have %s %s\nwant %s", c.Type, got, tt.want)
			}
		})
	}
	long := []AdmissionFound{{Name: "n", Problem: errors.New(strings.Repeat("ä", 100_000))}}
	if c := compile(t, "p", `{"namespaceSelector":{},`+forbids+`}`).Enforced(&AdmissionSettings{}, long); len(c.Message) > 3000 || !strings.HasSuffix(c.Message, "ä…") {
		t.Errorf("a message of %d bytes", len(c.Message))
	}
}
