package await_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netmode-io/netmode/e2e/await"
)

func TestUntil(t *testing.T) {
	why := errors.New("too late")
	for name, test := range map[string]struct {
		done  func(ctx context.Context, asked int) (bool, string)
		want  string
		asked int
	}{
		"at once":    {func(context.Context, int) (bool, string) { return true, "" }, "", 1},
		"in the end": {func(_ context.Context, asked int) (bool, string) { return asked == 3, "not yet" }, "", 3},
		"never":      {func(context.Context, int) (bool, string) { return false, "not yet" }, "too late: not yet", 10},
		"what was cut short is not news": {func(_ context.Context, asked int) (bool, string) {
			if asked == 10 {
				return false, "client rate limiter Wait returned an error"
			}
			return false, "not yet"
		}, "too late: not yet", 10},
		"no answer": {func(ctx context.Context, _ int) (bool, string) {
			<-ctx.Done()
			return false, ctx.Err().Error()
		}, "too late: no answer", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second-time.Millisecond, why)
				defer cancel()
				asked := 0
				err := await.Until(ctx, time.Second, func(ctx context.Context) (bool, string) {
					asked++
					return test.done(ctx, asked)
				})
				said := ""
				if err != nil {
					said = err.Error()
				}
				if said != test.want || asked != test.asked || err != nil && !errors.Is(err, why) {
					t.Errorf("after %d, want %d: %v, want %s", asked, test.asked, err, test.want)
				}
			})
		})
	}
}
