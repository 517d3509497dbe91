package integration

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// lifeline is a folder for files and processes that go when the test binary does: after its
// end, its panic, its timeout, Ctrl-C or kill -9.
type lifeline struct {
	dir   string
	hold  io.Closer // the write end of the pipe that the guard reads
	guard *exec.Cmd
}

// guardScript waits for the pipe to close, which the kernel sees to. Then it kills the processes
// of the file pids and removes the folder.
const guardScript = `trap '' HUP INT TERM
cat >/dev/null
while read -r pid; do kill -KILL "$pid"; done <"$0/pids"
rm -rf "$0"`

// launchScript notes its process id, and becomes the program.
const launchScript = "#!/bin/sh\necho $$ >>'%s' && exec '%s' \"$@\"\n"

func newLifeline() (*lifeline, error) {
	dir, err := os.MkdirTemp("", "netmode-integration-")
	if err != nil {
		return nil, err
	}
	l := &lifeline{dir: dir}
	if err := os.WriteFile(l.pids(), nil, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	l.guard = exec.Command("/bin/sh", "-c", guardScript, dir) //nolint:gosec,noctx // a folder of our own; it outlives every context
	if l.hold, err = l.guard.StdinPipe(); err == nil {
		err = l.guard.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return l, nil
}

func (l *lifeline) pids() string { return filepath.Join(l.dir, "pids") }

// path is a file in the folder.
func (l *lifeline) path(name string) string { return filepath.Join(l.dir, name) }

// launcher returns a program to run in the place of the given one: its process is killed at the
// end, if it still runs.
func (l *lifeline) launcher(program string) (string, error) {
	path := l.path("launch-" + filepath.Base(program))
	script := fmt.Sprintf(launchScript, l.pids(), program)
	return path, os.WriteFile(path, []byte(script), 0o700) //nolint:gosec // it is a program
}

// cut ends all that hangs on it, and waits until the folder is gone.
func (l *lifeline) cut() error {
	return errors.Join(l.hold.Close(), l.guard.Wait())
}
