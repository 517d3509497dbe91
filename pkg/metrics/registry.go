package metrics

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netmode-io/netmode/pkg/version"
)

// Registry holds the metrics of one program. Its constructors register what
// they make.
type Registry struct{ *prometheus.Registry }

// NewRegistry has the metrics that every program of netmode has: its build, the
// Go runtime, and the process as the system sees it.
func NewRegistry() Registry {
	r := Registry{prometheus.NewRegistry()}
	r.Gauges("netmode_build_info", "1, labelled with the version of netmode and of Go.", "version", "go_version").
		WithLabelValues(version.Version, runtime.Version()).Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler serves the metrics in Prometheus' text format.
func (r Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r})
}

// Counter makes a counter without labels.
func (r Registry) Counter(name, help string) prometheus.Counter {
	return register(r, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
}

// Counters makes one counter for each combination of the labels' values.
func (r Registry) Counters(name, help string, labels ...string) *prometheus.CounterVec {
	return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
}

// Gauge makes a gauge without labels.
func (r Registry) Gauge(name, help string) prometheus.Gauge {
	return register(r, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}))
}

// Gauges makes one gauge for each combination of the labels' values.
func (r Registry) Gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
}

// GaugeFunc makes a gauge whose value is looked up when the metrics are read.
func (r Registry) GaugeFunc(name, help string, value func() float64) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Histograms makes one histogram for each combination of the labels' values.
func (r Registry) Histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels))
}

func register[C prometheus.Collector](r Registry, c C) C {
	r.MustRegister(c)
	return c
}
