package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/kind/pkg/exec"
	"sigs.k8s.io/kind/pkg/log"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/progress"
)

// kindLog shows the steps that kind begins, and keeps all else that it says for the case that
// it fails.
type kindLog struct {
	show *progress.Log

	mu   sync.Mutex
	kept strings.Builder
}

var _ log.Logger = (*kindLog)(nil)

func (l *kindLog) keep(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.WriteString(strings.TrimRight(text, "\n") + "\n")
}

// Kept returns what was said so far.
func (l *kindLog) Kept() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

// Warn keeps a warning.
func (l *kindLog) Warn(message string) { l.keep(message) }

// Warnf keeps a warning.
func (l *kindLog) Warnf(format string, args ...any) { l.keep(fmt.Sprintf(format, args...)) }

// Error keeps an error.
func (l *kindLog) Error(message string) { l.keep(message) }

// Errorf keeps an error.
func (l *kindLog) Errorf(format string, args ...any) { l.keep(fmt.Sprintf(format, args...)) }

// V returns the logger of a level: 0 is for the user, 3 holds kubeadm's output.
func (l *kindLog) V(level log.Level) log.InfoLogger { return kindInfo{l, level} }

type kindInfo struct {
	*kindLog
	level log.Level
}

// Info shows the beginning of a step and keeps everything else.
func (i kindInfo) Info(message string) {
	if step, ok := strings.CutPrefix(strings.TrimSpace(message), "• "); ok && i.level == 0 {
		i.show.Say("kind: %s", plain(strings.TrimSuffix(step, "...")))
		return
	}
	i.keep(message)
}

// Infof is Info with a format.
func (i kindInfo) Infof(format string, args ...any) { i.Info(fmt.Sprintf(format, args...)) }

// Enabled is true up to kubeadm's output.
func (i kindInfo) Enabled() bool { return i.level <= 3 }

// kindError says why kind failed: with a known cure in one sentence, else with the last lines of
// what it said. What the program said that kind ran is in no text of kind's.
func kindError(err error, said string) error {
	if failed, ok := errors.AsType[*exec.RunError](err); ok {
		err = &command.Error{Args: failed.Command, Stderr: string(failed.Output), Err: failed.Inner}
	}
	if explained := explain(err, said); explained.Error() != err.Error() {
		return explained
	}
	return fmt.Errorf("kind: %w; it said last:\n%s", err, lastLines(said, 15))
}

// plain removes pictures: not every terminal or log can show them.
func plain(text string) string {
	ascii := strings.Map(func(r rune) rune {
		if r > 0x7e {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(ascii), " ")
}

// lastLines is the end of a long text, for a message.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
