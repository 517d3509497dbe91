// Corpus renders every manifest below a folder, holds what comes out against kubectl's
// reader, and prints a table.
//
//	corpus DIR [FLAG OF RENDER ...]
//
// It fails if a change touched something else than its patch says, if a second render
// changes what the first wrote, or if kubectl reads other values than netmode.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/netmode-io/netmode/pkg/cli"
)

func main() {
	if err := run(os.Args[1:], netmode, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1) //nolint:forbidigo // a main turns an error into an exit code
	}
}

// netmode is the program with the arguments, reading text.
func netmode(text []byte, args ...string) (out []byte, complaint string) {
	var stdout, stderr bytes.Buffer
	streams := cli.Streams{In: bytes.NewReader(text), Out: &stdout, Err: &stderr, Color: "never"}
	if cli.Main(append([]string{"netmode"}, args...), streams) != 0 {
		return nil, stderr.String()
	}
	return stdout.Bytes(), ""
}

// program is netmode, or what stands for it.
type program func(text []byte, args ...string) (out []byte, complaint string)

// run is the program without its process.
func run(args []string, render program, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("no folder: usage: corpus DIR [FLAG OF RENDER ...]")
	}
	names, err := manifestsBelow(args[0])
	if err != nil {
		return err
	}
	begin := time.Now()
	c := &corpus{program: render, flags: args[1:], errors: map[string][]string{}}
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // the folder is the caller's
		if err != nil {
			return err
		}
		c.file(name, text)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	c.print(out)
	if _, err := fmt.Fprintf(out, "%-40s %.1f s, %d MB\n", "time, peak memory", time.Since(begin).Seconds(), usage.Maxrss>>10); err != nil {
		return err
	}
	if n := len(c.elsewhere) + len(c.unstable) + len(c.disagree); n > 0 {
		return fmt.Errorf("%d of what must be 0", n)
	}
	return nil
}

// manifestsBelow is not what render -R reads: hidden files count, for people keep
// manifests there, and links do not, which would count twice or lead nowhere.
func manifestsBelow(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error { //nolint:gosec // the folder that the person names
		if err == nil && entry.Type().IsRegular() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			names = append(names, name)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("%s: no *.yaml, *.yml or *.json file is below it", folder)
	}
	return names, err
}
