package app

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/cluster"
)

func TestPoliciesBadFlags(t *testing.T) {
	t.Parallel()
	checkRefused(t, []string{"policies", "--own-namespace=a.b", "--excluded-namespaces=a,b_c", "--system-namespaces=d/e"},
		[]string{`--own-namespace "a.b": not the name of a namespace: `, `--excluded-namespaces "b_c": not the name of a namespace: `, `--system-namespaces "d/e": not the name of a namespace: `})
}

// TestPoliciesWithoutAPIServer: an API server that is away is waited for, and
// keeps nothing from ending.
func TestPoliciesWithoutAPIServer(t *testing.T) {
	t.Parallel()
	w := start(t, "keeping policies", "policies", "--kubeconfig="+noAPIServer(t), "--ops-listen=127.0.0.1:0")
	w.line(t, "watch broken, opened again soon")
	if code, text := get(t, "http://"+w.ops+"/readyz"); code != http.StatusServiceUnavailable || text != "not ready: starting, or the policies are not in order; the log says why\n" {
		t.Errorf("readyz: %d %q", code, text)
	}
	if code, _ := get(t, "http://"+w.ops+"/livez"); code != http.StatusOK {
		t.Errorf("livez: %d", code)
	}
	w.terminate(t)
}

func TestPoliciesMetrics(t *testing.T) {
	t.Parallel()
	m := newPoliciesMetrics()
	hooks := m.hooks()
	hooks.StatusWritten()
	hooks.StatusWritten()
	hooks.ObjectWritten(cluster.KindBinding, cluster.ActionRepaired)
	hooks.Enforced(map[metav1.ConditionStatus]int{metav1.ConditionTrue: 3, metav1.ConditionFalse: 1, metav1.ConditionUnknown: 0})
	hooks.Failed(errors.New("x"))
	names := []string{"netmode_policies_status_writes_total", "netmode_policies_object_writes_total", "netmode_policies_enforced", "netmode_policies_failures_total"}
	if err := testutil.GatherAndCompare(m, strings.NewReader(`
# HELP netmode_policies_enforced NetworkModePolicies by the status of their condition Enforced: True, False or Unknown.
# TYPE netmode_policies_enforced gauge
netmode_policies_enforced{status="False"} 1
netmode_policies_enforced{status="True"} 3
netmode_policies_enforced{status="Unknown"} 0
# HELP netmode_policies_failures_total Rounds that ended with an error and are tried again; the log says why.
# TYPE netmode_policies_failures_total counter
netmode_policies_failures_total 1
# HELP netmode_policies_object_writes_total Writes of what the API server enforces policies by, by kind and action: repaired undoes what somebody else did.
# TYPE netmode_policies_object_writes_total counter
netmode_policies_object_writes_total{action="changed",kind="ValidatingAdmissionPolicy"} 0
netmode_policies_object_writes_total{action="changed",kind="ValidatingAdmissionPolicyBinding"} 0
netmode_policies_object_writes_total{action="created",kind="ValidatingAdmissionPolicy"} 0
netmode_policies_object_writes_total{action="created",kind="ValidatingAdmissionPolicyBinding"} 0
netmode_policies_object_writes_total{action="deleted",kind="ValidatingAdmissionPolicy"} 0
netmode_policies_object_writes_total{action="deleted",kind="ValidatingAdmissionPolicyBinding"} 0
netmode_policies_object_writes_total{action="repaired",kind="ValidatingAdmissionPolicy"} 0
netmode_policies_object_writes_total{action="repaired",kind="ValidatingAdmissionPolicyBinding"} 1
# HELP netmode_policies_status_writes_total Statuses of NetworkModePolicies written, because they had changed.
# TYPE netmode_policies_status_writes_total counter
netmode_policies_status_writes_total 2
`), names...); err != nil {
		t.Error(err)
	}
	problems, err := testutil.GatherAndLint(m, append(names, "netmode_build_info")...)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
