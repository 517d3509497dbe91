package cli

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/cmd/netmode-webhook/app"
)

// The test binary is every program that the tests run. Which one, its name
// says, or else the environment.
const envProgram = "NETMODE_CLI_TEST_PROGRAM"

// programs take the arguments behind the program's name and return the exit code.
func programs() map[string]func(args []string) int {
	all := map[string]func([]string) int{
		"netmode":         func(args []string) int { return Main(append([]string{"netmode"}, args...), System()) },
		"netmode-webhook": func(args []string) int { return app.Main(args, os.Stdout, os.Stderr) },
		"odd-webhook":     oddWebhook,
		"silent":          func([]string) int { return 0 },
		"complaining":     complain,
		"never-serving":   neverServe,
	}
	maps.Copy(all, resolvconfPrograms())
	return all
}

func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	if programs()[name] == nil {
		name = os.Getenv(envProgram)
	}
	program, ok := programs()[name]
	if !ok {
		// Under the race detector each program would sleep a second before it ends.
		if err := os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0"); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
		m.Run()
		return
	}
	os.Exit(program(os.Args[1:])) //nolint:forbidigo // here this is the main of another program
}

// ownBinary is the path of the test binary.
func ownBinary(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// result is what a run of netmode left.
type result struct {
	code     int
	out, err string
}

// netmode runs the program with the arguments.
func netmode(t *testing.T, args ...string) result {
	t.Helper()
	return netmodeWith(t, strings.NewReader(""), args...)
}

func netmodeWith(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	code := Main(append([]string{"netmode"}, args...), Streams{In: stdin, Out: &out, Err: &errOut})
	return result{code, out.String(), errOut.String()}
}

// write makes a file in a folder of the test's own and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
