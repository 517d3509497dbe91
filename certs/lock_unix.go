//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package certs

import (
	"errors"
	"syscall"
)

// lockFolder waits until this call alone holds the folder's advisory lock
// (flock(2) on the folder itself: nothing is left behind, and a process that
// dies lets go).
func lockFolder(dir string) (unlock func(), err error) {
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(fd, syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, syscall.Close(fd))
	}
	return func() { _ = syscall.Close(fd) }, nil
}
