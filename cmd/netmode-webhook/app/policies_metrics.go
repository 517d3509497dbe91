package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// policiesMetrics are the metrics of netmode-webhook policies.
type policiesMetrics struct {
	registry *prometheus.Registry
	statuses prometheus.Counter
	objects  *prometheus.CounterVec
	enforced *prometheus.GaugeVec
	failures prometheus.Counter
}

func newPoliciesMetrics() *policiesMetrics {
	m := &policiesMetrics{
		registry: prometheus.NewRegistry(),
		statuses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_policies_status_writes_total",
			Help: "Statuses of NetworkModePolicies written, because they had changed.",
		}),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_policies_object_writes_total",
			Help: "Writes of what the API server enforces policies by, by kind and action: repaired undoes what somebody else did.",
		}, []string{"kind", "action"}),
		enforced: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "netmode_policies_enforced",
			Help: "NetworkModePolicies by the status of their condition Enforced: True, False or Unknown.",
		}, []string{"status"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_policies_failures_total",
			Help: "Rounds that ended with an error and are tried again; the log says why.",
		}),
	}
	for _, kind := range cluster.ObjectKinds() {
		for _, action := range cluster.ObjectActions() {
			m.objects.WithLabelValues(string(kind), string(action))
		}
	}
	m.registry.MustRegister(m.statuses, m.objects, m.enforced, m.failures)
	m.registry.MustRegister(metrics.Process()...)
	return m
}

func (m *policiesMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
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
