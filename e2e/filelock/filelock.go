// Package filelock keeps two processes from building, or making a cluster, at the same time.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Hold takes the lock that a file stands for and makes the file, and its folder, if need be.
// While another process holds it, Hold calls waiting once and waits until ctx ends. The lock
// ends with release, or with the process; the file stays.
func Hold(ctx context.Context, path string, waiting func()) (release func(), err error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: make the folder yours with chown, or export XDG_CACHE_HOME", err)
	}
	for told := false; ; told = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		if !told {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(time.Second):
		}
	}
}

func open(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's lock file
}
