// Package metrics is what the programs count, for Prometheus: a registry for all of
// them, and the webhook's own metrics. Every label takes its values from a closed
// list; nothing that a client sends becomes one.
package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// Metrics are the webhook's metrics.
type Metrics struct {
	Registry

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
	r := NewRegistry()
	m := &Metrics{
		Registry: r,
		reviews: r.Counters("netmode_admission_reviews_total",
			"AdmissionReviews answered, by entry, kind, operation, mode and decision.",
			"entry", "kind", "operation", "mode", "decision"),
		duration: r.Histograms("netmode_admission_review_duration_seconds",
			"Time from the whole review being read to its answer being written.",
			[]float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1}, "decision"),
		reasons: r.Counters("netmode_admission_reasons_total",
			"Reason codes in decisions; docs/reasons.md explains each.", "reason"),
		rejections: r.Counters("netmode_http_rejections_total",
			"Requests that held no AdmissionReview to answer, by HTTP status code.", "code"),
		notJudged: r.Counters("netmode_admission_reviews_not_judged_total",
			"AdmissionReviews answered without a look at their object, by status code and whether they were let through.",
			"code", "allowed"),
		turnedAway: r.Counters("netmode_turned_away_total",
			"Requests and connections turned away, by cause: bytes in flight, reviews at work, connections, a slow body, a client that is gone.",
			"cause"),
		panics: r.Counter("netmode_panics_total", "Requests that ended in a panic."),
		dns: r.Gauges("netmode_cluster_dns_info",
			"1, labelled with a hash of what this replica knows of the cluster's DNS; replicas with different hashes disagree.",
			"hash", "known"),
		notAfter: r.Gauge("netmode_certificate_not_after_timestamp_seconds",
			"When the serving certificate expires, in seconds since the epoch."),
		certReloads: r.Counters("netmode_certificate_reloads_total",
			"Times that a serving certificate was loaded, at the start and when its files changed, by result.", "result"),
	}
	for _, cause := range Causes() {
		m.turnedAway.WithLabelValues(string(cause))
	}
	return m
}

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

// ClusterDNS records what this replica knows of the cluster's DNS.
func (m *Metrics) ClusterDNS(facts resolv.Facts) {
	m.dns.Reset()
	m.dns.WithLabelValues(facts.Hash(), strconv.FormatBool(facts.Known())).Set(1)
}

// Cache registers how long ago the API server was last heard, and how many
// policies the cache leaves out. Call it once.
func (m *Metrics) Cache(age func() time.Duration, leftOut func() int) {
	m.GaugeFunc("netmode_cache_age_seconds",
		"Seconds since the API server last told something of the kind that is longest silent. It speaks about once a minute of each; more means that decisions are made from a cache that ages.",
		func() float64 { return age().Seconds() })
	m.GaugeFunc("netmode_policies_left_out",
		"NetworkModePolicies that this build does not understand, so that they hold nowhere; the log says why.",
		func() float64 { return float64(leftOut()) })
}

// CertificateLoaded records when the certificate in use expires.
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
