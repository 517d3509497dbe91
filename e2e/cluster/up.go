package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	kind "sigs.k8s.io/kind/pkg/cluster"

	"github.com/netmode-io/netmode/e2e/engine"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

const (
	// createTimeout is for kind: containers, kubeadm init and join, on a busy machine.
	createTimeout = 6 * time.Minute
	// readyTimeout is for all that must be ready after it.
	readyTimeout = 4 * time.Minute
	// aliveTimeout is for a cluster that was ready before, on a busy machine: it is not to be
	// replaced under those who use it.
	aliveTimeout = 2 * time.Minute
	// cleanTimeout is for removing a cluster, even after ctx has ended.
	cleanTimeout = 2 * time.Minute
)

// Up returns the cluster that o asks for, with all nodes and CoreDNS ready, DNS answering pods
// on every node, and the test images of package nodeimage on all nodes. A healthy cluster of
// this name that Up made before is used again; a broken one is replaced; any other is an error.
// If Up fails, or ctx ends, it removes what it made, unless o.Keep.
//
// Errors are one sentence with a cure where one is known. Up sets environment variables while
// it runs kind: no other Up or Down may run in the same process at that time.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	log := progress.New(o.Progress, "cluster")
	began := time.Now()
	dir, err := o.stateDir()
	if err != nil {
		return nil, err
	}
	unlock, err := o.lock(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := readState(dir)
	if err != nil {
		return nil, err
	}
	e, err := o.findEngine(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	builder, err := nodeimage.New(o.runner, log, o.getenv)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Name: o.Name, Context: o.context(), options: o, engine: e, log: log}

	found, err := c.existing(ctx, builder, dir, s)
	if err != nil {
		return nil, err
	}
	if c.Made = !found; c.Made {
		if err := c.create(ctx, builder, dir); err != nil {
			return nil, err
		}
	}
	log.Say("%s is up with %d node(s) on %s after %.0f s: kubectl --context %s get nodes,pods -A",
		c.Name, len(c.Nodes), e.Name(), time.Since(began).Seconds(), c.Context)
	return c, nil
}

// existing connects to the cluster of this name if it can be used again, and removes it if it
// is ours and broken. It returns whether there is one to use.
func (c *Cluster) existing(ctx context.Context, builder *nodeimage.Builder, dir string, s *state) (bool, error) {
	all, err := containers(ctx, c.engine, c.Name)
	if err != nil {
		return false, explain(err, "")
	}
	asked := c.options
	if asked.Image == "" && s != nil && nodeimage.IsOurs(s.Image) {
		if asked.Image, err = builder.OwnImage(); err != nil {
			return false, err
		}
	}
	what, why := decide(asked, c.engine.Name(), s, all)
	switch what {
	case create:
		return false, nil
	case refuse:
		return false, errors.New(why)
	case reuse:
		c.log.Say("using the cluster %s that is here", c.Name)
		c.Image = s.Image
		if err = c.revive(ctx, builder); err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, err
		}
		why = err.Error()
	case replace:
	}
	c.log.Say("replacing the cluster %s: %s", c.Name, why)
	if err := down(ctx, c.options, c.engine, dir, s); err != nil {
		return false, err
	}
	// The engine's settings went with the old cluster.
	c.engine, err = engine.Find(ctx, c.options.runner, c.engine.Name(), dir)
	return false, err
}

// revive connects to a cluster that runs and sets up again what a restart of the machine takes
// from it.
func (c *Cluster) revive(ctx context.Context, builder *nodeimage.Builder) error {
	archives, err := builder.TestImages(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, aliveTimeout, fmt.Errorf("not healthy within %s", aliveTimeout))
	defer cancel()
	return withEnv(c.options, c.engine, func() error {
		p := provider(c.engine, &kindLog{show: c.log})
		if err := c.connect(p); err != nil {
			return err
		}
		if err := c.finish(ctx, archives); err != nil {
			return err
		}
		return p.ExportKubeConfig(c.Name, c.options.Kubeconfig, false)
	})
}

