package certs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeWatch stands for the watch on a folder where the clock is a test's: the
// real one waits in the kernel, which no fake clock can pass over.
type fakeWatch struct {
	events chan fsnotify.Event
	faults chan error
	opened int
	closed int
	once   bool // later watches see nothing
	err    error
}

func (w *fakeWatch) open(string) (watch, error) {
	if w.err != nil {
		return watch{}, w.err
	}
	w.opened++
	opened := watch{stop: func() error { w.closed++; return nil }}
	if w.opened == 1 || !w.once {
		opened.events, opened.faults = w.events, w.faults
	}
	return opened, nil
}

// clockSource runs a source on a folder within a bubble until the test function
// returns.
func clockSource(t *testing.T, pair KeyPair, fake *fakeWatch, test func(dir string, source *FileSource, told *recorder, since func() time.Duration)) {
	t.Helper()
	dir := folderWith(t, pair)
	synctest.Test(t, func(t *testing.T) {
		fake.events, fake.faults = make(chan fsnotify.Event), make(chan error)
		told := newRecorder()
		source, err := NewFileSource(dir, told.hooks())
		if err != nil {
			t.Fatal(err)
		}
		source.watch = fake.open
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- source.Run(ctx) }()
		synctest.Wait()
		test(dir, source, told, func() time.Duration { return time.Since(start) })
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if fake.opened != fake.closed {
			t.Errorf("%d watches opened, %d closed", fake.opened, fake.closed)
		}
	})
}

func at(t *testing.T, since func() time.Duration, want time.Duration) {
	t.Helper()
	if got := since(); got != want {
		t.Errorf("after %s, want after %s", got, want)
	}
}

func TestPeriodicCheck(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	before, after := issue(t, a, "localhost"), issue(t, a, "localhost")

	t.Run("finds a change without an event", func(t *testing.T) {
		fake := &fakeWatch{}
		clockSource(t, before, fake, func(dir string, source *FileSource, told *recorder, since func() time.Duration) {
			writeAll(t, dir, after)
			if got, want := <-told.reloaded, serialOf(t, after); got != want {
				t.Errorf("told of %s, want %s", got, want)
			}
			at(t, since, time.Minute)
			if got, want := servedSerial(t, source), serialOf(t, after); got != want {
				t.Errorf("served %s, want %s", got, want)
			}
			if fake.opened != 2 || fake.closed != 1 {
				t.Errorf("%d watches opened, %d closed, want a new one for the old", fake.opened, fake.closed)
			}
		})
	})

	t.Run("says nothing while nothing changes", func(t *testing.T) {
		clockSource(t, before, &fakeWatch{}, func(_ string, _ *FileSource, told *recorder, _ func() time.Duration) {
			<-time.After(time.Hour + time.Second)
			if len(told.reloaded)+len(told.failed) > 0 {
				t.Errorf("told of %d reloads and %d failures", len(told.reloaded), len(told.failed))
			}
		})
	})

	t.Run("repeats a failure, and tells of its end", func(t *testing.T) {
		clockSource(t, before, &fakeWatch{}, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			write(t, dir, keyFile, []byte("x"))
			for minute := range 3 {
				wantError(t, <-told.failed, "tls.key: ")
				at(t, since, time.Duration(minute+1)*time.Minute)
			}
			write(t, dir, keyFile, before.Key)
			if got, want := <-told.reloaded, serialOf(t, before); got != want {
				t.Errorf("told of %s, want %s", got, want)
			}
			at(t, since, 4*time.Minute)
		})
	})

	t.Run("is there when the folder cannot be watched", func(t *testing.T) {
		cause := errors.New("too many open files")
		clockSource(t, before, &fakeWatch{err: cause}, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			err := <-told.failed
			wantError(t, err, `certificate folder "`+dir+`": cannot be watched: too many open files: changes are seen within 1m0s; raise the limits fs.inotify.max_user_instances`)
			if !errors.Is(err, cause) {
				t.Error("the cause is not wrapped")
			}
			at(t, since, 0)
			writeAll(t, dir, after)
			<-told.reloaded
			wantError(t, <-told.failed, "cannot be watched")
			at(t, since, time.Minute)
			wantError(t, <-told.failed, "cannot be watched")
			at(t, since, 2*time.Minute)
		})
	})

	t.Run("tells of missing files rather than of the watch", func(t *testing.T) {
		clockSource(t, before, &fakeWatch{err: errors.New("no such file")}, func(dir string, _ *FileSource, told *recorder, _ func() time.Duration) {
			wantError(t, <-told.failed, "cannot be watched: no such file")
			write(t, dir, caFile, nil)
			wantError(t, <-told.failed, "ca.crt: no PEM certificate found")
			<-time.After(time.Second)
			if len(told.failed) > 0 {
				t.Errorf("and then: %v", <-told.failed)
			}
		})
	})

	t.Run("outlives a watch that ended by itself", func(t *testing.T) {
		fake := &fakeWatch{once: true}
		clockSource(t, before, fake, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			close(fake.events)
			close(fake.faults)
			writeAll(t, dir, after)
			<-told.reloaded
			at(t, since, time.Minute)
		})
	})
}

