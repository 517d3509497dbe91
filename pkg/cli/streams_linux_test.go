package cli

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestColorOnTerminal: auto means colours on a terminal, unless NO_COLOR or a
// dumb terminal speaks against them.
func TestColorOnTerminal(t *testing.T) {
	terminal := openTerminal(t)
	if terminal == nil {
		return
	}
	tests := map[string]struct {
		color, noColor, term string
		want                 bool
	}{
		"auto":             {"auto", "", "xterm", true},
		"NO_COLOR":         {"auto", "1", "xterm", false},
		"a dumb terminal":  {"auto", "", "dumb", false},
		"always":           {"always", "1", "dumb", true},
		"never":            {"never", "", "xterm", false},
		"before the flags": {"", "", "xterm", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColor)
			t.Setenv("TERM", tt.term)
			s := Streams{Out: terminal, Err: terminal, Color: tt.color}
			if out, errOut := s.outPalette().on, s.errPalette().on; out != tt.want || errOut != tt.want {
				t.Errorf("colours on standard output: %v, on standard error: %v, want %v", out, errOut, tt.want)
			}
		})
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if s := (Streams{Out: file, Color: "auto"}); s.outPalette().on {
		t.Error("a file got colours")
	}
}

// openTerminal returns a terminal's end, or nil where the machine has none.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Logf("no terminals here: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Logf("no terminals here: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = end.Close() })
	return end
}
