package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// standaloneAuthority is the common name by which Standalone knows a CA, and
	// so a pair, of its own.
	standaloneAuthority = "netmode standalone CA"

	standaloneLifetime = 365 * 24 * time.Hour
)

// Standalone gives a Source for running without a cluster. What it makes covers
// localhost, 127.0.0.1, ::1 and the names, and lives for a year from now.
//
// With an empty dir it is a [MemorySource]. Else it is a [FileSource] on dir,
// which is made if missing: files in order are kept; files of its own that are
// due (see [NeedsRenewal]) are replaced, CA included, because the CA's private
// key is never written; without any of the three files they are made. Files of
// somebody else are never overwritten: they are kept while clients would accept
// them for the given names, else refused, as are incomplete and unreadable
// ones. The error names the folder, the file and the cure. Calls at the same
// time on one folder wait for each other.
func Standalone(dir string, names []string, now time.Time, hooks SourceHooks) (Source, error) {
	wanted := append([]string{"localhost", "127.0.0.1", "::1"}, names...)
	if dir == "" {
		source, err := NewMemorySource(wanted, now, standaloneLifetime)
		if err != nil {
			return nil, err
		}
		return source, nil
	}
	source, err := standaloneFolder(dir, names, wanted, now, hooks, lockFolder)
	if err != nil {
		return nil, err
	}
	return source, nil
}

func standaloneFolder(dir string, given, wanted []string, now time.Time, hooks SourceHooks, lock func(dir string) (unlock func(), err error)) (*FileSource, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // G301: clients read ca.crt there; the key's own mode protects it
		return nil, fmt.Errorf("certificate folder %q: %w: give a folder that can be made, or none to keep the certificate in memory", dir, err)
	}
	unlock, lockErr := lock(dir)
	if lockErr == nil {
		defer unlock()
	}
	write, err := mustWrite(dir, given, wanted, now)
	if err != nil {
		return nil, fmt.Errorf("certificate folder %q: %w", dir, err)
	}
	if write {
		if lockErr != nil {
			return nil, fmt.Errorf("certificate folder %q: cannot be locked: %w: give a folder on a local disk, or none to keep the certificate in memory", dir, lockErr)
		}
		if err := makeKeyPair(dir, wanted, now); err != nil {
			return nil, fmt.Errorf("certificate folder %q: %w", dir, err)
		}
	}
	return NewFileSource(dir, hooks)
}

// mustWrite says whether the folder's pair is to be made or replaced; an error
// says that it must be left alone and cannot be used.
func mustWrite(dir string, given, wanted []string, now time.Time) (bool, error) {
	present, missing, err := listKeyPair(dir)
	if err != nil {
		return false, err
	}
	if len(present) == 0 {
		return true, nil
	}
	if len(missing) > 0 {
		return false, fmt.Errorf("%s without %s: add what is missing, or move %s away to have a new set made",
			strings.Join(present, ", "), strings.Join(missing, ", "), strings.Join(present, ", "))
	}
	pair, err := readKeyPair(dir)
	if err != nil {
		return false, err
	}
	const cure = "mend it, or move tls.crt, tls.key and ca.crt away to have a new set made"
	s, err := parse(pair)
	if err != nil {
		return false, fmt.Errorf("%w; %s", err, cure)
	}
	if s.isStandalone() {
		h, _ := s.judge(wanted, now)
		return h != healthy, nil
	}
	if h, reason := s.judge(given, now); h == broken {
		return false, fmt.Errorf("%s; netmode did not make it and leaves it alone: %s", reason, cure)
	}
	return false, nil
}

// isStandalone says whether Standalone made the pair.
func (s *serving) isStandalone() bool {
	if len(s.cas) != 1 || len(s.chain) != 1 {
		return false
	}
	subject := s.cas[0].Subject
	return subject.CommonName == standaloneAuthority && slices.Equal(subject.Organization, []string{organization})
}

// listKeyPair says which of the three files exist. A symlink that leads nowhere
// does: somebody put it there.
func listKeyPair(dir string) (present, missing []string, err error) {
	for _, name := range []string{certFile, keyFile, caFile} {
		_, err := os.Lstat(filepath.Join(dir, name))
		switch {
		case err == nil:
			present = append(present, name)
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, name)
		default:
			return nil, nil, fmt.Errorf("%w: make the folder readable for this process", err)
		}
	}
	return present, missing, nil
}

func makeKeyPair(dir string, names []string, now time.Time) error {
	authority, err := NewAuthority(standaloneAuthority, now, standaloneLifetime)
	if err != nil {
		return err
	}
	pair, err := authority.Issue(names, now, standaloneLifetime)
	if err != nil {
		return err
	}
	return writeKeyPair(dir, pair)
}

// writeKeyPair puts each file in place by a rename. All are complete on disk before
// the first rename, and key and certificate come right after one another, so
// that a reader finds them apart for an instant only.
func writeKeyPair(dir string, t KeyPair) (err error) {
	type move struct{ from, to string }
	var moves []move
	defer func() {
		for _, m := range moves {
			if removeErr := os.Remove(m.from); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
				err = errors.Join(err, removeErr)
			}
		}
	}()
	for _, part := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{caFile, t.CA, 0o644}, {keyFile, t.Key, 0o600}, {certFile, t.Cert, 0o644}} {
		from, err := writeTemp(dir, part.name, part.data, part.mode)
		if from != "" {
			moves = append(moves, move{from: from, to: filepath.Join(dir, part.name)})
		}
		if err != nil {
			return fmt.Errorf("%s: %w: make the folder writable for this process, or give another", part.name, err)
		}
	}
	for _, m := range moves {
		if err := os.Rename(m.from, m.to); err != nil {
			return fmt.Errorf("%w: move tls.crt, tls.key and ca.crt away and start again", err)
		}
	}
	return nil
}

// writeTemp writes a new file beside the one that it will replace. Its path is
// given also with an error, if there is something to remove.
func writeTemp(dir, name string, data []byte, mode fs.FileMode) (path string, err error) {
	file, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.Chmod(mode); err != nil {
		return file.Name(), err
	}
	if _, err := file.Write(data); err != nil {
		return file.Name(), err
	}
	return file.Name(), file.Sync()
}
