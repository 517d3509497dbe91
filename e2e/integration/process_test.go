package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running netmode-webhook, in one of its roles.
type process struct {
	cmd     *exec.Cmd
	log     *processLog
	started startLine
	ended   chan struct{} // closed after err is set
	err     error
}

// startLine is what both roles log once they listen.
type startLine struct {
	Message string `json:"msg"`
	Listen  string `json:"listen"`
	Ops     string `json:"ops"`
}

// processLog keeps what a process writes and looks for its startLine.
type processLog struct {
	message string
	started chan startLine // of one element

	mu   sync.Mutex
	text bytes.Buffer
	read int // where the first line that was not looked at begins
}

// Write implements io.Writer.
func (l *processLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for {
		line, _, whole := bytes.Cut(l.text.Bytes()[l.read:], []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.read += len(line) + 1
		var said startLine
		if json.Unmarshal(line, &said) == nil && said.Message == l.message {
			select {
			case l.started <- said:
			default:
			}
		}
	}
}

// String returns the last lines.
func (l *processLog) String() string {
	const most = 6000
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text.Bytes()[max(0, l.text.Len()-most):])
}

// about returns the last lines with a word.
func (l *processLog) about(word string) string {
	const most = 20
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-most):], "")
}

// count is how many lines have a text.
func (l *processLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// startProcess runs a program and waits for the line with the message that says where it listens.
func startProcess(ctx context.Context, message, program string, args ...string) (*process, error) {
	p := &process{
		cmd:   exec.Command(program, args...), //nolint:gosec,noctx // built by this test; stop and kill end it
		log:   &processLog{message: message, started: make(chan startLine, 1)},
		ended: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case p.started = <-p.log.started:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s %v ended before it served: %w\n%s", program, args, p.err, p.log)
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("%s %v does not serve: %w\n%s", program, args, ctx.Err(), p.log), p.kill())
	}
}

// listen is where it serves.
func (p *process) listen() (host string, port int32, err error) {
	host, text, err := net.SplitHostPort(p.started.Listen)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseInt(text, 10, 32)
	return host, int32(number), err
}

// ready is an error unless the process says that it is ready.
func (p *process) ready(ctx context.Context) error {
	_, err := fetch(ctx, "http://"+p.started.Ops+"/readyz")
	return err
}

// String returns the last lines that it logged, none if it was never started.
func (p *process) String() string {
	if p == nil {
		return "not started"
	}
	return p.log.String()
}

// stop asks the process to end, and is an error if it ends with one.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w\n%s", p.cmd.Path, err, p.log)
	}
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, p.log)
	}
	return nil
}

// kill ends the process as a crash would.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}
