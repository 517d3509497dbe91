package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// policiesMetrics are the metrics of netmode-webhook policies.
type policiesMetrics struct {
	registry *prometheus.Registry
	writes   prometheus.Counter
	failures prometheus.Counter
}

func newPoliciesMetrics() *policiesMetrics {
	m := &policiesMetrics{
		registry: prometheus.NewRegistry(),
		writes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_policies_status_writes_total",
			Help: "Statuses of NetworkModePolicies written, because they had changed.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_policies_failures_total",
			Help: "Rounds that ended with an error and are tried again; the log says why.",
		}),
	}
	m.registry.MustRegister(m.writes, m.failures)
	m.registry.MustRegister(metrics.Process()...)
	return m
}

func (m *policiesMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *policiesMetrics) observer() cluster.StatusObserver {
	return cluster.StatusObserver{Written: m.writes.Inc, Failed: func(error) { m.failures.Inc() }}
}