func TestEventsAreGathered(t *testing.T) {
	t.Parallel()
	a := newTestAuthority(t, "CA")
	before, after := issue(t, a, "localhost"), issue(t, a, "localhost")

	t.Run("the folder is read when it rests", func(t *testing.T) {
		fake := &fakeWatch{}
		clockSource(t, before, fake, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			write(t, dir, certFile, after.Cert)
			fake.events <- fsnotify.Event{}
			<-time.After(90 * time.Millisecond)
			write(t, dir, keyFile, after.Key)
			fake.events <- fsnotify.Event{}
			<-told.reloaded
			at(t, since, 190*time.Millisecond)
			if len(told.failed) > 0 {
				t.Errorf("the time between the files is told as a failure: %v", <-told.failed)
			}
		})
	})

	t.Run("events without a change are not told", func(t *testing.T) {
		fake := &fakeWatch{}
		clockSource(t, before, fake, func(dir string, _ *FileSource, told *recorder, _ func() time.Duration) {
			write(t, dir, certFile, after.Cert)
			for range 3 {
				fake.events <- fsnotify.Event{}
				<-time.After(time.Second)
			}
			if len(told.failed) != 1 {
				t.Errorf("one failure is told %d times before the next minute", len(told.failed))
			}
		})
	})

	t.Run("lost events", func(t *testing.T) {
		fake := &fakeWatch{}
		clockSource(t, before, fake, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			writeAll(t, dir, after)
			fake.faults <- fsnotify.ErrEventOverflow
			<-told.reloaded
			at(t, since, 100*time.Millisecond)
		})
	})

	t.Run("a folder that never rests", func(t *testing.T) {
		fake := &fakeWatch{}
		clockSource(t, before, fake, func(dir string, _ *FileSource, told *recorder, since func() time.Duration) {
			writeAll(t, dir, after)
			for len(told.reloaded) == 0 {
				fake.events <- fsnotify.Event{}
				<-time.After(50 * time.Millisecond)
			}
			if got := since(); got < time.Minute || got > time.Minute+50*time.Millisecond {
				t.Errorf("read after %s, want after a minute", got)
			}
		})
	})
}

func TestMemorySourceRuns(t *testing.T) {
	t.Parallel()
	source, err := NewMemorySource([]string{"localhost"}, testNow, day)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if err := source.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("ended after %s, want after an hour", got)
		}
	})
}

func TestWatchFolderRefuses(t *testing.T) {
	t.Parallel()
	_, err := watchFolder(t.TempDir() + "/missing")
	wantError(t, err, "no such file or directory")
}
