//go:build linux

package cpubench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout is how long a server may take until it serves.
const startTimeout = 20 * time.Second

// serving is the message of the log line that tells where a server listens.
const serving = "serving"

type logLine struct {
	Msg    string `json:"msg"`
	Listen string `json:"listen"`
}

// process is a server that runs, with its log in a file.
type process struct {
	command *exec.Cmd
	address string
	log     string
	exited  chan struct{}
}

// startYardstick runs this test binary as one of the yardsticks.
func startYardstick(tb testing.TB, name, certDir string) *process {
	tb.Helper()
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.CommandContext(tb.Context(), program) //nolint:gosec // G204: it is this program
	command.Env = append(environ(), envYardstick+"="+name, envCertDir+"="+certDir)
	return start(tb, name, command)
}

// startWebhook runs netmode-webhook without a cluster.
func startWebhook(tb testing.TB, program, certDir string) *process {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), program, "--standalone", "--cert-dir", certDir, "--listen", "127.0.0.1:0", //nolint:gosec // G204: the caller built it
		"--cluster-dns", "10.96.0.10", "--cluster-domain", "cluster.local")
	command.Env = environ()
	return start(tb, "netmode-webhook", command)
}

// environ is the environment without what would tune one server's runtime.
func environ() []string {
	var env []string
	for _, variable := range os.Environ() {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOCOVERDIR":
		default:
			env = append(env, variable)
		}
	}
	return env
}

// start runs a server until the test ends, and waits until it serves.
func start(tb testing.TB, name string, command *exec.Cmd) *process {
	tb.Helper()
	p := &process{command: command, log: filepath.Join(tb.TempDir(), name+".log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		tb.Fatal(err)
	}
	command.Stderr = log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = startTimeout
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := errors.Join(command.Start(), log.Close()); err != nil {
		tb.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		defer close(p.exited)
		_ = command.Wait() // how it ends is of no interest here
	}()
	tb.Cleanup(func() { <-p.exited })

	deadline, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for p.address == "" {
		select {
		case <-poll.C:
			p.address = p.listening(tb)
		case <-p.exited:
			tb.Fatalf("%s ended before it served:\n%s", name, p.tail())
		case <-deadline.Done():
			tb.Fatalf("%s does not serve after %s:\n%s", name, startTimeout, p.tail())
		}
	}
	return p
}

// listening is the address that the log tells, or "".
func (p *process) listening(tb testing.TB) string {
	tb.Helper()
	log, err := os.ReadFile(p.log)
	if err != nil {
		tb.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); {
		var line logLine
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == serving {
			return line.Listen
		}
	}
	return ""
}

// tail is the end of the log, for an error message.
func (p *process) tail() string {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-2_000):])
}

// cpu is the CPU time, user and system, that all threads of the process have
// used. It reads the process' CPU-time clock, which counts nanoseconds where
// /proc/PID/stat counts ticks of 10 ms; the clock's number is made of the
// process id as clock_getcpuclockid(3) does it. Of another process' threads the
// clock holds what they had used when they last stopped or the kernel's timer
// ticked, so cpu waits for them to stop.
func (p *process) cpu() (time.Duration, error) {
	p.waitIdle()
	var used unix.Timespec
	clock := int32(^p.command.Process.Pid<<3 | 2) //nolint:gosec // G115: process ids have 22 bits
	if err := unix.ClockGettime(clock, &used); err != nil {
		return 0, fmt.Errorf("reading the CPU time of process %d: %w\n%s", p.command.Process.Pid, err, p.tail())
	}
	return time.Duration(used.Nano()), nil
}

// waitIdle waits until no thread of the process runs, but not for long: a
// process that never stops is read with the error of a tick.
func (p *process) waitIdle() {
	for range 100 {
		if !p.runs() {
			return
		}
		<-time.After(100 * time.Microsecond)
	}
}

// runs reports whether a thread is in state R of proc_pid_stat(5).
func (p *process) runs() bool {
	tasks := os.DirFS(fmt.Sprintf("/proc/%d/task", p.command.Process.Pid))
	threads, err := fs.Glob(tasks, "*/stat")
	if err != nil {
		return false
	}
	return slices.ContainsFunc(threads, func(thread string) bool {
		stat, err := fs.ReadFile(tasks, thread)
		_, behindName, _ := bytes.Cut(stat, []byte(") "))
		return err == nil && bytes.HasPrefix(behindName, []byte("R"))
	})
}

// residentMiB is the process' resident memory (VmRSS of /proc/PID/status).
func (p *process) residentMiB() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")))
			return float64(n) / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", p.command.Process.Pid)
}

// TestProcess holds the CPU-time clock to the ticks that /proc counts for the
// same process.
func TestProcess(t *testing.T) {
	certDir, roots := newCertDir(t)
	p := startYardstick(t, noop, certDir)
	c := dial(t, p, roots)
	review := newReview(t, small, "")
	size, err := c.firstAnswer(review, "")
	if err != nil {
		t.Fatal(err)
	}
	clockBefore, ticksBefore := cpuNow(t, p), ticks(t, p)
	if _, err := c.load(review, size, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	clock, ticked := cpuNow(t, p)-clockBefore, ticks(t, p)-ticksBefore
	if off := clock - ticked; off < -30*time.Millisecond || off > 30*time.Millisecond {
		t.Errorf("the clock counted %s, /proc/PID/stat %s", clock, ticked)
	}
	if mib, err := p.residentMiB(); err != nil || mib < 1 || mib > 1_000 {
		t.Errorf("resident memory is %.1f MiB, %v", mib, err)
	}
}

func cpuNow(t *testing.T, p *process) time.Duration {
	t.Helper()
	used, err := p.cpu()
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// ticks is utime + stime of proc_pid_stat(5), at the 100 a second that Linux
// tells user space.
func ticks(t *testing.T, p *process) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, behindName, _ := strings.Cut(string(stat), ") ")
	var sum int
	for _, field := range strings.Fields(behindName)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * 10 * time.Millisecond
}
