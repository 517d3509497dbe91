package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// maxFileSize is far above any certificate chain, in bytes.
const maxFileSize = 1 << 20

// FileSource serves the certificate of a folder with tls.crt, tls.key and
// ca.crt, such as a mounted Secret, and follows its changes without dropping a
// connection. Files that do not load, or do not belong together, change nothing.
// It does not judge the dates: clients do, each by its own clock.
type FileSource struct {
	dir     string
	hooks   SourceHooks
	watch   func(dir string) (watch, error)
	current atomic.Pointer[serving]
	started attempt
}

var _ Source = (*FileSource)(nil)

// NewFileSource loads the folder. The error names the folder, the file and the
// cure. Changes are followed while Run runs, and told to hooks.
func NewFileSource(dir string, hooks SourceHooks) (*FileSource, error) {
	f := &FileSource{dir: dir, hooks: hooks, watch: watchFolder}
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
// minute. Where the folder cannot be watched, it tells hooks and the
// periodic check remains. Call it once.
func (f *FileSource) Run(ctx context.Context) error {
	last := f.started
	follow(ctx, f.dir, f.watch, func(remind bool, watchErr error) {
		last = f.reload(last, remind)
		if watchErr != nil && last.failure == "" {
			f.hooks.failed(fmt.Errorf("certificate folder %q: %w", f.dir, watchErr))
		}
	})
	return nil
}

// attempt is what was found in the folder, and what was wrong with it.
type attempt struct {
	cert, key, ca string
	failure       string
}

// reload serves what the folder holds now, if it is in order, and calls the
// hooks. The outcome of the last attempt is reported again only if it is a failure
// and remind is set.
func (f *FileSource) reload(last attempt, remind bool) attempt {
	s, tried, err := loadFolder(f.dir)
	switch {
	case err != nil:
		if tried != last || remind {
			f.hooks.failed(err)
		}
	case tried != last:
		f.current.Store(s)
		f.hooks.reloaded(s)
	}
	return tried
}

func loadFolder(dir string) (*serving, attempt, error) {
	pair, err := readKeyPair(dir)
	var s *serving
	if err == nil {
		s, err = parse(pair)
	}
	tried := attempt{cert: string(pair.Cert), key: string(pair.Key), ca: string(pair.CA)}
	if err != nil {
		err = fmt.Errorf("certificate folder %q: %w", dir, err)
		tried.failure = err.Error()
	}
	return s, tried, err
}

// readKeyPair reads the three files. The error names the file and the cure.
func readKeyPair(dir string) (KeyPair, error) {
	folder := os.DirFS(dir)
	var pair KeyPair
	var err error
	for _, part := range []struct {
		name string
		data *[]byte
	}{{certFile, &pair.Cert}, {keyFile, &pair.Key}, {caFile, &pair.CA}} {
		if *part.data, err = readFile(folder, part.name); err != nil {
			return pair, fmt.Errorf("%w: the folder needs %s, %s and %s, readable for this process", err, certFile, keyFile, caFile)
		}
	}
	return pair, nil
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

// IsEmpty says whether the folder is there, and has none of the three files, or
// only empty ones: nobody has filled it yet.
func IsEmpty(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	for _, name := range []string{certFile, keyFile, caFile} {
		if info, err := fs.Stat(os.DirFS(dir), name); !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 0) {
			return false
		}
	}
	return true
}
