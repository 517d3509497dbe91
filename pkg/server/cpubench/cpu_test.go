//go:build linux

package cpubench

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

const (
	// perVisit is the CPU time that a server uses in each round for each row.
	// Short visits put what is compared close together in time.
	perVisit = 60 * time.Millisecond
	// tellEvery is how often the benchmark tells how far it is.
	tellEvery = 5 * time.Second
)

var webhook = flag.String("webhook", "", "the netmode-webhook to measure, as an absolute path; built from this source unless given")

// BenchmarkCPU prints the report of the package. It measures in rounds for as
// long as -benchtime says; a round takes a second or so.
func BenchmarkCPU(b *testing.B) {
	out := b.Output()
	program := *webhook
	if program == "" {
		_, _ = fmt.Fprintln(out, "building netmode-webhook")
		program = buildWebhook(b)
	}
	certDir, roots := newCertDir(b)
	processes := map[string]*process{
		noop:    startYardstick(b, noop, certDir),
		netmode: startWebhook(b, program, certDir),
		usual:   startYardstick(b, usual, certDir),
	}
	idle := resident(b, processes[netmode])
	clients := map[string]*client{}
	for server, p := range processes {
		clients[server] = dial(b, p, roots)
	}

	all := rows()
	reviews, answerSizes := map[*row][]byte{}, map[*row]int{}
	for _, r := range all {
		var err error
		reviews[r] = newReview(b, r.size, r.asked)
		if answerSizes[r], err = clients[r.server].firstAnswer(reviews[r], r.served()); err == nil {
			_, err = clients[r.server].load(reviews[r], answerSizes[r], perVisit)
		}
		if err != nil {
			b.Fatalf("%s, %s: %v", r, r.size, err)
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	_, _ = fmt.Fprintf(out, "all servers answer rightly; measuring on %d CPUs, load average %s (other work adds to all times)\n",
		runtime.NumCPU(), bytes.Fields(load)[0])

	rounds, began, told := 0, time.Now(), time.Now()
	order := slices.Clone(all)
	for b.Loop() {
		rounds++
		slices.Reverse(order)
		for _, r := range order {
			perRequest, err := clients[r.server].load(reviews[r], answerSizes[r], perVisit)
			if err != nil {
				b.Fatalf("%s, %s: %v", r, r.size, err)
			}
			r.rounds = append(r.rounds, perRequest)
		}
		if time.Since(told) > tellEvery {
			told = time.Now()
			_, _ = fmt.Fprintf(out, "%d rounds in %.0f s\n", rounds, time.Since(began).Seconds())
		}
	}
	b.ReportMetric(0, "ns/op") // a round's length says nothing
	if err := report(out, all, idle, resident(b, processes[netmode])); err != nil {
		b.Fatal(err)
	}
}

// buildWebhook builds netmode-webhook as it is shipped.
func buildWebhook(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "netmode-webhook")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, //nolint:gosec // G204: a folder of this test's
		"github.com/netmode-io/netmode/cmd/netmode-webhook")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", build, err, output)
	}
	return program
}

func resident(b *testing.B, p *process) float64 {
	b.Helper()
	mib, err := p.residentMiB()
	if err != nil {
		b.Fatal(err)
	}
	return mib
}
