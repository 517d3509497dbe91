package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/netmode-io/netmode/e2e/engine"
	"github.com/netmode-io/netmode/e2e/progress"
)

// openTimeout is for an API server that runs to answer.
const openTimeout = 20 * time.Second

// Open returns the cluster of this name that Up made, as it is: it starts and changes nothing. An
// asked image, engine or number of nodes must be the cluster's. If there is no such cluster, or a
// node of it has stopped, the error says how to make it. As with Up, no Up, Open or Down may run
// in the same process at that time.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	dir, err := o.stateDir()
	if err != nil {
		return nil, err
	}
	s, err := readState(dir)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("there is no cluster %s: %s", o.Name, target("cluster", o.Name))
	}
	e, err := o.findEngine(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	all, err := containers(ctx, e, o.Name)
	if err != nil {
		return nil, explain(err, "")
	}
	switch what, why := decide(o, e.Name(), s, all); what {
	case reuse:
	case refuse:
		return nil, errors.New(why)
	case create, replace:
		return nil, fmt.Errorf("the cluster %s cannot be used: %s: %s", o.Name, why, target("cluster", o.Name))
	}

	c := &Cluster{Name: o.Name, Context: o.context(), Image: s.Image, options: o, engine: e, log: progress.New(o.Progress, "cluster")}
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout, fmt.Errorf("no answer within %s", openTimeout))
	defer cancel()
	err = withEnv(o, e, func() error { return c.connect(provider(e, &kindLog{show: c.log})) })
	if err == nil {
		err = c.listNodes(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster %s does not answer: %w: %s", o.Name, err, target("cluster", o.Name))
	}
	return c, nil
}

// findEngine finds the engine that the cluster of state s runs on; with no state, the one asked
// for.
func (o Options) findEngine(ctx context.Context, s *state, dir string) (*engine.Engine, error) {
	if s == nil {
		return engine.Find(ctx, o.runner, o.Engine, dir)
	}
	if o.Engine != "" && filepath.Base(o.Engine) != s.Engine {
		return nil, fmt.Errorf("the cluster %s runs on %s, not %s: %s", o.Name, s.Engine, o.Engine, again(o.Name))
	}
	return engine.Find(ctx, o.runner, s.Engine, dir)
}
