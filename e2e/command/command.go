// Package command runs other programs and says in one line why one failed.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Command is one program to run.
type Command struct {
	Args   []string  // the program and its arguments
	Dir    string    // working folder; empty: the caller's
	Env    []string  // "KEY=value", on top of the caller's environment
	Stdin  io.Reader // nil: empty
	Stdout io.Writer // nil: returned by Run
}

// Error is a program that could not be started or did not end well.
type Error struct {
	Args   []string
	Stdout string // all that it wrote there, unless it was directed elsewhere
	Stderr string
	Err    error
}

// Error names the program, how it ended and the last thing it said.
func (e *Error) Error() string {
	said := lastLine(e.Stderr)
	if said == "" {
		said = lastLine(e.Stdout)
	}
	if said == "" {
		return fmt.Sprintf("%s: %v", e.title(), e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.title(), e.Err, said)
}

// Unwrap returns the cause, an *exec.ExitError or exec.ErrNotFound among others.
func (e *Error) Unwrap() error { return e.Err }

// title is the program with the arguments up to its first flag, three words at most.
func (e *Error) title() string {
	words := e.Args[:min(len(e.Args), 3)]
	for i, word := range words {
		if strings.HasPrefix(word, "-") {
			words = words[:i]
			break
		}
	}
	return strings.Join(words, " ")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// Local runs programs on this machine.
type Local struct{}

// Run runs the program to its end and returns what it wrote to its standard output, unless
// that goes to c.Stdout. Every error is an *Error. When ctx ends, the program is asked to end,
// and killed 10 seconds later.
func (Local) Run(ctx context.Context, c Command) (string, error) {
	if len(c.Args) == 0 {
		return "", errors.New("command: no program given")
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...) //nolint:gosec // running what it is told is all that it does
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdin = c.Stdin
	cmd.Stdout = &stdout
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.Stderr = &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return stdout.String(), &Error{Args: c.Args, Stdout: stdout.String(), Stderr: stderr.String(), Err: err}
	}
	return stdout.String(), nil
}

// Said returns all that the failed program behind err wrote, "" if err holds none.
func Said(err error) string {
	if failed, ok := errors.AsType[*Error](err); ok {
		return failed.Stdout + "\n" + failed.Stderr
	}
	return ""
}
