package apps

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/netmode-io/netmode/e2e/appimage"
	"github.com/netmode-io/netmode/e2e/cluster"
	"github.com/netmode-io/netmode/e2e/install"
	"github.com/netmode-io/netmode/e2e/progress"
)

const (
	// patience is for what takes a program a minute, on a machine that is busy.
	patience = 6 * time.Minute
	// installTimeout is for netmode's own pods and their first certificate.
	installTimeout = 4 * time.Minute
	// cleanTimeout is for all that a test leaves, after ctx has ended too.
	cleanTimeout = 2 * time.Minute
	pollEvery    = time.Second
)

// world is a cluster with netmode in it, and the programs' image on its nodes.
type world struct {
	cluster *cluster.Cluster
	image   string
	config  *rest.Config
	kube    kubernetes.Interface
	log     *progress.Log
}

// start brings up the cluster, netmode in it, and the image. A cluster that was made for this run
// is removed after it, unless KEEP=1.
func start(ctx context.Context, t *testing.T) *world {
	t.Helper()
	netmode := os.Getenv("IMAGE")
	if netmode == "" {
		t.Fatal("IMAGE names no image of netmode: make apps builds one and sets it")
	}
	options, err := cluster.FromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	options.Progress = os.Stderr
	c, err := cluster.Up(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	if c.Made && !options.Keep {
		cleanUp(ctx, t, c.Down)
	}
	w := &world{cluster: c, config: c.Config(), log: progress.New(os.Stderr, "apps")}
	w.config.QPS = -1 // tests wait for the cluster, not for their client
	w.config.WarningHandler = rest.NoWarnings{}
	if w.kube, err = kubernetes.NewForConfig(w.config); err != nil {
		t.Fatal(err)
	}
	if w.image, err = w.programsImage(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.install(ctx, netmode); err != nil {
		t.Fatal(err)
	}
	return w
}

// programsImage makes the image, or finds it made, and loads it to the nodes that lack it.
func (w *world) programsImage(ctx context.Context) (string, error) {
	builder := appimage.Builder{Source: "../appimage", Log: w.log, Getenv: os.Getenv}
	image, err := builder.Image(ctx, w.cluster.Engine)
	if err != nil {
		return "", err
	}
	for _, node := range w.cluster.Nodes {
		found, err := w.cluster.Engine(ctx, "exec", node.Name, "ctr", "--namespace=k8s.io", "images", "ls", "-q", "name=="+image)
		if err != nil {
			return "", err
		}
		if found == "" {
			return image, w.log.Step("loading "+image+" to the nodes", func() error { return w.cluster.Load(ctx, image) })
		}
	}
	return image, nil
}

// install brings netmode into the cluster as deploy/ ships it, but for the image.
func (w *world) install(ctx context.Context, image string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, installTimeout, fmt.Errorf("not installed within %s", installTimeout))
	defer cancel()
	return install.Into(ctx, w.cluster, "../../deploy/kustomize/base", install.Options{Image: image}, os.Stderr)
}
