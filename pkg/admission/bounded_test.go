//go:build unix

package admission

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/netmode-io/netmode/pkg/api"
	"github.com/netmode-io/netmode/pkg/plan"
)

// cost is what a review took.
type cost struct {
	cpu       time.Duration
	allocated uint64
	answer    int
}

// measure reviews the body once.
func measure(tb testing.TB, r *Reviewer, body []byte) (cost, Record) {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	from := cpuTime(tb)
	answer, rec, err := r.Review(tb.Context(), body)
	c := cost{cpu: cpuTime(tb) - from}
	runtime.ReadMemStats(&after)
	if err != nil {
		tb.Fatal(err)
	}
	c.allocated = after.TotalAlloc - before.TotalAlloc
	c.answer = len(answer) - len(rec.Patch)*4/3
	return c, rec
}

// cpuTime is what the process has had of the processors.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// An object may cost its sender an answer, and netmode little.
func TestBoundedWork(t *testing.T) {
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			body := a.body()
			for _, observe := range []bool{false, true} {
				r := newReviewer(t)
				r.ObserveOnly = observe
				c, rec := measure(t, r, body)
				t.Logf("%d bytes: %v of CPU, %.1f MiB allocated, an answer of %d bytes", len(body), c.cpu, float64(c.allocated)/(1<<20), c.answer)
				if c.answer > mostAnswer || c.allocated > mostAllocated {
					t.Errorf("observe %v: an answer of %d bytes, %d bytes allocated", observe, c.answer, c.allocated)
				}
				told := len(rec.UID) + len(rec.Name) + len(rec.Namespace) + len(rec.Message) + len(rec.Warnings) + len(rec.Violations)
				if told > mostRecord {
					t.Errorf("a record of %d bytes", told)
				}
				want := a.decision
				if observe {
					want = map[Decision]Decision{Refused: WouldRefuse, Malformed: WouldRefuse, Patched: WouldPatch, Unchanged: Unchanged}[want]
				}
				if rec.Decision != want || a.reason != "" && !contains(rec.Reasons, a.reason) {
					t.Errorf("observe %v: %s %v, want %s for %s: %.300s", observe, rec.Decision, rec.Reasons, want, a.reason, rec.Message)
				}
			}
		})
	}
}

// Policies look at the ports of an object that is within the limits, each for
// itself.
func TestBoundedWorkOfPolicies(t *testing.T) {
	for _, enforcement := range []api.Enforcement{api.EnforcementDeny, api.EnforcementWarn, api.EnforcementAudit} {
		r := newReviewer(t)
		r.ObserveOnly = true
		r.Snapshots = FixedSnapshot{under(t, `{"namespaceSelector":{},"enforcement":"`+string(enforcement)+`","hostNetwork":{"portRange":{"min":1000,"max":2000}}}`)}
		body := asking(wantsHostNetwork, `"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","containers":[{"ports":[`+many(1000, always(`{"containerPort":1,"hostPort":1}`))+`]}]`)
		c, rec := measure(t, r, body)
		if c.answer > mostAnswer || c.allocated > mostAllocated || !contains(rec.Reasons, plan.PolicyPortOutOfRange) {
			t.Errorf("%s: an answer of %d bytes, %d bytes allocated, %s %v", enforcement, c.answer, c.allocated, rec.Decision, rec.Reasons)
		}
	}
}

func BenchmarkAttack(b *testing.B) {
	for _, a := range attacks() {
		b.Run(a.name, func(b *testing.B) {
			r, body := newReviewer(b), a.body()
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			size := 0
			from := cpuTime(b)
			for b.Loop() {
				answer, rec, err := r.Review(b.Context(), body)
				if err != nil {
					b.Fatal(err)
				}
				size = len(answer) - len(rec.Patch)*4/3
			}
			b.ReportMetric(float64(cpuTime(b)-from)/float64(b.N)/1e6, "cpu-ms/op")
			b.ReportMetric(float64(size), "answer-bytes")
		})
	}
}
