package flags

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func parseLogging(t *testing.T, args ...string) *Logging {
	t.Helper()
	l := NewLogging()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	l.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return l
}

// logged writes a line at each verbosity and returns those that came through.
func logged(t *testing.T, out *bytes.Buffer, args ...string) []string {
	t.Helper()
	log, err := parseLogging(t, args...).New(out)
	if err != nil {
		t.Fatal(err)
	}
	log.Error(errors.New("cause"), "failed", "key", "value")
	log.Info("at 0", "took", 1500*time.Millisecond)
	log.V(1).Info("at 1")
	log.V(4).Info("at 4")
	log.V(10).Info("at 10")
	var messages []string
	for line := range strings.Lines(out.String()) {
		var record struct{ Msg string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		messages = append(messages, record.Msg)
	}
	return messages
}

func TestLogLevels(t *testing.T) {
	for _, tt := range []struct {
		level string
		want  []string
	}{
		{"error", []string{"failed"}},
		{"info", []string{"failed", "at 0"}},
		{"0", []string{"failed", "at 0"}},
		{"1", []string{"failed", "at 0", "at 1"}},
		{"debug", []string{"failed", "at 0", "at 1", "at 4"}},
		{"4", []string{"failed", "at 0", "at 1", "at 4"}},
		{"10", []string{"failed", "at 0", "at 1", "at 4", "at 10"}},
	} {
		t.Run(tt.level, func(t *testing.T) {
			var out bytes.Buffer
			got := logged(t, &out, "--log-level="+tt.level)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s\n%s", diff, out.String())
			}
		})
	}
}

func TestJSONFormat(t *testing.T) {
	var out bytes.Buffer
	logged(t, &out)
	var lines []map[string]any
	for decoder := json.NewDecoder(&out); ; {
		var line map[string]any
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2: %v", len(lines), lines)
	}
	if l := lines[0]; l["level"] != "error" || l["msg"] != "failed" || l["error"] != "cause" || l["key"] != "value" {
		t.Errorf("error line %v", l)
	}
	if l := lines[1]; l["level"] != "info" || l["took"] != "1.5s" {
		t.Errorf("info line %v", l)
	}
	stamp, _ := lines[1]["ts"].(string)
	if at, err := time.Parse(time.RFC3339Nano, stamp); err != nil || time.Since(at) > time.Minute {
		t.Errorf("time %q: %v", stamp, err)
	}
}

func TestConsoleFormat(t *testing.T) {
	var out bytes.Buffer
	log, err := parseLogging(t, "--log-format=console").New(&out)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("serving", "listen", "127.0.0.1:8443")
	if line := out.String(); !strings.Contains(line, "INFO\tserving\t{\"listen\": \"127.0.0.1:8443\"}\n") {
		t.Errorf("line %q", line)
	}
}

func TestBadLoggingFlags(t *testing.T) {
	for _, tt := range []struct{ arg, want string }{
		{"--log-level=", `--log-level "": use error, info, debug, or a number from 0 to 10`},
		{"--log-level=warn", `--log-level "warn": use error, info, debug, or a number from 0 to 10`},
		{"--log-level=INFO", `--log-level "INFO": use error, info, debug, or a number from 0 to 10`},
		{"--log-level=-1", `--log-level "-1": use error, info, debug, or a number from 0 to 10`},
		{"--log-level=11", `--log-level "11": use error, info, debug, or a number from 0 to 10`},
		{"--log-level=256", `--log-level "256": use error, info, debug, or a number from 0 to 10`},
		{"--log-format=text", `--log-format "text": use json or console`},
		{"--log-format=", `--log-format "": use json or console`},
	} {
		t.Run(tt.arg, func(t *testing.T) {
			var out bytes.Buffer
			log, err := parseLogging(t, tt.arg).New(&out)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			log.Info("nothing")
			if out.Len() > 0 {
				t.Errorf("logged %q", out.String())
			}
		})
	}
}

// countedWriter counts writes.
type countedWriter struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

// Sync fails as that of a pipe does.
func (w *countedWriter) Sync() error { return errors.New("invalid argument") }

func (w *countedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.text.Write(p)
}

func (w *countedWriter) lines() (lines, writes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Count(w.text.Bytes(), []byte("\n")), w.writes
}

// Lines wait for each other, half a second at most; an error, a flush and the end
// write what is there.
func TestBufferedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out countedWriter
		log, flush, stop, err := parseLogging(t).NewBuffered(&out)
		if err != nil {
			t.Fatal(err)
		}
		lines := func(want, wantWrites int, when string) {
			t.Helper()
			synctest.Wait()
			if got, writes := out.lines(); got != want || writes != wantWrites {
				t.Errorf("%s: %d lines in %d writes, want %d in %d", when, got, writes, want, wantWrites)
			}
		}
		for range 100 {
			log.Info("review")
		}
		lines(0, 0, "at once")
		<-time.After(flushEvery)
		lines(100, 1, "after half a second")
		log.Info("review")
		log.WithValues("a", "b").Error(errors.New("cause"), "failed")
		lines(102, 2, "after an error")
		log.Info("review")
		if err := flush(); err != nil {
			t.Fatal(err)
		}
		lines(103, 3, "after a flush")
		log.Info("review")
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		lines(104, 4, "at the end")
	})
}

func TestBufferedRefuses(t *testing.T) {
	if _, _, _, err := parseLogging(t, "--log-format=text").NewBuffered(io.Discard); err == nil || !strings.Contains(err.Error(), `--log-format "text"`) {
		t.Errorf("have %v", err)
	}
}
