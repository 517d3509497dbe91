package app

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// certificatesMetrics are the metrics of netmode-webhook certificates.
type certificatesMetrics struct {
	registry *prometheus.Registry
	steps    *prometheus.CounterVec
	failures prometheus.Counter
	inOrder  prometheus.Gauge
	notAfter *prometheus.GaugeVec
}

func newCertificatesMetrics() *certificatesMetrics {
	m := &certificatesMetrics{
		registry: prometheus.NewRegistry(),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_certificates_steps_total",
			Help: "Steps taken to make, rotate or restore certificates and caBundles, by step.",
		}, []string{"step"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_certificates_failures_total",
			Help: "Rounds that ended with an error and are tried again; the log says why.",
		}),
		inOrder: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "netmode_certificates_in_order",
			Help: "1 if the last round ended without an error, else 0.",
		}),
		notAfter: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "netmode_certificates_not_after_timestamp_seconds",
			Help: "When the certificate expires, in seconds since the epoch: leaf is the one to serve, ca the one that signs.",
		}, []string{"certificate"}),
	}
	for _, step := range certs.Steps() {
		m.steps.WithLabelValues(string(step))
	}
	m.registry.MustRegister(m.steps, m.failures, m.inOrder, m.notAfter)
	m.registry.MustRegister(metrics.Process()...)
	return m
}

func (m *certificatesMetrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *certificatesMetrics) hooks() certs.ControllerHooks {
	return certs.ControllerHooks{
		Stepped: func(step certs.Step) { m.steps.WithLabelValues(string(step)).Inc() },
		InOrder: func(leaf, ca time.Time) {
			m.inOrder.Set(1)
			m.notAfter.WithLabelValues("leaf").Set(float64(leaf.Unix()))
			m.notAfter.WithLabelValues("ca").Set(float64(ca.Unix()))
		},
		Failed: func(error) {
			m.inOrder.Set(0)
			m.failures.Inc()
		},
	}
}
