package integration

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// load creates objects, one after the other and from several sides, all with --dry-run=server,
// until it is stopped.
type load struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	created int
	failed  []error
}

// startLoad begins with pods that ask for the host network and must get it.
func (w *world) startLoad(t *testing.T, namespace string) *load {
	t.Helper()
	const pod = `{metadata: {name: gate, annotations: {netmode.io/mode: hostnetwork}}, spec: {containers: [{name: c, image: i}]}}`
	return w.startLoadOf(t, namespace, pod, func(a *answer) error {
		if a.err != nil {
			return a.err
		}
		if !stored[corev1.Pod](t, a).Spec.HostNetwork {
			return fmt.Errorf("not mutated: %s", a.object)
		}
		return nil
	})
}

// startLoadOf begins with this pod, and has check look at every answer.
func (w *world) startLoadOf(t *testing.T, namespace, pod string, check func(*answer) error) *load {
	t.Helper()
	object := toJSON(t, pod)
	return startLoadBy(t, func(ctx context.Context) *answer { return w.post(ctx, namespace, "pods", object, dryRun) }, check)
}

// startLoadBy begins with what post creates.
func startLoadBy(t *testing.T, post func(context.Context) *answer, check func(*answer) error) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	for range 2 {
		l.running.Go(func() {
			for ctx.Err() == nil {
				a := post(ctx)
				if ctx.Err() != nil {
					return // this call was cut short
				}
				err := check(a)
				l.mu.Lock()
				l.created++
				if err != nil {
					l.failed = append(l.failed, err)
				}
				l.mu.Unlock()
			}
		})
	}
	return l
}

// stop ends it, and holds it to no failure.
func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.running.Wait()
	if l.created == 0 {
		t.Error("nothing was created")
	}
	if len(l.failed) > 0 {
		t.Errorf("%d of %d creations failed, the first: %v", len(l.failed), l.created, l.failed[0])
	}
}
