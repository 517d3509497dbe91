package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netmode-io/netmode/certs"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// certificatesMetrics are the metrics of netmode-webhook certificates.
type certificatesMetrics struct {
	metrics.Registry

	steps    *prometheus.CounterVec
	failures prometheus.Counter
	inOrder  prometheus.Gauge
	notAfter *prometheus.GaugeVec
}

func newCertificatesMetrics() *certificatesMetrics {
	r := metrics.NewRegistry()
	m := &certificatesMetrics{
		Registry: r,
		steps: r.Counters("netmode_certificates_steps_total",
			"Steps taken to make, rotate or restore certificates and caBundles, by step.", "step"),
		failures: r.Counter("netmode_certificates_failures_total",
			"Rounds that ended with an error and are tried again; the log says why."),
		inOrder: r.Gauge("netmode_certificates_in_order",
			"1 if the last round ended without an error, else 0."),
		notAfter: r.Gauges("netmode_certificates_not_after_timestamp_seconds",
			"When the certificate expires, in seconds since the epoch: leaf is the one to serve, ca the one that signs.",
			"certificate"),
	}
	for _, step := range certs.Steps() {
		m.steps.WithLabelValues(string(step))
	}
	return m
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
