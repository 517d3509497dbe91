package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the name, in messages, of what "-" reads.
const Stdin = "<stdin>"

// Open reads the inputs that a command line names: files, directories (their
// *.yaml, *.yml and *.json files in the order of their names, hidden ones left
// out; directories below only if recursive) and "-", the standard input. Each
// error names its input. A directory without manifests is an error.
func Open(ctx context.Context, paths []string, stdin io.Reader, recursive bool) ([]*File, error) {
	var files []*File
	usedStdin := false
	for _, path := range paths {
		names := []string{path}
		if path == "-" {
			if usedStdin {
				return nil, &Error{Name: Stdin, Problem: `"-" is given twice`, Cure: "give it once"}
			}
			usedStdin = true
		} else {
			var err error
			if names, err = manifests(path, recursive); err != nil {
				return nil, err
			}
		}
		for _, name := range names {
			f, err := open(ctx, name, stdin)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return files, nil
}

// manifests returns the files that a path stands for.
func manifests(path string, recursive bool) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &Error{Name: path, Problem: "cannot be read", Err: cause(err), Cure: "check the path"}
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	root := filepath.Clean(path) + string(filepath.Separator) // which follows a link
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(filepath.Base(name), ".")
		switch {
		case err != nil:
			return &Error{Name: name, Problem: "cannot be read", Err: cause(err), Cure: "check its permissions"}
		case name == root:
			return nil
		case entry.IsDir() && (hidden || !recursive):
			return filepath.SkipDir
		case entry.IsDir() || hidden || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)):
			return nil
		}
		// A link counts as what it leads to.
		info, err := os.Stat(name)
		if err != nil {
			return &Error{Name: name, Problem: "cannot be read", Err: cause(err), Cure: "mend or remove the link"}
		}
		if !info.IsDir() {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		cure := "name a directory that holds *.yaml, *.yml or *.json files"
		if !recursive {
			cure += ", or ask for the directories below it too"
		}
		return nil, &Error{Name: path, Problem: "no manifests in this directory", Cure: cure}
	}
	slices.Sort(names)
	return names, nil
}

// cause drops the path that the message names already.
func cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}

func open(ctx context.Context, path string, stdin io.Reader) (*File, error) {
	name, in := path, stdin
	if path == "-" {
		name = Stdin
	} else {
		f, err := os.Open(filepath.Clean(path))
		if err != nil {
			return nil, &Error{Name: path, Problem: "cannot be read", Err: cause(err), Cure: "check its permissions"}
		}
		defer func() { _ = f.Close() }() // nothing was written
		in = f
	}
	data, err := readAll(ctx, in)
	if err != nil {
		return nil, &Error{Name: name, Problem: "cannot be read", Err: cause(err), Cure: "try again"}
	}
	return Read(name, data)
}

// readAll reads at most one byte more than Read accepts. It does not wait for a
// reader that blocks, as a terminal does, once ctx is done.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("interrupted: %w", err)
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("interrupted: %w", ctx.Err())
	case r := <-done:
		return r.data, r.err
	}
}
