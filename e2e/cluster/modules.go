package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// modulesFolder is what kind mounts into each node, read-only. A machine whose
// kernel has no modules lacks it; docker then makes it, and podman fails.
const modulesFolder = "/lib/modules"

// makeFolder makes an empty folder and returns its path, or "" if there is
// something already.
func makeFolder(path string) (made string, err error) {
	err = os.Mkdir(path, 0o755) //nolint:gosec // as any distribution makes it
	switch {
	case errors.Is(err, fs.ErrExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("kind mounts %s, which is not here and cannot be made: sudo mkdir %s (%w)", path, path, err)
	}
	return path, nil
}

// removeFolder removes a folder that makeFolder made, unless something is in it
// now.
func removeFolder(path string) {
	if path != "" {
		_ = os.Remove(path) // fails if it holds anything
	}
}
