package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kind "sigs.k8s.io/kind/pkg/cluster"

	"github.com/netmode-io/netmode/e2e/engine"
	"github.com/netmode-io/netmode/e2e/filelock"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

// clusterLabel is how kind marks the containers of a cluster.
const clusterLabel = "io.x-k8s.kind.cluster"

// Cluster is a cluster that is up.
type Cluster struct {
	Name    string
	Context string // in the kubeconfig
	Image   string // the node image
	Nodes   []Node // the control plane first
	Made    bool   // by this Up: there was none before, or a broken one

	options Options
	engine  *engine.Engine
	config  *rest.Config
	client  kubernetes.Interface
	log     *progress.Log
}

// Node is one node of a cluster.
type Node struct {
	Name    string // of the Node object and of its container
	Address string // its InternalIP
	PodCIDR string // the range of its pods
}

// Config returns a configuration for clients, of the cluster's administrator.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Engine runs the cluster's container engine with these arguments, for what only the engine can
// do, such as stopping a node. It returns what the engine wrote to its standard output.
func (c *Cluster) Engine(ctx context.Context, args ...string) (string, error) {
	return c.engine.Run(ctx, args...)
}

// Load copies images from the engine's own storage to all nodes. Name them with a registry, as
// in localhost/netmode:dev, and give their pods imagePullPolicy IfNotPresent or Never.
func (c *Cluster) Load(ctx context.Context, images ...string) error {
	dir, err := os.MkdirTemp("", "netmode-images-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for _, image := range images {
		if !c.engine.HasImage(ctx, image) {
			return fmt.Errorf("%s holds no image %s: make image IMAGE=%s", c.engine.Name(), image, image)
		}
		archive := filepath.Join(dir, "image.tar")
		if err := saveImage(ctx, c.engine, image, archive); err != nil {
			return fmt.Errorf("image %s: %w", image, err)
		}
		if err := c.LoadArchives(ctx, archive); err != nil {
			return fmt.Errorf("image %s: %w", image, err)
		}
	}
	return nil
}

func saveImage(ctx context.Context, e *engine.Engine, image, path string) (err error) {
	f, err := os.Create(path) //nolint:gosec // in a temporary folder of ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return e.SaveImage(ctx, image, f)
}

// LoadArchives copies images from files in the form of docker save to all nodes.
func (c *Cluster) LoadArchives(ctx context.Context, archives ...string) error {
	for _, path := range archives {
		for _, node := range c.Nodes {
			if err := c.loadArchive(ctx, node, path); err != nil {
				return fmt.Errorf("node %s: %w", node.Name, explain(err, ""))
			}
		}
	}
	return nil
}

func (c *Cluster) loadArchive(ctx context.Context, node Node, path string) error {
	f, err := os.Open(path) //nolint:gosec // the caller's file
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = c.engine.Exec(ctx, node.Name, f, "ctr", "--namespace=k8s.io", "images", "import", "-")
	return err
}

// stateDir is where the state of the cluster is kept.
func (o Options) stateDir() (string, error) {
	cache, err := nodeimage.CacheDir(o.getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "clusters", o.Name), nil
}

// lock keeps every other Up and Down of this cluster waiting.
func (o Options) lock(ctx context.Context, stateDir string, log *progress.Log) (func(), error) {
	return filelock.Hold(ctx, stateDir+".lock", func() { log.Say("waiting for another command that makes or removes the cluster %s", o.Name) })
}

// containers lists the nodes that the engine has of the cluster, running or not.
func containers(ctx context.Context, e *engine.Engine, name string) ([]container, error) {
	out, err := e.Run(ctx, "ps", "-a", "--filter", "label="+clusterLabel+"="+name, "--format", "{{.Names}} {{.State}}")
	if err != nil {
		return nil, err
	}
	var all []container
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 1 {
			c := container{Name: fields[0], State: fields[1]}
			if c.State == "Up" { // podman 4's word
				c.State = "running"
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// provider is kind's library on this engine. It writes what it does to log.
func provider(e *engine.Engine, log *kindLog) *kind.Provider {
	on := kind.ProviderWithDocker()
	if e.Name() == engine.Podman {
		on = kind.ProviderWithPodman()
	}
	return kind.NewProvider(kind.ProviderWithLogger(log), on)
}

// withEnv sets what kind, which runs the engine itself, must have in its environment, for as
// long as do runs. The environment is the process's own: no two of these may run at once.
func withEnv(o Options, e *engine.Engine, do func() error) (err error) {
	var restore []func() error
	defer func() {
		for _, undo := range restore {
			err = errors.Join(err, undo())
		}
	}()
	for _, pair := range append([]string{
		"KIND_EXPERIMENTAL_PODMAN_NETWORK=" + o.network(), "KIND_EXPERIMENTAL_DOCKER_NETWORK=" + o.network(),
	}, e.Env()...) {
		key, value, _ := strings.Cut(pair, "=")
		if before, had := os.LookupEnv(key); had {
			restore = append(restore, func() error { return os.Setenv(key, before) })
		} else {
			restore = append(restore, func() error { return os.Unsetenv(key) })
		}
		if err := os.Setenv(key, value); err != nil {
			return err
		}
	}
	return do()
}

// connect makes the client from the kubeconfig that kind keeps in the control plane.
func (c *Cluster) connect(p *kind.Provider) error {
	kubeconfig, err := p.KubeConfig(c.Name, false)
	if err != nil {
		return err
	}
	if c.config, err = clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig)); err != nil {
		return err
	}
	c.client, err = kubernetes.NewForConfig(c.config)
	return err
}
