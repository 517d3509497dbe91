package app

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/version"
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
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "netmode_build_info",
		Help: "1, labelled with the version of netmode and of Go.",
	}, []string{"version", "go_version"})
	build.WithLabelValues(version.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.writes, m.failures, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *policiesMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *policiesMetrics) observer() cluster.StatusObserver {
	return cluster.StatusObserver{Written: m.writes.Inc, Failed: func(error) { m.failures.Inc() }}
}
