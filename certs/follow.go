package certs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long a folder must rest before it is read: a writer needs a
	// moment from its first file to its last.
	quiet = 100 * time.Millisecond

	// checkEvery is how often the folder is read without being told to: events
	// can be lost, and symlinks can lead out of the folder.
	checkEvery = time.Minute
)

// follow calls look at once, when the folder has changed, and once a minute,
// until ctx ends. remind: it is not because of a change. An error says that the
// folder cannot be watched, and how to cure that.
func follow(ctx context.Context, dir string, open func(dir string) (watch, error), look func(remind bool, watchErr error)) {
	current := watch{}
	defer func() { current.close() }()

	// The watch is renewed at each check: the folder may have been removed and
	// made again, which ends a watch without a word. The new one stands before
	// the folder is read, so that no change falls between.
	check := func(remind bool) {
		next, err := open(dir)
		current.close()
		current = next
		if err != nil {
			err = fmt.Errorf("cannot be watched: %w: changes are seen within %s; raise the limits fs.inotify.max_user_instances and max_user_watches", err, checkEvery)
		}
		look(remind, err)
	}
	check(true)

	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	var rested <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			check(true)
		case _, open := <-current.events:
			if !open {
				current.events = nil // until the next check
				continue
			}
			rested = time.After(quiet)
		case _, open := <-current.faults:
			if !open {
				current.faults = nil
				continue
			}
			// Whatever it was, events may be missing now.
			rested = time.After(quiet)
		case <-rested:
			check(false)
		}
	}
}

// watch is a running watch on a folder. The zero value watches nothing.
type watch struct {
	events <-chan fsnotify.Event
	faults <-chan error
	stop   func() error
}

func (w watch) close() {
	if w.stop != nil {
		_ = w.stop()
	}
}

// watchFolder watches the folder, not its files: a mounted Secret changes by a
// rename of the symlink ..data, an editor's file by a rename over the old one.
func watchFolder(dir string) (watch, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return watch{}, err
	}
	if err := watcher.Add(dir); err != nil {
		return watch{}, errors.Join(err, watcher.Close())
	}
	return watch{events: watcher.Events, faults: watcher.Errors, stop: watcher.Close}, nil
}
