// Package progress tells a person what a long command is doing and how long each step took.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Log writes one line for each thing that happens, with the command's name before it. Its
// methods may be called from several goroutines.
type Log struct {
	name string

	mu sync.Mutex
	w  io.Writer
}

// New returns a Log that writes to w. A nil w writes nothing.
func New(w io.Writer, name string) *Log {
	if w == nil {
		w = io.Discard
	}
	return &Log{name: name, w: w}
}

// Say writes one line.
func (l *Log) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.w, "%s: %s\n", l.name, fmt.Sprintf(format, args...))
}

// remindEvery is how long a step may be silent.
const remindEvery = 30 * time.Second

// Step names what begins, does it, and says how many seconds it took; of a long step it says
// every half minute that it goes on. It returns the error of do as it is, and leaves it to the
// caller to report it.
func (l *Log) Step(what string, do func() error) error {
	l.Say("%s", what)
	began := time.Now()
	stop := l.remind(what, began)
	err := do()
	stop()
	if err != nil {
		return err
	}
	l.Say("%s: %.0f s", what, time.Since(began).Seconds())
	return nil
}

// remind says that a step goes on, until stop is called.
func (l *Log) remind(what string, began time.Time) (stop func()) {
	ticker := time.NewTicker(remindEvery)
	done := make(chan struct{})
	var reminder sync.WaitGroup
	reminder.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				l.Say("%s: %.0f s so far", what, time.Since(began).Seconds())
			}
		}
	})
	return func() {
		ticker.Stop()
		close(done)
		reminder.Wait()
	}
}
