package integration

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
)

// timings are how long the requests of one setup took, round by round.
type timings struct {
	setup  string
	rounds [][]time.Duration
}

// all are the requests of all rounds.
func (s *timings) all() []time.Duration { return slices.Concat(s.rounds...) }

// quantile sorts a copy. It is one of the values.
func quantile[T cmp.Ordered](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// ratio is how often the p50 over all rounds holds another's, and what the single rounds say: a
// quarter of them below low, a quarter above high.
func (s *timings) ratio(to *timings) (p50, low, high float64) {
	each := make([]float64, len(s.rounds))
	for i := range each {
		each[i] = float64(quantile(s.rounds[i], 0.5)) / float64(quantile(to.rounds[i], 0.5))
	}
	return float64(quantile(s.all(), 0.5)) / float64(quantile(to.all(), 0.5)), quantile(each, 0.25), quantile(each, 0.75)
}

// reportTimings writes the table: times, and ratios to the setups with these names.
func reportTimings(out io.Writer, all []*timings, to ...string) error {
	var text strings.Builder
	bases := make([]*timings, len(to))
	width := len("setup")
	for _, s := range all {
		width = max(width, len(s.setup))
		if i := slices.Index(to, s.setup); i >= 0 {
			bases[i] = s
		}
	}
	_, _ = fmt.Fprintf(&text, "%-*s %8s %8s", width, "setup", "p50 ms", "p90 ms")
	for _, name := range to {
		_, _ = fmt.Fprintf(&text, "  %-24s", "x "+name)
	}
	text.WriteByte('\n')
	for _, s := range all {
		ms := func(q float64) float64 { return float64(quantile(s.all(), q)) / float64(time.Millisecond) }
		_, _ = fmt.Fprintf(&text, "%-*s %8.2f %8.2f", width, s.setup, ms(0.5), ms(0.9))
		for _, base := range bases {
			p50, low, high := s.ratio(base)
			_, _ = fmt.Fprintf(&text, "  %-24s", fmt.Sprintf("%.2f (%.2f to %.2f)", p50, low, high))
		}
		text.WriteByte('\n')
	}
	for _, line := range slices.Collect(strings.Lines(text.String())) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func TestReportTimings(t *testing.T) {
	t.Parallel()
	made := func(setup string, per time.Duration) *timings {
		s := &timings{setup: setup}
		for round := range 4 {
			var requests []time.Duration
			for request := range 100 {
				requests = append(requests, per*time.Duration(round+1)+time.Duration(request)*time.Microsecond)
			}
			slices.Reverse(requests)
			s.rounds = append(s.rounds, requests)
		}
		return s
	}
	var got strings.Builder
	all := []*timings{made("nothing", time.Millisecond), made("an admission policy", 3*time.Millisecond/2), made("netmode", 2*time.Millisecond)}
	if err := reportTimings(&got, all, "nothing", "an admission policy"); err != nil {
		t.Fatal(err)
	}
	const want = `
setup                 p50 ms   p90 ms  x nothing                 x an admission policy
nothing                 3.00     4.06  1.00 (1.00 to 1.00)       0.67 (0.67 to 0.68)
an admission policy     4.50     6.06  1.50 (1.49 to 1.49)       1.00 (1.00 to 1.00)
netmode                 6.00     8.06  2.00 (1.98 to 1.99)       1.33 (1.33 to 1.33)
`
	if d := diff.Diff(want, "\n"+got.String()); d != "" {
		t.Errorf("table (-want +got):\n%s", d)
	}
}
