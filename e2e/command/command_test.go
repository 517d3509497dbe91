package command_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/netmode-io/netmode/e2e/command"
)

func TestRun(t *testing.T) {
	var redirected bytes.Buffer
	dir := t.TempDir()
	tests := map[string]struct {
		command command.Command
		want    string
	}{
		"output":      {command.Command{Args: []string{"echo", "a", "b"}}, "a b\n"},
		"input":       {command.Command{Args: []string{"cat"}, Stdin: strings.NewReader("text")}, "text"},
		"folder":      {command.Command{Args: []string{"pwd"}, Dir: dir}, dir + "\n"},
		"environment": {command.Command{Args: []string{"sh", "-c", "echo $GREETING"}, Env: []string{"GREETING=hello"}}, "hello\n"},
		"redirected":  {command.Command{Args: []string{"echo", "there"}, Stdout: &redirected}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := command.Local{}.Run(t.Context(), test.command)
			if err != nil || got != test.want {
				t.Errorf("have %q, %v; want %q", got, err, test.want)
			}
		})
	}
	if got := redirected.String(); got != "there\n" {
		t.Errorf("redirected output: have %q", got)
	}
}

func TestRunFails(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
		said string
	}{
		"last line of stderr": {[]string{"sh", "-c", "echo out; echo first >&2; echo last >&2; exit 3"}, "sh: exit status 3: last", "out\n\nfirst\nlast\n"},
		"else of stdout":      {[]string{"sh", "-c", "echo out; exit 3"}, "sh: exit status 3: out", "out\n\n"},
		"three words":         {[]string{"env", "false", "b", "c", "d"}, "env false b: exit status 1", "\n"},
		"no such program":     {[]string{"/no/such/program"}, "/no/such/program: fork/exec /no/such/program: no such file or directory", "\n"},
		"none":                {nil, "command: no program given", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := command.Local{}.Run(t.Context(), command.Command{Args: test.args})
			if err == nil || err.Error() != test.want {
				t.Errorf("have %v; want %q", err, test.want)
			}
			if got := command.Said(err); got != test.said {
				t.Errorf("said: have %q, want %q", got, test.said)
			}
		})
	}
}

func TestRunUnwraps(t *testing.T) {
	_, err := command.Local{}.Run(t.Context(), command.Command{Args: []string{"no-such-program-anywhere"}})
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("have %v, want exec.ErrNotFound", err)
	}
	if _, ok := errors.AsType[*command.Error](err); !ok {
		t.Errorf("have %T, want *command.Error", err)
	}
}

func TestRunEndsWithContext(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
	defer cancel()
	began := time.Now()
	_, err := command.Local{}.Run(ctx, command.Command{Args: []string{"sleep", "60"}})
	if !errors.Is(err, why) {
		t.Errorf("have %v, want the context's cause", err)
	}
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("it took %s to end the program", took)
	}
}
