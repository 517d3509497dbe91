package apps

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// endEarly is kept of the time that go test -timeout gives, to clean up in.
const endEarly = 3 * time.Minute

// program is one of the programs, with the example that it is run by. Both runs have a namespace of
// their own, and return what they saw, for the table.
type program struct {
	name    string
	file    string
	version []string // the command line that prints it
	// prepare does what the example's comment says to do before it is applied. Nil: nothing.
	prepare func(context.Context, *testing.T, *scene)
	seen    func(context.Context, *testing.T, *scene) string
	without func(context.Context, *testing.T, *scene) string // without netmode's annotations
}

func programs() []program {
	return []program{zooKeeper, openMPI, postgreSQL, slurm, redis, mariaDB}
}

// TestApps runs the programs that -run chooses, and prints the table.
func TestApps(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-endEarly))
		defer cancel()
	}
	var table table
	w := start(ctx, t)
	// The parallel ones of a group have ended when Run returns.
	t.Run("program", func(t *testing.T) {
		for _, p := range programs() {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.run(ctx, t, w, &table)
			})
		}
	})
	t.Log("\n" + table.String())
	if len(table.rows) == 0 && !t.Failed() {
		t.Errorf("-run has chosen no program: they are %s", names())
	}
}

func names() string {
	var all []string
	for _, p := range programs() {
		all = append(all, p.name)
	}
	return strings.Join(all, ", ")
}

// run is both runs of a program. The table has its row even if one fails.
func (p program) run(ctx context.Context, t *testing.T, w *world, table *table) {
	began := time.Now()
	row := row{name: p.name, seen: "FAILED", without: "FAILED"}
	defer func() {
		row.took = time.Since(began)
		table.add(row)
	}()
	t.Run("netmode", func(t *testing.T) {
		c := w.scene(ctx, t, strings.ToLower(p.name))
		row.version = c.client(ctx, t, p.version...)
		p.apply(ctx, t, c, true)
		row.seen = p.seen(ctx, t, c)
	})
	t.Run("without", func(t *testing.T) {
		c := w.scene(ctx, t, strings.ToLower(p.name)+"-without")
		p.apply(ctx, t, c, false)
		row.without = p.without(ctx, t, c)
	})
}

func (p program) apply(ctx context.Context, t *testing.T, c *scene, netmode bool) {
	t.Helper()
	if p.prepare != nil {
		p.prepare(ctx, t, c)
	}
	c.exchange(ctx, t, p.file, netmode)
}

// table is what was seen.
type table struct {
	mu   sync.Mutex
	rows []row
}

type row struct {
	name, version, seen, without string
	took                         time.Duration
}

func (a *table) add(r row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, r)
}

// String is a table in Markdown, in the order of programs.
func (a *table) String() string {
	text := "| program | seen | without netmode's annotations | time |\n|---|---|---|---|\n"
	for _, p := range programs() {
		i := slices.IndexFunc(a.rows, func(r row) bool { return r.name == p.name })
		if i < 0 {
			text += fmt.Sprintf("| %s | not chosen | | |\n", p.name)
			continue
		}
		r := a.rows[i]
		text += fmt.Sprintf("| %s %s | %s | %s | %.0f s |\n", r.name, r.version, r.seen, r.without, r.took.Seconds())
	}
	return text
}
