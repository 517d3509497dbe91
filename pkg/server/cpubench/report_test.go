//go:build linux

package cpubench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netmode-io/netmode/pkg/api"
)

// The servers under measure.
const (
	noop    = "no-op"
	netmode = "netmode"
	usual   = "the usual way"
)

func sizes() []string { return []string{small, large} }

// row is a server, a Pod, and the server's CPU time for one AdmissionReview of
// the Pod in each round.
type row struct {
	server, size string
	asked        api.Mode
	rounds       []time.Duration
}

// rows are the lines of the report, still without measures.
func rows() []*row {
	var all []*row
	for _, size := range sizes() {
		all = append(all,
			&row{server: noop, size: size, asked: api.ModeHostNetwork},
			&row{server: netmode, size: size},
			&row{server: netmode, size: size, asked: api.ModeHostNetwork},
			&row{server: netmode, size: size, asked: api.ModeStatefulSetHeadless},
			&row{server: usual, size: size, asked: api.ModeHostNetwork})
	}
	return all
}

func (r *row) String() string {
	switch {
	case r.server != netmode:
		return r.server
	case r.asked == "":
		return r.server + ", nothing asked"
	default:
		return r.server + ", " + string(r.asked)
	}
}

// served is the mode that the answer must give the Pod.
func (r *row) served() api.Mode {
	if r.server == noop {
		return ""
	}
	return r.asked
}

// median sorts its values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// ratio is how often r's time holds that of the other: the median of the
// rounds' own ratios, so that a round on a busy machine counts for both.
func (r *row) ratio(other *row) float64 {
	ratios := make([]float64, len(r.rounds))
	for i := range ratios {
		ratios[i] = float64(r.rounds[i]) / float64(other.rounds[i])
	}
	return median(ratios)
}

// micros are the rounds in microseconds.
func (r *row) micros() []float64 {
	values := make([]float64, len(r.rounds))
	for i, d := range r.rounds {
		values[i] = float64(d) / float64(time.Microsecond)
	}
	return values
}

// find is the row of the same size that the server has.
func (r *row) find(all []*row, server string) *row {
	return all[slices.IndexFunc(all, func(other *row) bool { return other.server == server && other.size == r.size })]
}

// aim is a bound for a measure, at most or at least.
type aim struct {
	measured, bound float64
	atLeast         bool
	unit, of        string
}

func (a aim) String() string {
	bound, verdict := "at most", "over"
	met := a.measured <= a.bound
	if a.atLeast {
		bound, verdict, met = "at least", "under", a.measured >= a.bound
	}
	if met {
		verdict = "ok"
	}
	return fmt.Sprintf("%-5s %-36s %6.2f %s, %s %.2g", verdict, a.of, a.measured, a.unit, bound, a.bound)
}

// aims are what netmode wants to reach, with what it did.
func aims(all []*row, idleMiB float64) []aim {
	var list []aim
	for _, r := range all {
		if r.server != netmode {
			continue
		}
		of := r.String() + ", " + r.size
		bound := map[string]float64{small: 1, large: 0.5}[r.size]
		if r.asked == "" {
			bound = 0.9
		}
		list = append(list, aim{measured: r.ratio(r.find(all, noop)), bound: bound, unit: "x no-op", of: of})
		if r.asked != "" {
			bound = map[string]float64{small: 5, large: 20}[r.size]
			list = append(list, aim{measured: r.find(all, usual).ratio(r), bound: bound, atLeast: true, unit: "x cheaper than the usual way", of: of})
		}
	}
	return append(list, aim{measured: idleMiB, bound: 24, unit: "MiB resident", of: "netmode-webhook, idle"})
}

// report writes the table of the rows, and the aims.
func report(out io.Writer, all []*row, idleMiB, loadedMiB float64) error {
	text := new(strings.Builder)
	_, _ = fmt.Fprintf(text, "\nCPU time of a server's process, user and system, for one AdmissionReview (TLS, HTTP/1.1, %d connections).\n"+
		"Rounds: %d. Times are the median of the rounds, ratios the median of the rounds' ratios.\n\n", connections, len(all[0].rounds))
	_, _ = fmt.Fprintf(text, "%-6s %-29s %7s %13s %8s %14s\n", "Pod", "server", "µs", "min-max", "x no-op", "usual way / it")
	for _, r := range all {
		µs := r.micros()
		spread := fmt.Sprintf("%.0f-%.0f", slices.Min(µs), slices.Max(µs))
		_, _ = fmt.Fprintf(text, "%-6s %-29s %7.0f %13s %8.2f %14.1f\n", r.size, r, median(µs), spread,
			r.ratio(r.find(all, noop)), r.find(all, usual).ratio(r))
	}
	_, _ = fmt.Fprintf(text, "\nnetmode-webhook holds %.1f MiB idle, %.1f MiB after the load.\n\nAims:\n", idleMiB, loadedMiB)
	for _, a := range aims(all, idleMiB) {
		_, _ = fmt.Fprintln(text, a)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func TestReport(t *testing.T) {
	all := rows()
	for i, r := range all {
		base := time.Duration(1+i%5) * 100 * time.Microsecond
		if r.server == usual {
			base *= 10
		}
		r.rounds = []time.Duration{2 * base, base, base * 3}
	}
	var got strings.Builder
	if err := report(&got, all, 23.96, 40.04); err != nil {
		t.Fatal(err)
	}
	const want = `
CPU time of a server's process, user and system, for one AdmissionReview (TLS, HTTP/1.1, 4 connections).
Rounds: 3. Times are the median of the rounds, ratios the median of the rounds' ratios.

Pod    server                             µs       min-max  x no-op usual way / it
3 kB   no-op                             200       100-300     1.00           50.0
3 kB   netmode, nothing asked            400       200-600     2.00           25.0
3 kB   netmode, hostnetwork              600       300-900     3.00           16.7
3 kB   netmode, statefulset-headless     800      400-1200     4.00           12.5
3 kB   the usual way                   10000    5000-15000    50.00            1.0
62 kB  no-op                             200       100-300     1.00           50.0
62 kB  netmode, nothing asked            400       200-600     2.00           25.0
62 kB  netmode, hostnetwork              600       300-900     3.00           16.7
62 kB  netmode, statefulset-headless     800      400-1200     4.00           12.5
62 kB  the usual way                   10000    5000-15000    50.00            1.0

netmode-webhook holds 24.0 MiB idle, 40.0 MiB after the load.

Aims:
over  netmode, nothing asked, 3 kB           2.00 x no-op, at most 0.9
over  netmode, hostnetwork, 3 kB             3.00 x no-op, at most 1
ok    netmode, hostnetwork, 3 kB            16.67 x cheaper than the usual way, at least 5
over  netmode, statefulset-headless, 3 kB    4.00 x no-op, at most 1
ok    netmode, statefulset-headless, 3 kB   12.50 x cheaper than the usual way, at least 5
over  netmode, nothing asked, 62 kB          2.00 x no-op, at most 0.9
over  netmode, hostnetwork, 62 kB            3.00 x no-op, at most 0.5
under netmode, hostnetwork, 62 kB           16.67 x cheaper than the usual way, at least 20
over  netmode, statefulset-headless, 62 kB   4.00 x no-op, at most 0.5
under netmode, statefulset-headless, 62 kB  12.50 x cheaper than the usual way, at least 20
ok    netmode-webhook, idle                 23.96 MiB resident, at most 24
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}
