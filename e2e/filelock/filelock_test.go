package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netmode-io/netmode/e2e/filelock"
)

func TestHold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "lock")
	release, err := filelock.Hold(t.Context(), path, func() { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}

	// A second one waits until its context ends.
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := 0
	if _, err := filelock.Hold(ctx, path, func() { waited++; cancel(why) }); !errors.Is(err, why) {
		t.Errorf("have %v, want the context's cause", err)
	}
	if waited != 1 {
		t.Errorf("said %d times that it waits, want once", waited)
	}

	release()
	again, err := filelock.Hold(t.Context(), path, func() { t.Error("waited for a released lock") })
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestHoldWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := filelock.Hold(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	second, err := filelock.Hold(t.Context(), path, release)
	if err != nil {
		t.Fatalf("not held after its release: %v", err)
	}
	second()
}

func TestHoldCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := filelock.Hold(t.Context(), filepath.Join(file, "lock"), func() {})
	if err == nil || !strings.Contains(err.Error(), "make the folder yours with chown, or export XDG_CACHE_HOME") {
		t.Errorf("have %v, want the cure", err)
	}
}
