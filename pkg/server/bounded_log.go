package server

import (
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// boundedRate is how many lines a second a boundedLog writes at most.
const boundedRate = 10

// boundedLog writes lines that strangers cause, so many a second and no more.
// How many are missing before a line stands in it.
type boundedLog struct {
	log  logr.Logger
	most int // a second

	mu      sync.Mutex
	begin   time.Time // of the current second
	written int
	missing int
}

func newBoundedLog(log logr.Logger) *boundedLog { return &boundedLog{log: log, most: boundedRate} }

func (l *boundedLog) info(message string, fields ...any) {
	l.mu.Lock()
	now := time.Now()
	if now.Sub(l.begin) >= time.Second {
		l.begin, l.written = now, 0
	}
	if l.written >= l.most {
		l.missing++
		l.mu.Unlock()
		return
	}
	missing := l.missing
	l.written, l.missing = l.written+1, 0
	l.mu.Unlock()
	if missing > 0 {
		fields = append(fields, keyNotLogged, missing)
	}
	l.log.Info(message, fields...)
}

// rest tells how many lines at the end were not written.
func (l *boundedLog) rest(message string) {
	l.mu.Lock()
	missing := l.missing
	l.missing = 0
	l.mu.Unlock()
	if missing > 0 {
		l.log.Info(message, keyNotLogged, missing)
	}
}
