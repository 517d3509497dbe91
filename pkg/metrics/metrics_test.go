package metrics

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/plan"
	"github.com/netmode-io/netmode/pkg/resolv"
	"github.com/netmode-io/netmode/pkg/version"
	"github.com/netmode-io/netmode/pkg/workload"
)

// used are metrics of which every one has a value.
func used(t *testing.T) *Metrics {
	t.Helper()
	m := New()
	for _, record := range []admission.Record{
		{Entry: api.EntryAsked, Kind: "Pod", Operation: "CREATE", Mode: api.ModeHostNetwork, Decision: admission.Patched, Reasons: []plan.Reason{plan.HostNetworkSet, plan.DNSPolicySet}},
		{Entry: api.EntryAsked, Kind: "Pod", Operation: "CREATE", Mode: api.ModeHostNetwork, Decision: admission.Patched, Reasons: []plan.Reason{plan.HostNetworkSet}},
		{Entry: api.EntryPolicy, Kind: "Service", Operation: "UPDATE", Decision: admission.Unchanged, Reasons: []plan.Reason{plan.NothingAsked}},
		{Entry: api.EntryWorkloads, Kind: "other", Operation: "PATCH", Decision: admission.Unchanged},
		{Entry: api.EntryAsked, Kind: "Pod", Operation: "CREATE", Decision: admission.Malformed},
	} {
		m.Reviewed(&record, 3*time.Millisecond)
	}
	m.Rejected(http.StatusBadRequest)
	m.Rejected(http.StatusBadRequest)
	m.Rejected(http.StatusMethodNotAllowed)
	m.NotJudged(http.StatusRequestEntityTooLarge, false)
	m.NotJudged(http.StatusInternalServerError, true)
	m.TurnedAway(CauseBytes)
	m.Panicked()
	facts, err := resolv.Declare([]string{"10.96.0.10"}, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	m.ClusterDNS(resolv.Facts{})
	m.ClusterDNS(facts)
	m.CertificateLoaded(time.Unix(1_800_000_000, 0))
	m.CertificateFailed()
	m.CertificateFailed()
	m.Cache(func() time.Duration { return 1500 * time.Millisecond }, func() int { return 2 })
	return m
}

func TestValues(t *testing.T) {
	facts, err := resolv.Declare([]string{"10.96.0.10"}, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	want := `
# HELP netmode_admission_reviews_total AdmissionReviews answered, by entry, kind, operation, mode and decision.
# TYPE netmode_admission_reviews_total counter
netmode_admission_reviews_total{decision="malformed",entry="asked",kind="Pod",mode="none",operation="CREATE"} 1
netmode_admission_reviews_total{decision="patched",entry="asked",kind="Pod",mode="hostnetwork",operation="CREATE"} 2
netmode_admission_reviews_total{decision="unchanged",entry="policy",kind="Service",mode="none",operation="UPDATE"} 1
netmode_admission_reviews_total{decision="unchanged",entry="workloads",kind="other",mode="none",operation="other"} 1
# HELP netmode_admission_reasons_total Reason codes in decisions; docs/reasons.md explains each.
# TYPE netmode_admission_reasons_total counter
netmode_admission_reasons_total{reason="DNSPolicySet"} 1
netmode_admission_reasons_total{reason="HostNetworkSet"} 2
netmode_admission_reasons_total{reason="NothingAsked"} 1
# HELP netmode_http_rejections_total Requests that held no AdmissionReview to answer, by HTTP status code.
# TYPE netmode_http_rejections_total counter
netmode_http_rejections_total{code="400"} 2
netmode_http_rejections_total{code="405"} 1
# HELP netmode_admission_reviews_not_judged_total AdmissionReviews answered without a look at their object, by status code and whether they were let through.
# TYPE netmode_admission_reviews_not_judged_total counter
netmode_admission_reviews_not_judged_total{allowed="false",code="413"} 1
netmode_admission_reviews_not_judged_total{allowed="true",code="500"} 1
# HELP netmode_turned_away_total Requests and connections turned away, by cause: bytes in flight, reviews at work, connections, a slow body, a client that is gone.
# TYPE netmode_turned_away_total counter
netmode_turned_away_total{cause="bytes"} 1
netmode_turned_away_total{cause="connections"} 0
netmode_turned_away_total{cause="gone"} 0
netmode_turned_away_total{cause="reviews"} 0
netmode_turned_away_total{cause="slow"} 0
# HELP netmode_panics_total Requests that ended in a panic.
# TYPE netmode_panics_total counter
netmode_panics_total 1
# HELP netmode_cluster_dns_info 1, labelled with a hash of what this replica knows of the cluster's DNS; replicas with different hashes disagree.
# TYPE netmode_cluster_dns_info gauge
netmode_cluster_dns_info{hash="` + facts.Hash() + `",known="true"} 1
# HELP netmode_certificate_not_after_timestamp_seconds When the serving certificate expires, in seconds since the epoch.
# TYPE netmode_certificate_not_after_timestamp_seconds gauge
netmode_certificate_not_after_timestamp_seconds 1.8e+09
# HELP netmode_cache_age_seconds Seconds since the API server last told something of the kind that is longest silent. It speaks about once a minute of each; more means that decisions are made from a cache that ages.
# TYPE netmode_cache_age_seconds gauge
netmode_cache_age_seconds 1.5
# HELP netmode_policies_left_out NetworkModePolicies that this build does not understand, so that they hold nowhere; the log says why.
# TYPE netmode_policies_left_out gauge
netmode_policies_left_out 2
`
	if err := testutil.GatherAndCompare(used(t), strings.NewReader(want), names(want)...); err != nil {
		t.Error(err)
	}
}

// names are those that a text in Prometheus' format describes.
func names(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 3 && words[1] == "TYPE" {
			found = append(found, words[2])
		}
	}
	return found
}

func TestDurations(t *testing.T) {
	families, err := used(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range families {
		if family.GetName() != "netmode_admission_review_duration_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			histogram := metric.GetHistogram()
			counts[metric.GetLabel()[0].GetValue()] = histogram.GetSampleCount()
			if mean := histogram.GetSampleSum() / float64(histogram.GetSampleCount()); mean < 0.0029 || mean > 0.0031 {
				t.Errorf("mean %g seconds, want 0.003", mean)
			}
		}
	}
	if counts["patched"] != 2 || counts["unchanged"] != 2 || counts["malformed"] != 1 {
		t.Errorf("counts %v", counts)
	}
}

func TestLint(t *testing.T) {
	gatherer := used(t)
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "netmode_") {
			own = append(own, family.GetName())
		}
	}
	if len(own) < 11 {
		t.Fatalf("only %v are used", own)
	}
	problems, err := testutil.GatherAndLint(gatherer, own...)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestHandler(t *testing.T) {
	server := httptest.NewServer(used(t).Handler())
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"netmode_panics_total 1\n",
		`netmode_build_info{go_version="go`,
		`version="` + version.Version + `"} 1` + "\n",
		`netmode_certificate_reloads_total{result="failure"} 2` + "\n",
		"\ngo_goroutines ",
		"\nprocess_start_time_seconds ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// Whatever clients send, no label has a value that is not in a closed list.
func TestLabelsAreClosed(t *testing.T) {
	m := New()
	reviewer := &admission.Reviewer{Entry: api.EntryAsked, Settings: &engine.Settings{}, Snapshots: admission.FixedSnapshot{Of: engine.EmptySnapshot{}}}
	for _, hostile := range []string{"", "create", "CREATE\n", `x"} 1`, "PATCH", "ノード", strings.Repeat("x", 10_000)} {
		for _, spoil := range []func(*admissionv1.AdmissionRequest){
			func(*admissionv1.AdmissionRequest) {},
			func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Operation(hostile) },
			func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = hostile },
			func(r *admissionv1.AdmissionRequest) { r.Kind.Group = hostile },
			func(r *admissionv1.AdmissionRequest) {
				r.Kind.Group, r.Kind.Kind, r.Namespace = "batch", "CronJob", hostile
				r.Object.Raw = fmt.Appendf(nil, `{"metadata":{"annotations":{"netmode.io/mode":%q}}}`, hostile)
			},
			func(r *admissionv1.AdmissionRequest) { r.SubResource = hostile },
			func(r *admissionv1.AdmissionRequest) { r.Namespace, r.Name = hostile, hostile },
			func(r *admissionv1.AdmissionRequest) { r.Object.Raw = annotated(t, hostile) },
		} {
			body := spoilt(t, spoil)
			_, record, err := reviewer.Review(t.Context(), body)
			if err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			m.Reviewed(&record, time.Millisecond)
		}
	}
	var entries, decisions, modes, reasons []string
	for _, e := range api.Entries() {
		entries = append(entries, string(e))
	}
	for _, d := range admission.Decisions() {
		decisions = append(decisions, string(d))
	}
	for _, mode := range api.Modes() {
		modes = append(modes, string(mode))
	}
	for _, doc := range plan.Reasons() {
		reasons = append(reasons, string(doc.Reason))
	}
	closed := map[string][]string{
		"entry":     entries,
		"kind":      append(workload.Kinds(), "Pod", "Service", "other"),
		"operation": {"CREATE", "UPDATE", "DELETE", "CONNECT", "other"},
		"mode":      append(modes, "none"),
		"decision":  decisions,
		"reason":    reasons,
	}
	families, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "netmode_admission_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				seen[label.GetName()+"="+label.GetValue()] = true
				if !slices.Contains(closed[label.GetName()], label.GetValue()) {
					t.Errorf("%s has %s=%q", family.GetName(), label.GetName(), label.GetValue())
				}
			}
		}
	}
	for _, want := range []string{"kind=other", "operation=other", "decision=refused", "reason=AnnotationInvalid"} {
		if !seen[want] {
			t.Errorf("%s was not counted, so nothing is proved", want)
		}
	}
}

func spoilt(t *testing.T, spoil func(*admissionv1.AdmissionRequest)) []byte {
	t.Helper()
	text, err := os.ReadFile("../admission/testdata/review-pod-replicaset.json")
	if err != nil {
		t.Fatal(err)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &review); err != nil {
		t.Fatal(err)
	}
	spoil(review.Request)
	body, err := json.Marshal(review)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func annotated(t *testing.T, mode string) []byte {
	t.Helper()
	object, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{"netmode.io/mode": mode}}})
	if err != nil {
		t.Fatal(err)
	}
	return object
}
