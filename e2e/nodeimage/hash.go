package nodeimage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sum hashes the inputs of one part. Each text and each file goes in with its name and length,
// so that no two lists of inputs look alike.
type sum struct{ h hash.Hash }

func newSum() sum { return sum{sha256.New()} }

// text adds a named value.
func (s sum) text(name string, values ...string) {
	for _, value := range values {
		_, _ = fmt.Fprintf(s.h, "%s %d %s\n", name, len(value), value)
	}
}

// file adds a file's content and whether it may be run, under its name in its folder.
func (s sum) file(path string) error {
	f, err := os.Open(path) //nolint:gosec // a file of the repository, or busybox
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.h, "%s %d %t ", filepath.Base(path), info.Size(), info.Mode()&0o100 != 0)
	_, err = io.Copy(s.h, f)
	return err
}

// sources adds the files of a folder that make its program: all but tests and prose, in the order
// of their names.
func (s sum) sources(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() || strings.HasSuffix(entry.Name(), "_test.go") || filepath.Ext(entry.Name()) == ".md" {
			continue
		}
		if err := s.file(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// String is the hash: 16 hexadecimal digits are enough to tell the parts of one cache apart.
func (s sum) String() string { return hex.EncodeToString(s.h.Sum(nil))[:16] }

// sumOf hashes texts only.
func sumOf(name string, values ...string) string {
	s := newSum()
	s.text(name, values...)
	return s.String()
}
