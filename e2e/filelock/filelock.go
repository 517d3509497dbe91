// Package filelock keeps two processes from building, or making a cluster, at the same time.
package filelock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Hold takes the lock that a file stands for and makes the file, and its folder, if need be.
// While another process holds it, Hold calls waiting once and waits until ctx ends. The lock
// ends with release, or with the process; the file stays.
func Hold(ctx context.Context, path string, waiting func()) (release func(), err error) {
	lock, held := flock.New(path), false
	if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
		held, err = lock.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: make the folder yours with chown, or export XDG_CACHE_HOME", err)
	}
	if !held {
		waiting()
		if _, err := lock.TryLockContext(ctx, time.Second); err != nil {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, cmp.Or(context.Cause(ctx), err)), lock.Close())
		}
	}
	return func() { _ = lock.Close() }, nil
}
