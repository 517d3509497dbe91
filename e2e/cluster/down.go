package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/netmode-io/netmode/e2e/engine"
	"github.com/netmode-io/netmode/e2e/progress"
)

// Down removes the cluster of this name and all that Up made for it: containers, volumes, the
// network, the context in the kubeconfig, the state. Images and the cache stay. That there is
// no such cluster is no error; that somebody else made it is one.
func Down(ctx context.Context, o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	log := progress.New(o.Progress, "cluster")
	dir, err := o.stateDir()
	if err != nil {
		return err
	}
	unlock, err := o.lock(ctx, dir, log)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := readState(dir)
	if err != nil {
		return err
	}
	if s != nil {
		o.Engine = s.Engine
	}
	e, err := engine.Find(ctx, o.runner, o.Engine, dir)
	if err != nil {
		return err
	}
	if s == nil {
		all, err := containers(ctx, e, o.Name)
		if err != nil {
			return explain(err, "")
		}
		if what, why := decide(o, e.Name(), s, all); what == refuse {
			return errors.New(why)
		}
		log.Say("there is no cluster %s", o.Name)
		return os.RemoveAll(dir)
	}
	return log.Step("removing the cluster "+o.Name, func() error { return down(ctx, o, e, dir, s) })
}

// Down removes the cluster.
func (c *Cluster) Down(ctx context.Context) error {
	o := c.options
	o.Engine = c.engine.Name()
	return Down(ctx, o)
}

// down removes everything of a cluster. It goes on after a failure, and forgets the state only
// when nothing failed, so that it can be tried again.
func down(ctx context.Context, o Options, e *engine.Engine, dir string, s *state) error {
	var failed []error
	log := &kindLog{show: progress.New(nil, "")}
	if err := withEnv(o, e, func() error { return provider(e, log).Delete(o.Name, o.Kubeconfig) }); err != nil {
		failed = append(failed, fmt.Errorf("kind: %w: %s", err, lastLines(log.Kept(), 3)))
	}
	if err := removeVolumes(ctx, o, e); err != nil {
		failed = append(failed, err)
	}
	networks, err := e.Run(ctx, "network", "ls", "--format", "{{.Name}}")
	if err != nil {
		failed = append(failed, err)
	}
	for network := range strings.FieldsSeq(networks) {
		if network == o.network() {
			if _, err := e.Run(ctx, "network", "rm", network); err != nil {
				failed = append(failed, err)
			}
		}
	}
	removeFolder(s.MadeModules)
	if err := removeEmptyKubeconfig(s.MadeKubeconfig); err != nil {
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return explain(err, "")
	}
	return os.RemoveAll(dir)
}

// removeVolumes removes those whose node kind had not come to make: it finds volumes by nodes.
func removeVolumes(ctx context.Context, o Options, e *engine.Engine) error {
	for _, node := range []string{o.Name + "-control-plane", o.Name + "-worker"} {
		volumes, err := e.Run(ctx, "volume", "ls", "--filter", "label="+node, "--format", "{{.Name}}")
		if err != nil {
			return err
		}
		for volume := range strings.FieldsSeq(volumes) {
			if _, err := e.Run(ctx, "volume", "rm", volume); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeEmptyKubeconfig removes a kubeconfig file that was made with the cluster, and its
// folder, if nothing else is in them now.
func removeEmptyKubeconfig(path string) error {
	if path == "" {
		return nil
	}
	config, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(config.Clusters)+len(config.AuthInfos)+len(config.Contexts) > 0 {
		return nil
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if dir := filepath.Dir(path); filepath.Base(dir) == clientcmd.RecommendedHomeDir {
		_ = os.Remove(dir) // fails if it holds anything
	}
	return nil
}
