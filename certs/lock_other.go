//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package certs

import "errors"

// lockFolder has no lock to offer on this system.
func lockFolder(string) (unlock func(), err error) {
	return nil, errors.ErrUnsupported
}
