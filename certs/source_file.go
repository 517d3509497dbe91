package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
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

	// maxFileSize is far above any certificate chain, in bytes.
	maxFileSize = 1 << 20
)

// FileSource serves the certificate of a folder with tls.crt, tls.key and
// ca.crt, such as a mounted Secret, and follows its changes without dropping a
// connection. Files that do not load, or do not belong together, change nothing.
// It does not judge the dates: clients do, each by its own clock.
type FileSource struct {
	dir      string
	observer Observer
	watch    func(dir string) (watch, error)
	current  atomic.Pointer[serving]
	started  attempt
}

var _ Source = (*FileSource)(nil)

// NewFileSource loads the folder. The error names the folder, the file and the
// cure. Changes are followed while Run runs, and told to the observer.
func NewFileSource(dir string, observer Observer) (*FileSource, error) {
	f := &FileSource{dir: dir, observer: observer, watch: watchFolder}
	s, tried, err := loadFolder(dir)
	if err != nil {
		return nil, err
	}
	f.started = tried
	f.current.Store(s)
	return f, nil
}

// GetCertificate implements [Source].
func (f *FileSource) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.current.Load().cert, nil
}

// CABundle implements [Source].
func (f *FileSource) CABundle() []byte { return f.current.Load().caBundle() }

// Run implements [Source]. It reads the folder when it changed and once a
// minute. Where the folder cannot be watched, it tells the observer and the
// periodic check remains. Call it once.
func (f *FileSource) Run(ctx context.Context) error {
	last := f.started
	current := watch{}
	defer func() { current.close() }()

	// The watch is renewed at each check: the folder may have been removed and
	// made again, which ends a watch without a word. The new one stands before
	// the folder is read, so that no change falls between.
	check := func(remind bool) {
		next, err := f.watch(f.dir)
		current.close()
		current = next
		last = f.reload(last, remind)
		if err != nil && last.failure == "" {
			f.observer.failed(fmt.Errorf("certificate folder %q: cannot be watched: %w: changes are seen within %s; raise the limits fs.inotify.max_user_instances and max_user_watches", f.dir, err, checkEvery))
		}
	}
	check(true)

	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	var rested <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
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

// attempt is what was found in the folder, and what was wrong with it.
type attempt struct {
	cert, key, ca string
	failure       string
}

// reload serves what the folder holds now, if it is in order, and tells the
// observer. What was told about the last attempt is told again only if it is a
// failure and remind is set.
func (f *FileSource) reload(last attempt, remind bool) attempt {
	s, tried, err := loadFolder(f.dir)
	switch {
	case err != nil:
		if tried != last || remind {
			f.observer.failed(err)
		}
	case tried != last:
		f.current.Store(s)
		f.observer.reloaded(s)
	}
	return tried
}

func loadFolder(dir string) (*serving, attempt, error) {
	trio, err := readTrio(dir)
	var s *serving
	if err == nil {
		s, err = parse(trio)
	}
	tried := attempt{cert: string(trio.Cert), key: string(trio.Key), ca: string(trio.CA)}
	if err != nil {
		err = fmt.Errorf("certificate folder %q: %w", dir, err)
		tried.failure = err.Error()
	}
	return s, tried, err
}

// readTrio reads the three files. The error names the file and the cure.
func readTrio(dir string) (Trio, error) {
	folder := os.DirFS(dir)
	var trio Trio
	var err error
	for _, part := range []struct {
		name string
		data *[]byte
	}{{certFile, &trio.Cert}, {keyFile, &trio.Key}, {caFile, &trio.CA}} {
		if *part.data, err = readFile(folder, part.name); err != nil {
			return trio, fmt.Errorf("%w: the folder needs %s, %s and %s, readable for this process", err, certFile, keyFile, caFile)
		}
	}
	return trio, nil
}

// readFile reads a regular file of bounded size: opening a pipe would wait for
// ever.
func readFile(folder fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file", name)
	case info.Size() > maxFileSize:
		return nil, fmt.Errorf("%s: has %d bytes, more than the %d that are read", name, info.Size(), maxFileSize)
	}
	return fs.ReadFile(folder, name)
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