// create makes the cluster, all of it or nothing.
func (c *Cluster) create(ctx context.Context, builder *nodeimage.Builder, dir string) error {
	archives, image, err := c.images(ctx, builder)
	if err != nil {
		return errors.Join(explain(err, ""), os.RemoveAll(dir))
	}
	c.Image = image
	nodes := c.options.Nodes
	if nodes == 0 {
		nodes = machineNodes()
	}
	s := &state{Engine: c.engine.Name(), Image: image, Nodes: nodes, MadeKubeconfig: missingKubeconfig(c.options)}
	if s.Engine == engine.Podman {
		if s.MadeModules, err = makeFolder(modulesFolder); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err := s.write(dir); err != nil {
		return err
	}
	err = withEnv(c.options, c.engine, func() error {
		log := &kindLog{show: c.log}
		p := provider(c.engine, log)
		err := c.log.Step(fmt.Sprintf("creating %d node(s) from %s", nodes, image), func() error {
			return c.runKind(ctx, p, log, nodes)
		})
		if err != nil {
			return err
		}
		if err := c.connect(p); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready within %s", readyTimeout))
		defer cancel()
		return c.finish(ctx, archives)
	})
	if err == nil {
		s.Ready = true
		return s.write(dir)
	}
	if c.options.Keep {
		return fmt.Errorf("%w (KEEP=1: what there is of it was left: %s)", err, target("cluster-down", c.Name))
	}
	// Ctx may have ended, and is the reason to clean up then.
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if removed := down(clean, c.options, c.engine, dir, s); removed != nil {
		return fmt.Errorf("%w; and it could not be removed: %w: %s", err, removed, target("cluster-down", c.Name))
	}
	return fmt.Errorf("%w (it was removed: %s KEEP=1 leaves it for a look)", err, target("cluster", c.Name))
}

// images returns the archives of the test images and the name of the node image. The first are
// made first: it would be a pity to find out after the long build that something is missing.
func (c *Cluster) images(ctx context.Context, builder *nodeimage.Builder) (archives []string, image string, err error) {
	if archives, err = builder.TestImages(ctx); err != nil {
		return nil, "", err
	}
	image, err = builder.NodeImage(ctx, c.engine, c.options.Image)
	return archives, image, err
}

// runKind lets kind make the nodes. kind takes no context: when ctx ends, its containers are
// removed, which ends it.
func (c *Cluster) runKind(ctx context.Context, p *kind.Provider, log *kindLog, nodes int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, createTimeout, fmt.Errorf("kind was not ready within %s", createTimeout))
	defer cancel()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = p.Create(c.Name,
			kind.CreateWithV1Alpha4Config(kindConfig(c.Name, nodes, c.Image)),
			kind.CreateWithRetain(true),
			kind.CreateWithKubeconfigPath(c.options.Kubeconfig))
	}()
	select {
	case <-done:
		if err == nil {
			return nil
		}
		return kindError(err, log.Kept())
	case <-ctx.Done():
		cause := context.Cause(ctx)
		if c.options.Keep {
			return cause
		}
		return errors.Join(cause, c.stopKind(p, done))
	}
}

// stopKind removes the containers that kind is making, again and again until kind has ended: one
// that comes later would let it go on. What is left is for down.
func (c *Cluster) stopKind(p *kind.Provider, done <-chan struct{}) error {
	for began := time.Now(); ; {
		deleted := p.Delete(c.Name, c.options.Kubeconfig)
		select {
		case <-done:
			return nil
		case <-time.After(time.Second):
		}
		if time.Since(began) > cleanTimeout {
			return errors.Join(fmt.Errorf("kind did not end within %s", cleanTimeout), deleted)
		}
	}
}

// finish brings a cluster that kind has made to where tests can begin.
func (c *Cluster) finish(ctx context.Context, archives []string) error {
	if err := c.listNodes(ctx); err != nil {
		return err
	}
	if err := c.logQueries(ctx); err != nil {
		return err
	}
	if err := c.setUpNetwork(ctx); err != nil {
		return err
	}
	if err := c.log.Step("loading the test images", func() error { return c.LoadArchives(ctx, archives...) }); err != nil {
		return err
	}
	if err := c.log.Step("waiting for nodes and CoreDNS", func() error { return c.waitReady(ctx) }); err != nil {
		return err
	}
	return c.log.Step("asking CoreDNS from a pod on each node", func() error { return c.checkDNS(ctx) })
}

// missingKubeconfig returns the kubeconfig file that kind will write if it is not there yet.
func missingKubeconfig(o Options) string {
	path := o.Kubeconfig
	if path == "" {
		path = filepath.SplitList(o.getenv("KUBECONFIG") + string(filepath.ListSeparator) + clientcmd.RecommendedHomeFile)[0]
	}
	if path == "" {
		path = clientcmd.RecommendedHomeFile
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return path
	}
	return ""
}
