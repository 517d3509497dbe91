package progress_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netmode-io/netmode/e2e/progress"
)

func TestLog(t *testing.T) {
	var out strings.Builder
	log := progress.New(&out, "cluster")
	log.Say("%d nodes", 2)
	if err := log.Step("fast", func() error { return nil }); err != nil {
		t.Error(err)
	}
	failed := errors.New("failed")
	if err := log.Step("bad", func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("have %v, want the step's own error", err)
	}
	const want = "cluster: 2 nodes\ncluster: fast\ncluster: fast: 0 s\ncluster: bad\n"
	if got := out.String(); got != want {
		t.Errorf("have\n%s\nwant\n%s", got, want)
	}
}

func TestLongStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		err := progress.New(&out, "cluster").Step("slow", func() error {
			<-time.After(65 * time.Second)
			return nil
		})
		const want = "cluster: slow\ncluster: slow: 30 s so far\ncluster: slow: 60 s so far\ncluster: slow: 65 s\n"
		if got := out.String(); err != nil || got != want {
			t.Errorf("have\n%s%v\nwant\n%s", got, err, want)
		}
	})
}

func TestSilent(t *testing.T) {
	ran := false
	if err := progress.New(nil, "").Step("quiet", func() error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("a silent log did not do its step: %v", err)
	}
}
