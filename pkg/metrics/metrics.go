// Package metrics counts what the webhook does, for Prometheus. Every label
// takes its values from a closed list; nothing that a client sends becomes one.
package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/resolv"
)

// Cause is why something is turned away, from a closed list.
type Cause string

// The causes.
const (
	// CauseBytes: the bodies in flight take all the memory that they may.
	CauseBytes Cause = "bytes"
	// CauseReviews: as many reviews are at work as may be.
	CauseReviews Cause = "reviews"
	// CauseConnections: a connection was refused, or closed for a new one.
	CauseConnections Cause = "connections"
	// CauseSlow: a body came too slowly.
	CauseSlow Cause = "slow"
	// CauseGone: the client did not wait for its answer.
	CauseGone Cause = "gone"
)

// Causes returns the closed list.
func Causes() []Cause {
	return []Cause{CauseBytes, CauseReviews, CauseConnections, CauseSlow, CauseGone}
}

// Metrics are the webhook's metrics in a registry of their own.
type Metrics struct {
	registry    *prometheus.Registry
	reviews     *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	reasons     *prometheus.CounterVec
	rejections  *prometheus.CounterVec
	notJudged   *prometheus.CounterVec
	turnedAway  *prometheus.CounterVec
	panics      prometheus.Counter
	dns         *prometheus.GaugeVec
	notAfter    prometheus.Gauge
	certReloads *prometheus.CounterVec
}

// New registers the metrics.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		reviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_admission_reviews_total",
			Help: "AdmissionReviews answered, by entry, kind, operation, mode and decision.",
		}, []string{"entry", "kind", "operation", "mode", "decision"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "netmode_admission_review_duration_seconds",
			Help:    "Time from the whole review being read to its answer being written.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1},
		}, []string{"decision"}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_admission_reasons_total",
			Help: "Reason codes in decisions; docs/reasons.md explains each.",
		}, []string{"reason"}),
		rejections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_http_rejections_total",
			Help: "Requests that held no AdmissionReview to answer, by HTTP status code.",
		}, []string{"code"}),
		notJudged: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_admission_reviews_not_judged_total",
			Help: "AdmissionReviews answered without a look at their object, by status code and whether they were let through.",
		}, []string{"code", "allowed"}),
		turnedAway: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_turned_away_total",
			Help: "Requests and connections turned away, by cause: bytes in flight, reviews at work, connections, a slow body, a client that is gone.",
		}, []string{"cause"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "netmode_panics_total",
			Help: "Requests that ended in a panic.",
		}),
		dns: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "netmode_cluster_dns_info",
			Help: "1, labelled with a hash of what this replica knows of the cluster's DNS; replicas with different hashes disagree.",
		}, []string{"hash", "known"}),
		notAfter: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "netmode_certificate_not_after_timestamp_seconds",
			Help: "When the serving certificate expires, in seconds since the epoch.",
		}),
		certReloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "netmode_certificate_reloads_total",
			Help: "Times that a serving certificate was loaded, at the start and when its files changed, by result.",
		}, []string{"result"}),
	}
	for _, cause := range Causes() {
		m.turnedAway.WithLabelValues(string(cause))
	}
	m.registry.MustRegister(m.reviews, m.duration, m.reasons, m.rejections, m.notJudged, m.turnedAway, m.panics, m.dns, m.notAfter, m.certReloads)
	m.registry.MustRegister(Process()...)
	return m
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gatherer gives tests the metrics themselves.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Reviewed counts one answered review.
func (m *Metrics) Reviewed(rec *admission.Record, took time.Duration) {
	mode := string(rec.Mode)
	if mode == "" {
		mode = "none"
	}
	decision := string(rec.Decision)
	m.reviews.WithLabelValues(string(rec.Entry), rec.Kind, operation(rec.Operation), mode, decision).Inc()
	m.duration.WithLabelValues(decision).Observe(took.Seconds())
	for _, r := range rec.Reasons {
		m.reasons.WithLabelValues(string(r)).Inc()
	}
}

// Rejected counts one request that held no review to answer.
func (m *Metrics) Rejected(code int) {
	m.rejections.WithLabelValues(strconv.Itoa(code)).Inc()
}

// NotJudged counts one review that was answered without a look at its object.
func (m *Metrics) NotJudged(code int, allowed bool) {
	m.notJudged.WithLabelValues(strconv.Itoa(code), strconv.FormatBool(allowed)).Inc()
}

// TurnedAway counts one request or connection that was turned away.
func (m *Metrics) TurnedAway(cause Cause) { m.turnedAway.WithLabelValues(string(cause)).Inc() }

// Panicked counts one request that ended in a panic.
func (m *Metrics) Panicked() { m.panics.Inc() }

// ClusterDNS tells what this replica knows of the cluster's DNS.
func (m *Metrics) ClusterDNS(facts resolv.Facts) {
	m.dns.Reset()
	m.dns.WithLabelValues(facts.Hash(), strconv.FormatBool(facts.Known())).Set(1)
}

// Cache registers how long ago the API server was last heard, and how many
// policies the cache leaves out. Call it once.
func (m *Metrics) Cache(age func() time.Duration, leftOut func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "netmode_cache_age_seconds",
		Help: "Seconds since the API server last told something of the kind that is longest silent. It speaks about once a minute of each; more means that decisions are made from a cache that ages.",
	}, func() float64 { return age().Seconds() }))
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "netmode_policies_left_out",
		Help: "NetworkModePolicies that this build does not understand, so that they hold nowhere; the log says why.",
	}, func() float64 { return float64(leftOut()) }))
}

// CertificateLoaded tells when the certificate in use expires.
func (m *Metrics) CertificateLoaded(notAfter time.Time) {
	m.notAfter.Set(float64(notAfter.Unix()))
	m.certReloads.WithLabelValues("success").Inc()
}

// CertificateFailed counts files that changed and could not be loaded.
func (m *Metrics) CertificateFailed() { m.certReloads.WithLabelValues("failure").Inc() }

// operation keeps the label's values to those of the API.
func operation(s string) string {
	if slices.Contains([]string{"CREATE", "UPDATE", "DELETE", "CONNECT"}, s) {
		return s
	}
	return "other"
}
