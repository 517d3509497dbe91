package cli

import (
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/term"
)

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	// Color is auto, always or never.
	Color string
}

// System returns the process's own streams.
func System() Streams {
	return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
}

func (s *Streams) validate() error {
	if !slices.Contains([]string{"auto", "always", "never"}, s.Color) {
		return fmt.Errorf("--color %q: use auto, always or never", s.Color)
	}
	return nil
}

func (s *Streams) outPalette() palette { return palette{s.colored(s.Out)} }

func (s *Streams) errPalette() palette { return palette{s.colored(s.Err)} }

// colored says whether w gets colours; NO_COLOR turns them off on a terminal
// (https://no-color.org).
func (s *Streams) colored(w io.Writer) bool {
	switch s.Color {
	case "always":
		return true
	case "never":
		return false
	}
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// palette colours text, or leaves it plain.
type palette struct{ on bool }

func (p palette) red(s string) string    { return p.sgr("31", s) }
func (p palette) green(s string) string  { return p.sgr("32", s) }
func (p palette) yellow(s string) string { return p.sgr("33", s) }
func (p palette) cyan(s string) string   { return p.sgr("36", s) }
func (p palette) bold(s string) string   { return p.sgr("1", s) }
func (p palette) dim(s string) string    { return p.sgr("2", s) }

func (p palette) sgr(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
