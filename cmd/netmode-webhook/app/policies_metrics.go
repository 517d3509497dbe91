package app

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// policiesMetrics are the metrics of netmode-webhook policies.
type policiesMetrics struct {
	metrics.Registry

	statuses prometheus.Counter
	objects  *prometheus.CounterVec
	enforced *prometheus.GaugeVec
	failures prometheus.Counter
}

func newPoliciesMetrics() *policiesMetrics {
	r := metrics.NewRegistry()
	m := &policiesMetrics{
		Registry: r,
		statuses: r.Counter("netmode_policies_status_writes_total",
			"Statuses of NetworkModePolicies written, because they had changed."),
		objects: r.Counters("netmode_policies_object_writes_total",
			"Writes of what the API server enforces policies by, by kind and action: repaired undoes what somebody else did.",
			"kind", "action"),
		enforced: r.Gauges("netmode_policies_enforced",
			"NetworkModePolicies by the status of their condition Enforced: True, False or Unknown.", "status"),
		failures: r.Counter("netmode_policies_failures_total",
			"Rounds that ended with an error and are tried again; the log says why."),
	}
	for _, kind := range cluster.ObjectKinds() {
		for _, action := range cluster.ObjectActions() {
			m.objects.WithLabelValues(string(kind), string(action))
		}
	}
	return m
}

func (m *policiesMetrics) hooks() cluster.PolicyHooks {
	return cluster.PolicyHooks{
		StatusWritten: m.statuses.Inc,
		ObjectWritten: func(kind cluster.ObjectKind, action cluster.ObjectAction) {
			m.objects.WithLabelValues(string(kind), string(action)).Inc()
		},
		Enforced: func(counts map[metav1.ConditionStatus]int) {
			for status, n := range counts {
				m.enforced.WithLabelValues(string(status)).Set(float64(n))
			}
		},
		Failed: func(error) { m.failures.Inc() },
	}
}
